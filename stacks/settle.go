package stacks

import (
	"context"
	"errors"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/engine"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/stacks/names"
)

// settle brings a stack whose last run was interrupted to where the next run can go on from. What was being created
// then either exists now or does not: what exists and carries our tags is imported into the state, so that it is
// neither made twice nor left behind; the rest is forgotten. A Beanstalk environment that is still being worked on is
// waited for, because it refuses any other change until then. f is read anew when anything was changed.
func (m *Manager) settle(ctx context.Context, e *engine.Engine, f *backend.Facts) error {
	if err := m.settleEnvironments(ctx, f); err != nil {
		return err
	}
	if len(f.State.Pending) == 0 {
		return nil
	}
	m.tell(f.Name, operation.Event{Kind: operation.Step, Op: "recover"})
	imports, err := m.identify(ctx, f)
	if err != nil {
		return err
	}
	return m.refresh(ctx, e, f, imports)
}

// refresh brings the state in line with AWS, with no need of the program: imports are the ids of pending creates that
// exist, by URN. f is read anew.
func (m *Manager) refresh(ctx context.Context, e *engine.Engine, f *backend.Facts, imports map[string]string) error {
	c, err := m.standing(f)
	if err != nil {
		return err
	}
	w, err := e.Open(ctx, f.Name, c, nil)
	if err != nil {
		return err
	}
	if err := errors.Join(w.Recover(ctx, imports, backend.RecoveryMessage), w.Close()); err != nil {
		return err
	}
	return m.reread(ctx, f)
}

// standing is the configuration of a stack as it was last updated, for what is done to it without its program: the spec
// must not get lost from its history, where the next update looks for the version.
func (m *Manager) standing(f *backend.Facts) (engine.Config, error) {
	if s := ParseSpec(f.SpecText(m.File.Project)); s != nil {
		return m.stackConfig(f.Name, s.Branch, names.SpecKey, s, f.State)
	}
	return m.stackConfig(f.Name, "", "", nil, f.State)
}

// identify finds out which pending creates exist, and returns their ids by URN.
func (m *Manager) identify(ctx context.Context, f *backend.Facts) (map[string]string, error) {
	imports := map[string]string{}
	for _, op := range f.State.Pending {
		if op.Type != apitype.OperationTypeCreating || !backend.IsAWS(op.Resource.Type) {
			continue
		}
		r := op.Resource
		if r.Type == aws.TypeVersion {
			if err := m.discardVersion(ctx, f.Name, r); err != nil {
				return nil, err
			}
			continue
		}
		found, err := m.aws.Find(ctx, aws.Resource{Type: r.Type, Name: engine.UrnName(r.URN), Inputs: r.Inputs})
		if err != nil {
			return nil, err
		}
		switch {
		case found.ID == "":
		case !found.Untagged && (found.Tags[names.TagProject] != m.File.Project || found.Tags[names.TagStack] != f.Name):
			m.tell(f.Name, operation.Event{Kind: operation.Warning, Message: fmt.Sprintf("%s %s exists but is not this stack's: left alone", r.Type, found.ID)})
		default:
			if r.Type == aws.TypeEnvironment {
				if err := m.settleEnvironment(ctx, f.Name, r); err != nil {
					return nil, err
				}
			}
			imports[r.URN] = found.ID
			m.tell(f.Name, operation.Event{Kind: operation.Note, Message: fmt.Sprintf("%s %s was made by an interrupted run: taken over", r.Type, found.ID)})
		}
	}
	return imports, nil
}

func (m *Manager) discardVersion(ctx context.Context, stack string, r backend.Resource) error {
	application, _ := r.Inputs["application"].(string)
	label, _ := r.Inputs["name"].(string)
	if application == "" || label == "" {
		return nil
	}
	return m.aws.DiscardVersion(ctx, application, label, names.BundlePrefix(stack))
}

// settleEnvironments waits until the stack's Beanstalk environments can be changed, if its last run was cut short.
func (m *Manager) settleEnvironments(ctx context.Context, f *backend.Facts) error {
	if f.Last.Succeeded() && len(f.State.Pending) == 0 {
		return nil
	}
	for _, r := range f.State.Aws() {
		if r.Type == aws.TypeEnvironment {
			if err := m.settleEnvironment(ctx, f.Name, r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *Manager) settleEnvironment(ctx context.Context, stack string, r backend.Resource) error {
	name, _ := r.Inputs["name"].(string)
	if name == "" {
		return nil
	}
	ctx, release := m.Stop.Interruptible(ctx)
	defer release()
	err := m.aws.AwaitIdle(ctx, name, aws.Wait{Report: func(status string) {
		m.tell(stack, operation.Event{Kind: operation.Note, Message: "waiting for environment " + name + ", which is " + status})
	}})
	if context.Cause(ctx) == operation.ErrStopped {
		return fault.Failedf("wait for environment %s: %w", name, operation.ErrStopped).WithHint("run the same command again to go on")
	}
	return err
}

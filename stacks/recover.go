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

// recoverInterrupted prepares a stack whose last run was interrupted for the next run. A resource that was being created
// then either exists now or does not. If it exists and carries our tags, it is imported into the state, so that it is
// neither created twice nor left behind; else it is forgotten. An environment on which its platform is still at work is
// waited for. f is read anew if the state was changed.
func (m Manager) recoverInterrupted(ctx context.Context, e *engine.Engine, f *backend.Facts) error {
	if err := m.waitForPlatform(ctx, f); err != nil {
		return err
	}
	if len(f.State.Pending) == 0 {
		return nil
	}
	m.step(f.Name, "recover")
	imports, err := m.findPending(ctx, f)
	if err != nil {
		return err
	}
	return m.refresh(ctx, e, f, imports)
}

// refresh brings the state in line with AWS, without the program. imports are the ids of pending creations that exist, by
// URN. f is read anew.
func (m Manager) refresh(ctx context.Context, e *engine.Engine, f *backend.Facts, imports map[string]string) error {
	c, err := m.launcher.lastConfig(f)
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

// findPending finds out which pending creations exist, and returns their ids by URN.
func (m Manager) findPending(ctx context.Context, f *backend.Facts) (map[string]string, error) {
	imports := map[string]string{}
	for _, op := range f.State.Pending {
		if op.Type != apitype.OperationTypeCreating || !backend.IsAWS(op.Resource.Type) {
			continue
		}
		r := op.Resource
		if discarded, err := m.platform.Discard(ctx, f.Name, platformResource(r)); err != nil {
			return nil, err
		} else if discarded {
			continue
		}
		found, err := m.aws.Find(ctx, aws.Resource{Type: r.Type, Name: engine.UrnName(r.URN), Inputs: r.Inputs})
		if err != nil {
			return nil, err
		}
		switch {
		case found.ID == "":
		case !found.Untagged && (found.Tags[names.TagProject] != m.file.Project || found.Tags[names.TagStack] != f.Name):
			m.warn(f.Name, fmt.Sprintf("%s %s exists but is not this stack's: left alone", r.Type, found.ID))
		default:
			if err := m.waitUntilReady(ctx, f.Name, r); err != nil {
				return nil, err
			}
			imports[r.URN] = found.ID
			m.note(f.Name, fmt.Sprintf("%s %s was made by an interrupted run: taken over", r.Type, found.ID))
		}
	}
	return imports, nil
}

// waitForPlatform waits until the stack's environments can be changed, if its last run was interrupted.
func (m Manager) waitForPlatform(ctx context.Context, f *backend.Facts) error {
	if f.Last.Succeeded() && len(f.State.Pending) == 0 {
		return nil
	}
	for _, r := range f.State.Aws() {
		if err := m.waitUntilReady(ctx, f.Name, r); err != nil {
			return err
		}
	}
	return nil
}

// waitUntilReady waits until a resource can be changed, if it runs the app.
func (m Manager) waitUntilReady(ctx context.Context, stack string, r backend.Resource) error {
	ctx, release := m.Stop.Interruptible(ctx)
	defer release()
	waiting := ""
	err := m.platform.WaitUntilReady(ctx, platformResource(r), func(environment, state string) {
		waiting = environment
		m.note(stack, "waiting for environment "+environment+", which is "+state)
	})
	if context.Cause(ctx) == operation.ErrStopped {
		return fault.Failedf("wait for environment %s: %w", waiting, operation.ErrStopped).WithHint("run the same command again to go on")
	}
	return err
}

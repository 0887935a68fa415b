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

// recovery brings a stack in line with AWS before, or during, an operation. It reads stack anew if it changes the state.
type recovery struct {
	Manager
	engine *engine.Engine
	stack  *backend.Facts
}

// recoverInterrupted prepares a stack whose last run was interrupted for the next run. A resource that was being created
// then either exists now or does not. If it exists and carries our tags, it is imported into the state, so that it is
// neither created twice nor left behind; else it is forgotten. An environment on which its platform is still at work is
// waited for.
func (r recovery) recoverInterrupted(ctx context.Context) error {
	if err := r.waitForPlatform(ctx); err != nil {
		return err
	}
	if len(r.stack.State.Pending) == 0 {
		return nil
	}
	r.step(r.stack.Name, "recover")
	imports, err := r.findPending(ctx)
	if err != nil {
		return err
	}
	return r.refresh(ctx, imports)
}

// refresh brings the state in line with AWS, without the program. imports are the ids of pending creations that exist, by
// URN.
func (r recovery) refresh(ctx context.Context, imports map[string]string) error {
	c, err := r.launcher.lastConfig(r.stack)
	if err != nil {
		return err
	}
	w, err := r.engine.Open(ctx, r.stack.Name, c, nil)
	if err != nil {
		return err
	}
	if err := errors.Join(w.Recover(ctx, imports, backend.RecoveryMessage), w.Close()); err != nil {
		return err
	}
	return r.reread(ctx, r.stack)
}

// findPending finds out which pending creations exist, and returns their ids by URN.
func (r recovery) findPending(ctx context.Context) (map[string]string, error) {
	f, imports := r.stack, map[string]string{}
	for _, op := range f.State.Pending {
		if op.Type != apitype.OperationTypeCreating || !backend.IsAWS(op.Resource.Type) {
			continue
		}
		pending := op.Resource
		if discarded, err := r.platform.Discard(ctx, f.Name, platformResource(pending)); err != nil {
			return nil, err
		} else if discarded {
			continue
		}
		found, err := r.aws.Find(ctx, aws.Resource{Type: pending.Type, Name: engine.URNName(pending.URN), Inputs: pending.Inputs})
		if err != nil {
			return nil, err
		}
		switch {
		case found.ID == "":
		case !found.Untagged && (found.Tags[names.TagProject] != r.file.Project || found.Tags[names.TagStack] != f.Name):
			r.warn(f.Name, fmt.Sprintf("%s %s exists but is not this stack's: left alone", pending.Type, found.ID))
		default:
			if err := r.waitUntilReady(ctx, pending); err != nil {
				return nil, err
			}
			imports[pending.URN] = found.ID
			r.note(f.Name, fmt.Sprintf("%s %s was made by an interrupted run: taken over", pending.Type, found.ID))
		}
	}
	return imports, nil
}

// waitForPlatform waits until the stack's environments can be changed, if its last run was interrupted.
func (r recovery) waitForPlatform(ctx context.Context) error {
	f := r.stack
	if f.LastUpdate.Succeeded() && len(f.State.Pending) == 0 {
		return nil
	}
	for _, x := range f.State.AWS() {
		if err := r.waitUntilReady(ctx, x); err != nil {
			return err
		}
	}
	return nil
}

// waitUntilReady waits until a resource can be changed, if it runs the app.
func (r recovery) waitUntilReady(ctx context.Context, x backend.Resource) error {
	ctx, release := r.Stop.Interruptible(ctx)
	defer release()
	waiting := ""
	err := r.platform.WaitUntilReady(ctx, platformResource(x), func(environment, state string) {
		waiting = environment
		r.note(r.stack.Name, "waiting for environment "+environment+", which is "+state)
	})
	if context.Cause(ctx) == operation.ErrStopped {
		return fault.Failedf("wait for environment %s: %w", waiting, operation.ErrStopped).WithHint("run the same command again to go on")
	}
	return err
}

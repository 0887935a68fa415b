package stacks

import (
	"context"
	"errors"
	"slices"

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/stacks/names"
)

// A destroy of the application stack and the making of an environment may begin at once. Each first shows itself and then
// looks for the other: a destroy notes itself in the application stack's tags and then lists the stacks, an up makes its
// stack and then reads those tags. So at least one sees the other, and ends before it has touched anything in AWS.

// checkUnshared returns a conflict if there is another stack than the application stack. It takes back the record that a
// destroy has begun, unless an earlier run of the destroy made it.
func (t *teardown) checkUnshared(ctx context.Context) error {
	all, err := t.backend.List(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(f backend.Facts) bool { return f.Name != names.ApplicationStack })
	if i < 0 {
		return nil
	}
	err = backend.ConflictError(all[i].Name, "made")
	if t.resumed {
		return err
	}
	_, untagErr := t.retag(ctx, names.ApplicationStack, func(tags map[string]string) { delete(tags, names.TagDestroying) })
	return errors.Join(err, untagErr)
}

// checkApplication reads the application stack once more, when p's stack exists for all to see and nothing of it has been
// created yet. It returns a conflict if the application stack is gone, locked or being destroyed. The stack of p stays,
// tagged and empty, and the next run continues with it.
func (m Manager) checkApplication(ctx context.Context, p *updatePlan) error {
	if !p.before.State.Blank() { // no destroy of the application stack begins beside it
		return nil
	}
	f, err := m.backend.Read(ctx, names.ApplicationStack)
	if err != nil {
		return err
	}
	if f == nil {
		return backend.ConflictError(names.ApplicationStack, "removed")
	}
	if err := m.waitForLock(ctx, f); err != nil {
		return err
	}
	if f.Tags[names.TagDestroying] != "" {
		return fault.Failedf("a destroy of the application stack, which environments share, was begun %w", fault.ByAnother).
			WithHint("wait until it has ended; then, or if it was interrupted: %s, and the same command again", fault.Command{"application", "up"})
	}
	return applicationReady(f, m.file.Domain)
}

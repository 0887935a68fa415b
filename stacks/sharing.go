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

// unshared is a contended error if there is another stack than the application stack. It takes back the note that a destroy
// has begun, unless an earlier run of the destroy made it.
func (m *Manager) unshared(ctx context.Context, d Destruction) error {
	all, err := m.backend.List(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(f backend.Facts) bool { return f.Name != names.ApplicationStack })
	if i < 0 {
		return nil
	}
	err = backend.JustChanged(all[i].Name, "made")
	if d.before.Tags[names.TagDestroying] == "" {
		err = errors.Join(err, m.retag(ctx, names.ApplicationStack, func(tags map[string]string) { delete(tags, names.TagDestroying) }))
	}
	return err
}

// applicationStays looks at the application stack once more, when u's stack is there for all to see and nothing of it is
// made yet. It is a contended error if that is gone, is locked, or is being destroyed: the stack of u stays, tagged and
// empty, and the next run goes on with it.
func (m *Manager) applicationStays(ctx context.Context, u *undertaking) error {
	if !u.before.State.Blank() { // no destroy of the application stack begins beside it
		return nil
	}
	f, err := m.backend.Read(ctx, names.ApplicationStack)
	if err != nil {
		return err
	}
	if f == nil {
		return backend.JustChanged(names.ApplicationStack, "removed")
	}
	if err := m.unlocked(ctx, f); err != nil {
		return err
	}
	if f.Tags[names.TagDestroying] != "" {
		return fault.Failedf("a destroy of the application stack, which environments share, was begun %w", fault.ByAnother).
			WithHint("wait until it has ended; then, or if it was interrupted: branchenv application up, and the same command again")
	}
	return applicationReady(f, m.File.Domain)
}

package stacks

import (
	"context"
	"errors"
	"slices"

	"github.com/branchenv/branchenv/internal/fault"
)

// A destroy of the application stack and the making of an environment may begin at once. Each first shows itself and then
// looks for the other: a destroy notes itself in the application stack's tags and then lists the stacks, an up makes its
// stack and then reads those tags. So at least one sees the other, and ends before it has touched anything in AWS.

// unshared is a contended error if there is another stack than the application stack. It takes back the note that a destroy
// has begun, unless an earlier run of the destroy made it.
func (m *Manager) unshared(ctx context.Context, d Destruction) error {
	all, err := m.backend.list(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(f facts) bool { return f.name != ApplicationStack })
	if i < 0 {
		return nil
	}
	err = overtaken(all[i].name, "made")
	if d.before.tags[tagDestroying] == "" {
		err = errors.Join(err, m.retag(ctx, ApplicationStack, func(tags map[string]string) { delete(tags, tagDestroying) }))
	}
	return err
}

// applicationStays looks at the application stack once more, when u's stack is there for all to see and nothing of it is
// made yet. It is a contended error if that is gone, is locked, or is being destroyed: the stack of u stays, tagged and
// empty, and the next run goes on with it.
func (m *Manager) applicationStays(ctx context.Context, u *undertaking) error {
	if !u.before.state.blank() { // no destroy of the application stack begins beside it
		return nil
	}
	f, err := m.backend.read(ctx, ApplicationStack)
	if err != nil {
		return err
	}
	if f == nil {
		return overtaken(ApplicationStack, "removed")
	}
	if err := m.unlocked(ctx, f); err != nil {
		return err
	}
	if f.tags[tagDestroying] != "" {
		return fault.Failedf("a destroy of the application stack, which environments share, was begun %w", byAnother).
			WithHint("wait until it has ended; then, or if it was interrupted: branchenv application up, and the same command again")
	}
	return applicationReady(f, m.File.Domain)
}

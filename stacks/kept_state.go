package stacks

import (
	"context"

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/stacks/names"
)

// whole is f's state with what an interrupted destroy has removed from it already. The first run keeps it, and notes that in
// the stack's tags and in tags, which are those that the stack is expected to have.
func (m *Manager) whole(ctx context.Context, f *backend.Facts, tags map[string]string) (backend.State, error) {
	if ref := tags[names.TagDestroying]; ref != "" {
		before, err := m.backend.Kept(ctx, f.Name, ref)
		if err != nil {
			m.tell(f.Name, operation.Event{Kind: operation.Warning, Message: "what an earlier run of this destroy removed is not known, and not in the receipt: " + err.Error()})
		}
		return f.State.And(before), nil
	}
	if len(f.State.Aws()) == 0 {
		return f.State, nil
	}
	ref, err := m.backend.Keep(ctx, *f)
	if err != nil {
		return backend.State{}, err
	}
	tags[names.TagDestroying] = ref
	return f.State, m.retag(ctx, f.Name, func(now map[string]string) { now[names.TagDestroying] = ref })
}

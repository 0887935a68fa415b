package stacks

import (
	"context"
)

// whole is f's state with what an interrupted destroy has removed from it already. The first run keeps it, and notes that in
// the stack's tags and in tags, which are those that the stack is expected to have.
func (m *Manager) whole(ctx context.Context, f *facts, tags map[string]string) (state, error) {
	if ref := tags[tagDestroying]; ref != "" {
		before, err := m.backend.kept(ctx, f.name, ref)
		if err != nil {
			m.tell(f.name, Event{Kind: Warning, Message: "what an earlier run of this destroy removed is not known, and not in the receipt: " + err.Error()})
		}
		return f.state.and(before), nil
	}
	if len(f.state.aws()) == 0 {
		return f.state, nil
	}
	ref, err := m.backend.keep(ctx, *f)
	if err != nil {
		return state{}, err
	}
	tags[tagDestroying] = ref
	return f.state, m.retag(ctx, f.name, func(now map[string]string) { now[tagDestroying] = ref })
}

package stacks

import (
	"context"
	"maps"
	"time"

	"github.com/branchenv/branchenv/internal/fault"
)

// Keep has reconcile keep a branch's environment until then, however long nothing happens to it. It replaces what an
// earlier Keep said, and does not help once the branch is gone.
func (m *Manager) Keep(ctx context.Context, branch string, until time.Time) (Environment, error) {
	if _, err := m.Show(ctx, branch); err != nil { // there is one, and it is this branch's
		return Environment{}, err
	}
	stack, err := Slug(branch)
	if err != nil {
		return Environment{}, err
	}
	f, err := m.backend.read(ctx, stack)
	if err != nil {
		return Environment{}, err
	}
	if f == nil || f.tags[tagBranch] != BranchTag(branch) {
		return Environment{}, fault.Failedf("the environment of branch %q was not finished, or went away just now", branch).
			WithHint("branchenv up %s", fault.ShellWord(branch))
	}
	tags := maps.Clone(f.tags)
	tags[tagKeep] = until.UTC().Truncate(time.Second).Format(time.RFC3339)
	if err := m.backend.setTags(ctx, stack, tags); err != nil {
		return Environment{}, err
	}
	return m.Show(ctx, branch)
}

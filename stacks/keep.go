package stacks

import (
	"context"
	"time"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/stacks/names"
)

// Keep has reconcile keep a branch's environment until then, however long nothing happens to it. It replaces what an
// earlier Keep said, and does not help once the branch is gone.
func (m Manager) Keep(ctx context.Context, branch string, until time.Time) (Environment, error) {
	f, err := m.existing(ctx, branch)
	if err != nil {
		return Environment{}, err
	}
	if f.Tags[names.TagBranch] == "" {
		return Environment{}, fault.Failedf("the environment of branch %q was not finished, or went away just now", branch).
			WithHint("%s", fault.Command{"up", branch})
	}
	if _, err := m.checkSource(ctx, &f); err != nil {
		return Environment{}, err
	}
	f, err = m.retag(ctx, f.Name, func(tags map[string]string) {
		tags[names.TagKeep] = until.UTC().Truncate(time.Second).Format(time.RFC3339)
	})
	if err != nil {
		return Environment{}, err
	}
	e := describeStack(m.file, config.RulesOf(m.file), f)
	e.Branch = branch
	return e, nil
}

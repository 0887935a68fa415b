package stacks

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks/names"
)

// List returns every environment, sorted by branch. Those that cannot be read are among them; they, and an application stack that
// cannot be read, are in the error, too: exit code 99.
func (m Manager) List(ctx context.Context) ([]Environment, error) {
	all, err := m.Facts(ctx)
	if err != nil {
		return nil, err
	}
	list, broken := []Environment{}, map[string]error{}
	rules := config.RulesOf(m.file)
	for _, f := range all {
		if f.Broken != nil {
			broken[f.Name] = f.Broken
		}
		if f.Name != names.ApplicationStack && (f.Tags[names.TagBranch] != "" || f.Broken != nil) {
			list = append(list, describeStack(m.file, rules, f))
		}
	}
	slices.SortFunc(list, func(a, b Environment) int {
		return cmp.Or(strings.Compare(a.Branch, b.Branch), strings.Compare(a.Stack, b.Stack))
	})
	return list, UnreadableError(broken)
}

// UnreadableError is an error that names the stacks that cannot be read, exit code 99: broken is why, by stack. nil if there are none.
func UnreadableError(broken map[string]error) error {
	stacks := slices.Sorted(maps.Keys(broken))
	switch len(stacks) {
	case 0:
		return nil
	case 1:
		return fault.Partialf("%w", broken[stacks[0]]).
			WithHint("%s says what to do; nothing is done with this stack until then", fault.Command{"doctor", stacks[0]})
	}
	return fault.Partialf("%s cannot be read, %s; of the first: %w", text.Count(len(stacks), "stack"), text.Cut(strings.Join(stacks, ", "), 300), broken[stacks[0]]).
		WithHint("%s says of each what to do; nothing is done with these stacks until then", fault.Command{"doctor"})
}

// existing reads the facts of a branch's own stack; an error where there is none.
func (m Manager) existing(ctx context.Context, branch string) (backend.Facts, error) {
	stack, err := names.Slug(branch)
	if err != nil {
		return backend.Facts{}, err
	}
	f, err := m.backend.Read(ctx, stack)
	if err != nil {
		return backend.Facts{}, err
	}
	if f == nil {
		return backend.Facts{}, fault.Failedf("branch %q has no environment", branch).
			WithHint("%s", fault.Command{"up", branch, "--image", "REF"})
	}
	return *f, checkOwner(m.Location(), *f, branch)
}

// Show returns one environment; an error where there is none.
func (m Manager) Show(ctx context.Context, branch string) (Environment, error) {
	f, err := m.existing(ctx, branch)
	if err != nil {
		return Environment{}, err
	}
	e := describeStack(m.file, config.RulesOf(m.file), f)
	e.Branch = branch
	return e, nil
}

// Protected reports whether the branch's environment is protected by the settings, by its stack, or because the branch is
// the source's default one. It need not exist. If the source cannot be asked, its default branch is not known.
func (m Manager) Protected(ctx context.Context, branch string) (bool, error) {
	id, _, err := m.source.identity(ctx)
	if err != nil || id.IsDefault(branch) {
		return id.IsDefault(branch), err
	}
	stack, err := names.Slug(branch)
	if err != nil {
		return false, err
	}
	f, err := m.backend.Read(ctx, stack)
	if err != nil || f == nil {
		return false, err
	}
	return describeStack(m.file, config.RulesOf(m.file), *f).Protected, nil
}

package stacks

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/branchenv/branchenv/internal/fault"
)

// List returns every environment, sorted by branch.
func (m *Manager) List(ctx context.Context) ([]Environment, error) {
	all, err := m.backend.list(ctx)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		m.warnOfOthers(ctx)
	}
	list := []Environment{}
	rules := RulesOf(m.File)
	for _, f := range all {
		if f.name != ApplicationStack && f.tags[tagBranch] != "" {
			list = append(list, m.environment(f, rules))
		}
	}
	slices.SortFunc(list, func(a, b Environment) int { return strings.Compare(a.Branch, b.Branch) })
	return list, nil
}

// environment tells what is known of one stack, by the settings as they are now.
func (m *Manager) environment(f facts, rules Rules) Environment {
	f.locks = slices.DeleteFunc(slices.Clone(f.locks), m.abandoned)
	branch := f.tags[tagBranch]
	spec := f.spec(m.File.Project)
	if spec != nil {
		branch = spec.Branch
	}
	rule, err := rules(branch, f.tags[tagLike], f.name)
	if err != nil { // settings that contradict each other: what held at its last update is the best that is known
		rule = Rule{}
		if spec != nil {
			rule.TTL = time.Duration(spec.Settings.TTL)
		}
	}
	if rule.Protected == "" && f.tags[tagProtected] == "true" {
		rule.Protected = "it was protected when it was last updated"
	}
	return f.environment(m.File.Project, m.File.Domain, rule, time.Duration(m.File.Reconcile.Interval))
}

// existing reads the facts of a branch's own stack; an error where there is none.
func (m *Manager) existing(ctx context.Context, branch string) (facts, error) {
	stack, err := Slug(branch)
	if err != nil {
		return facts{}, err
	}
	f, err := m.backend.read(ctx, stack)
	if err != nil {
		return facts{}, err
	}
	if f == nil {
		return facts{}, fault.Failedf("branch %q has no environment", branch).
			WithHint("branchenv up %s --image REF", fault.ShellWord(branch))
	}
	return *f, owns(*f, branch)
}

// Show returns one environment; an error where there is none.
func (m *Manager) Show(ctx context.Context, branch string) (Environment, error) {
	f, err := m.existing(ctx, branch)
	if err != nil {
		return Environment{}, err
	}
	e := m.environment(f, RulesOf(m.File))
	e.Branch = branch
	return e, nil
}

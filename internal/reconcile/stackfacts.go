package reconcile

import (
	"context"
	"errors"
	"slices"

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/reconcile/plan"
	"github.com/branchenv/branchenv/stacks"
	"github.com/branchenv/branchenv/stacks/names"
)

// readStacks returns the facts of every stack, the application stack included. Read them before the branches: a branch that is pushed
// in between then has no environment yet. In the other order, a stack that is created in between would look like one whose branch is
// gone.
func readStacks(ctx context.Context, m stacks.Manager) ([]plan.Stack, error) {
	all, err := m.Facts(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]plan.Stack, 0, len(all))
	for _, f := range all {
		list = append(list, stackFact(m.Settings().Project, f))
	}
	return list, nil
}

// stackFact returns what a plan needs to know of one stack.
func stackFact(project string, f backend.Facts) plan.Stack {
	live := slices.DeleteFunc(slices.Clone(f.Locks), backend.Lock.Abandoned)
	f.Locks = nil // the status without locks
	status := f.Status()
	s := plan.Stack{
		Name: f.Name, Tag: f.Tags[names.TagBranch], Like: f.Tags[names.TagLike], Protected: f.Tags[names.TagProtected] == "true",
		Locked: len(live) > 0, Incomplete: status == backend.StatusIncomplete, Empty: status == backend.StatusEmpty,
		Unconfirmed: f.Tags[names.TagLeft], UpdatedAt: f.GoodUpdate(), ChangedAt: f.LastChange(), KeepUntil: f.KeepUntil(),
		Source: f.Tags[names.TagSource], SourceName: f.Tags[names.TagSourceName],
	}
	if s.Tag == "" {
		s.Empty = f.State.Blank()
	}
	_, s.Foreign = f.ForeignResource()
	if f.Broken != nil {
		s.Unreadable, s.Empty = f.Broken.Error(), false
	}
	if spec := stacks.SpecOf(&f, project); spec != nil {
		s.Branch, s.Version, s.Commit = spec.Branch, spec.Version.Name(), spec.Commit
	}
	return s
}

// Unreadable returns an error with exit code 99 that names the stacks that cannot be read; nil if there are none.
func (r *Run) Unreadable() error {
	broken := map[string]error{}
	for _, s := range r.Input.Stacks {
		if s.Unreadable != "" {
			broken[s.Name] = errors.New(s.Unreadable)
		}
	}
	return stacks.UnreadableError(broken)
}

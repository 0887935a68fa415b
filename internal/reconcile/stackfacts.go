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

// ReadStacks are the facts of every stack that a plan is made from, the application stack among them. Read them before
// the branches: a branch that is pushed between the two is then only one without an environment, while a stack whose
// branch was not pushed yet when the branches were read would look like one whose branch is gone.
func ReadStacks(ctx context.Context, m stacks.Manager) ([]plan.Stack, error) {
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

func stackFact(project string, f backend.Facts) plan.Stack {
	live := slices.DeleteFunc(slices.Clone(f.Locks), backend.Lock.Abandoned)
	f.Locks = nil // what the stack is like, whoever works on it
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

// Unreadable is an error that names the stacks that cannot be read, exit code 99; nil if there are none.
func Unreadable(all []plan.Stack) error {
	broken := map[string]error{}
	for _, f := range all {
		if f.Unreadable != "" {
			broken[f.Name] = errors.New(f.Unreadable)
		}
	}
	return stacks.UnreadableError(broken)
}

package stacks

import (
	"context"
	"errors"
	"slices"
)

// StackFacts are the facts of every stack that a plan is made from, the application stack among them. Read them before
// the branches: a branch that is pushed between the two is then only one without an environment, while a stack whose
// branch was not pushed yet when the branches were read would look like one whose branch is gone.
func StackFacts(ctx context.Context, m *Manager) ([]StackFact, error) {
	all, err := m.Facts(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]StackFact, 0, len(all))
	for _, f := range all {
		list = append(list, stackFact(m.File.Project, f))
	}
	return list, nil
}

func stackFact(project string, f facts) StackFact {
	live := slices.DeleteFunc(slices.Clone(f.locks), lock.abandoned)
	f.locks = nil // what the stack is like, whoever works on it
	status := f.status()
	s := StackFact{
		Name: f.name, Tag: f.tags[tagBranch], Like: f.tags[tagLike], Protected: f.tags[tagProtected] == "true",
		Locked: len(live) > 0, Incomplete: status == StatusIncomplete, Empty: status == StatusEmpty,
		Left: f.tags[tagLeft], UpdatedAt: f.goodUpdate(), ChangedAt: f.lastChange(), KeepUntil: f.keepUntil(),
		Source: f.tags[tagSource], SourceName: f.tags[tagSourceName],
	}
	if s.Tag == "" {
		s.Empty = f.state.blank()
	}
	_, s.Foreign = f.foreign()
	if f.broken != nil {
		s.Unreadable, s.Empty = f.broken.Error(), false
	}
	if spec := parseSpec(f.specText(project)); spec != nil {
		s.Branch, s.Version, s.Commit = spec.Branch, spec.Version.Name(), spec.Commit
	}
	return s
}

// Unreadable is an error that names the stacks that cannot be read, exit code 99; nil if there are none.
func Unreadable(all []StackFact) error {
	broken := map[string]error{}
	for _, f := range all {
		if f.Unreadable != "" {
			broken[f.Name] = errors.New(f.Unreadable)
		}
	}
	return UnreadableError(broken)
}

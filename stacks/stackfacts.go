package stacks

import (
	"context"
	"slices"
	"time"
)

// StackFacts are the facts of every stack that a plan is made from, the application stack among them. Read them before
// the branches: a branch that is pushed between the two is then only one without an environment, while a stack whose
// branch was not pushed yet when the branches were read would look like one whose branch is gone.
func (m *Manager) StackFacts(ctx context.Context) ([]StackFact, error) {
	all, err := m.backend.list(ctx)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		m.warnOfOthers(ctx)
	}
	list := make([]StackFact, 0, len(all))
	for _, f := range all {
		list = append(list, m.stackFact(f))
	}
	return list, nil
}

func (m *Manager) stackFact(f facts) StackFact {
	live := slices.DeleteFunc(slices.Clone(f.locks), m.abandoned)
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
	if spec := f.spec(m.File.Project); spec != nil {
		s.Branch, s.Version, s.Commit = spec.Branch, spec.Version.Name(), spec.Commit
	}
	return s
}

// goodUpdate is when the stack's last good update ended; when it was made where there was none; else zero. The backend
// tells only the last run of any kind. What was known before a run that failed, a recovery or a destroy, the next `up`
// has noted in a tag.
func (f facts) goodUpdate() time.Time {
	if f.last.succeeded() && f.last.Kind == "update" && f.tags[tagUnhealthy] == "" {
		return time.Unix(max(f.last.StartTime, f.last.EndTime), 0).UTC()
	}
	for _, tag := range []string{tagUpdated, tagCreated} {
		if t, err := time.Parse(time.RFC3339, f.tags[tag]); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// lastChange is when anybody last worked on the stack: the end of its last run, however it went, else when it was made.
func (f facts) lastChange() time.Time {
	at := f.changed
	if f.last != nil {
		if end := time.Unix(max(f.last.StartTime, f.last.EndTime), 0); end.After(at) {
			at = end
		}
	}
	if made, err := time.Parse(time.RFC3339, f.tags[tagCreated]); err == nil && made.After(at) {
		at = made
	}
	if at.IsZero() {
		return at
	}
	return at.UTC()
}

// keepUntil is the time until which someone wants the environment kept; zero where nobody said so.
func (f facts) keepUntil() time.Time {
	t, err := time.Parse(time.RFC3339, f.tags[tagKeep])
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

package stacks

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/stacks/names"
)

// Source is the repository whose branches the environments of a project are of.
type Source interface {
	// Identity asks the source which repository it is.
	Identity(ctx context.Context) (names.Repository, error)
	// String names the source as the settings do. It asks nobody.
	String() string
}

// identity asks the source once which repository it is. The zero Identity means that it cannot be asked now, or that
// the Manager has no source; err is then nil and unknown says why. err is an answer that cannot be believed.
func (m *Manager) identity(ctx context.Context) (id names.Repository, unknown error, err error) {
	if m.Source == nil {
		return names.Repository{}, errors.New("no source is given"), nil
	}
	m.asking.Lock()
	defer m.asking.Unlock()
	if m.source.ID != "" {
		return m.source, nil, nil
	}
	id, err = m.Source.Identity(ctx)
	var f *fault.Error
	switch {
	case err == nil:
		m.source = id
		return id, nil, nil
	case ctx.Err() != nil, errors.As(err, &f) && f.Code != fault.Failed:
		return names.Repository{}, nil, err
	}
	return names.Repository{}, err, nil
}

// followed refuses, with exit code 3, a stack that follows another source than the settings name. A stack whose tags
// name no source is nobody else's. If the source cannot be asked, the recorded name must be the settings' one.
// The identity returned is the source's; it is zero if the source cannot be asked.
func (m *Manager) followed(ctx context.Context, f *backend.Facts) (names.Repository, error) {
	id, unknown, err := m.identity(ctx)
	if err != nil || f == nil || m.Source == nil {
		return id, err
	}
	recorded := f.Follows()
	switch {
	case recorded.ID == "" || recorded.ID == id.ID:
		return id, nil
	case id.ID != "":
		return id, otherSource(f.Name, recorded, id)
	case !strings.EqualFold(recorded.Name, m.Source.String()):
		return id, fault.Refusedf("stack %s follows the branches of %s, and source names %s, which cannot be asked whether it is the same: %w",
			f.Name, recorded.Describe(), m.Source, unknown).WithHint("run it again when %s can be asked", m.Source)
	}
	m.tell(f.Name, operation.Event{Kind: operation.Warning, Message: m.Source.String() + " cannot be asked whether it is still the repository that the stack follows; its name is: " + unknown.Error()})
	return id, nil
}

// otherSource says that a stack follows another repository, and how to move it on purpose.
func otherSource(stack string, recorded, now names.Repository) error {
	return fault.Refusedf("stack %s follows the branches of %s, and source is now %s", stack, recorded.Describe(), now.Describe()).
		WithHint("set source back, or give this repository another project; if its environments are to follow the new source: branchenv adopt --from %s", fault.ShellWord(recorded.ID))
}

// mayEnd refuses an environment of another source, and that of the source's default branch. If neither the source nor a
// record says which branch that is, it may be main or master.
func (m *Manager) mayEnd(ctx context.Context, f *backend.Facts, branch string) error {
	id, err := m.followed(ctx, f)
	if err != nil || m.Source == nil {
		return err
	}
	recorded := []string{f.Tags[names.TagDefault]}
	if id.Default == "" && recorded[0] == "" {
		shared, err := m.backend.Read(ctx, names.ApplicationStack)
		if err != nil {
			return err
		}
		if shared != nil {
			recorded[0] = shared.Tags[names.TagDefault]
		}
		if recorded[0] == "" && (branch == "main" || branch == "master") {
			return fault.Refusedf("environment %s may be that of the default branch of %s, which cannot be asked now", f.Name, m.Source).
				WithHint("run it again when %s can be asked; in CI, set GITHUB_TOKEN", m.Source)
		}
	}
	if !id.IsDefault(branch, recorded...) {
		return nil
	}
	return fault.Refusedf("environment %s is protected: %s is the default branch of %s", f.Name, branch, m.Source).
		WithHint("branchenv never destroys that one; if it has to go, make another branch the default first, or use pulumi itself")
}

// Adoption is what Adopt changes: the stacks that will follow the settings' source from now on.
type Adoption struct {
	Source names.Repository `json:"-"`
	ID     string           `json:"source"`
	Stacks []string         `json:"stacks"` // sorted
	Others []string         `json:"others"` // IDs of further sources that stacks of the project follow; sorted
}

// PlanAdopt finds the stacks that follow the source whose Identity.ID is from, or no known one if from is "". It reads
// only. The source must be there to be asked.
func (m *Manager) PlanAdopt(ctx context.Context, from string) (Adoption, error) {
	id, unknown, err := m.identity(ctx)
	if err == nil && unknown != nil {
		err = unknown
	}
	if err != nil {
		return Adoption{}, err
	}
	if from == id.ID {
		return Adoption{}, fault.Usagef("--from %s is the settings' source itself", from).WithHint("branchenv doctor lists the stacks of other sources")
	}
	all, err := m.backend.List(ctx)
	if err != nil {
		return Adoption{}, err
	}
	return planAdopt(all, from, id), nil
}

func planAdopt(all []backend.Facts, from string, to names.Repository) Adoption {
	a := Adoption{Source: to, ID: to.ID, Stacks: []string{}, Others: []string{}}
	for _, f := range all {
		switch follows := f.Follows().ID; {
		case f.Broken != nil: // nothing is done with it until it can be read
		case f.Tags[names.TagBranch] == "" && f.Name != names.ApplicationStack: // nobody's
		case follows == from:
			a.Stacks = append(a.Stacks, f.Name)
		case follows != "" && follows != to.ID:
			a.Others = append(a.Others, follows)
		}
	}
	slices.Sort(a.Stacks)
	slices.Sort(a.Others)
	a.Others = slices.Compact(a.Others)
	return a
}

// Adopt carries out a. A stack whose source was changed since by another process is left as it is by then.
func (m *Manager) Adopt(ctx context.Context, a Adoption, from string) error {
	for _, stack := range a.Stacks {
		err := m.retag(ctx, stack, func(tags map[string]string) {
			if tags[names.TagSource] == from {
				a.Source.Record(tags)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

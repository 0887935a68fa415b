package stacks

import (
	"context"
	"slices"

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/stacks/names"
)

// Adoption is what Adopt changes: the stacks that will follow the settings' source from now on.
type Adoption struct {
	Source names.Repository `json:"-"`
	ID     string           `json:"source"`
	Stacks []string         `json:"stacks"` // sorted
	Others []string         `json:"others"` // IDs of further sources that stacks of the project follow; sorted
}

// PlanAdopt finds the stacks that follow the source whose Identity.ID is from, or no known one if from is "". It reads
// only. The source must be there to be asked.
func (m Manager) PlanAdopt(ctx context.Context, from string) (Adoption, error) {
	id, unknown, err := m.source.identity(ctx)
	if err == nil && unknown != nil {
		err = unknown
	}
	if err != nil {
		return Adoption{}, err
	}
	if from == id.ID {
		return Adoption{}, fault.Usagef("--from %s is the settings' source itself", from).WithHint("%s lists the stacks of other sources", fault.Command{"doctor"})
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
		switch follows := f.Source().ID; {
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
func (m Manager) Adopt(ctx context.Context, a Adoption, from string) error {
	for _, stack := range a.Stacks {
		_, err := m.retag(ctx, stack, func(tags map[string]string) {
			if tags[names.TagSource] == from {
				a.Source.SetTags(tags)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

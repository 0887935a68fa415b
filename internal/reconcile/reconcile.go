// Package reconcile makes the environments of a project match its branches. One Run reads the facts, makes the plan (package plan)
// and carries it out. Reports and the heartbeat tell others how it went.
package reconcile

import (
	"context"
	"slices"
	"time"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/github"
	"github.com/branchenv/branchenv/internal/reconcile/plan"
	"github.com/branchenv/branchenv/stacks"
)

// Source is the repository whose branches get environments. github.Source says what its methods do.
type Source interface {
	// Branches lists the branches.
	Branches(ctx context.Context) (github.List, error)
	// Branch asks for one branch, past every cache; false: it does not exist.
	Branch(ctx context.Context, name string) (github.Branch, bool, error)
	// Dates returns the times of commits.
	Dates(ctx context.Context, commits []string) (map[string]time.Time, error)
	// String names the source as the settings do.
	String() string
}

// Overrides replace settings for one run. A nil field keeps the setting.
type Overrides struct {
	ExactDestroy, ExactCreate *int           // see plan.Limits
	Grace                     *time.Duration // see plan.Input
}

// Run is one run of reconcile.
type Run struct {
	Input    plan.Input // the facts
	Plan     plan.Plan
	OldLocks []string // a line for each lock that is older than a day
	Unlisted []string // branches that exist although the source did not list them

	manager stacks.Manager
	source  Source
}

// Prepare reads the facts and makes the plan. It changes nothing. The Run is not nil; after an error it has what was read so far.
func Prepare(ctx context.Context, m stacks.Manager, source Source, o Overrides) (*Run, error) {
	r := &Run{manager: m, source: source}
	if err := r.readFacts(ctx); err != nil {
		return r, err
	}
	r.Input.Limits.ExactDestroy, r.Input.Limits.ExactCreate = o.ExactDestroy, o.ExactCreate
	if o.Grace != nil {
		r.Input.Grace = *o.Grace
	}
	return r, r.makePlan(ctx)
}

// readFacts reads the stacks first and the branches second. A branch that is pushed in between has no environment yet, so nothing
// of it can be destroyed.
func (r *Run) readFacts(ctx context.Context) error {
	facts, err := readStacks(ctx, r.manager)
	if err != nil {
		return err
	}
	if r.OldLocks, err = r.manager.OldLocks(ctx); err != nil {
		return err
	}
	list, err := r.source.Branches(ctx)
	if err != nil {
		return err
	}
	file := r.manager.Settings()
	settings := file.Reconcile
	r.Input = plan.Input{
		Source: r.source.String(), SourceID: list.Identity.ID, Default: list.Default, Stacks: facts,
		Rules: config.RulesOf(file), Now: r.manager.Now(), Interval: time.Duration(settings.Interval), Grace: time.Duration(settings.Grace),
		Limits: plan.Limits{MaxDestroy: settings.MaxDestroy, Share: settings.MaxDestroyShare, MaxCreate: settings.MaxCreate},
	}
	for _, b := range list.Branches {
		r.Input.Branches = append(r.Input.Branches, plan.Branch{Name: b.Name, Commit: b.Commit})
	}
	return r.readDates(ctx)
}

// readDates reads the commit times that the plan needs.
func (r *Run) readDates(ctx context.Context) error {
	undated := r.Input.Undated()
	if len(undated) == 0 {
		return nil
	}
	dates, err := r.source.Dates(ctx, undated)
	if err != nil {
		return err
	}
	r.Input = r.Input.Dated(dates)
	return nil
}

// makePlan makes the plan. If the plan destroys the environment of a branch that is not in the list, the source is asked for that
// branch alone. If the branch exists, the list was incomplete, and the plan is made again with the branch.
func (r *Run) makePlan(ctx context.Context) error {
	for asked := map[string]bool{}; ; {
		r.Plan = plan.Make(r.Input)
		complete := true
		for _, step := range r.Plan.Todo() {
			listed := slices.ContainsFunc(r.Input.Branches, func(b plan.Branch) bool { return b.Name == step.Branch })
			if step.Action != plan.Destroy || listed || asked[step.Branch] {
				continue
			}
			asked[step.Branch] = true
			b, exists, err := r.source.Branch(ctx, step.Branch)
			if err != nil {
				return err
			}
			if exists {
				complete = false
				r.Unlisted = append(r.Unlisted, b.Name)
				r.Input.Branches = append(r.Input.Branches, plan.Branch{Name: b.Name, Commit: b.Commit})
			}
		}
		if complete {
			return nil
		}
		if err := r.readDates(ctx); err != nil {
			return err
		}
	}
}

// head asks the source for one branch and its head's commit time. It reports false if the branch does not exist.
func (r *Run) head(ctx context.Context, branch string) (plan.Branch, bool, error) {
	b, found, err := r.source.Branch(ctx, branch)
	if err != nil || !found {
		return plan.Branch{}, false, err
	}
	for _, known := range r.Input.Branches {
		if known.Name == branch && known.Commit == b.Commit && !known.CommittedAt.IsZero() {
			return known, true, nil
		}
	}
	dates, err := r.source.Dates(ctx, []string{b.Commit})
	if err != nil {
		return plan.Branch{}, false, err
	}
	return plan.Branch{Name: b.Name, Commit: b.Commit, CommittedAt: dates[b.Commit]}, true, nil
}

// Unsolved returns the number of stacks with a problem that the plan does not solve: they are incomplete, cannot be read, or have
// resources left behind.
func (r *Run) Unsolved() int {
	planned := map[string]bool{}
	for _, step := range r.Plan.Todo() {
		planned[step.Stack] = true
	}
	n := 0
	for _, s := range r.Input.Stacks {
		problem := s.Incomplete || s.Unconfirmed != "" || s.Foreign != "" || s.Unreadable != "" || s.Empty && s.Tag == ""
		if problem && !planned[s.Name] && !s.Locked {
			n++
		}
	}
	return n
}

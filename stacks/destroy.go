package stacks

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/engine"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks/names"
)

// Destruction is a destroy that has been decided but not begun.
type Destruction struct {
	Environment Environment
	Resources   []Resource // what the state has
	Absent      bool       // there is no such stack: nothing to do

	before *backend.Facts
}

// Redecide is asked right before anything is deleted, with the stack's facts as they are then. Its error ends the destroy.
type Redecide func(ctx context.Context, now backend.Facts) error

// PlanDestroy finds out what a destroy would remove. It refuses a stack that is protected, another's, in another account or
// region, or locked.
func (m Manager) PlanDestroy(ctx context.Context, branch string) (Destruction, error) {
	d, err := m.planDestroy(ctx, branch)
	if err != nil || !d.Absent {
		return d, err
	}
	return d, m.nothingLeft(ctx, branch, d.Environment.Stack)
}

// planDestroy is PlanDestroy, except that it asks AWS nothing about a stack that does not exist.
func (m Manager) planDestroy(ctx context.Context, branch string) (Destruction, error) {
	stack, err := names.Slug(branch)
	if err != nil {
		return Destruction{}, err
	}
	f, err := m.backend.Read(ctx, stack)
	if err != nil {
		return Destruction{}, err
	}
	if f == nil {
		if err := m.checkNoStackName(ctx, branch); err != nil {
			return Destruction{}, err
		}
		return Destruction{Environment: Environment{Branch: branch, Stack: stack}, Absent: true}, engine.SweepWorkDirs(m.file.Project, stack)
	}
	return m.planDestroyOf(ctx, branch, f)
}

// planDestroyOf plans the destroy of a branch's stack that has been read.
func (m Manager) planDestroyOf(ctx context.Context, branch string, f *backend.Facts) (Destruction, error) {
	check := func() error {
		return cmp.Or(checkOwner(m.Location(), *f, branch), m.checkNotDefault(ctx, f, branch), checkProtection(m.file, *f, branch))
	}
	if err := check(); err != nil {
		return Destruction{}, err
	}
	if err := m.checkLocation(ctx, *f); err != nil {
		return Destruction{}, err
	}
	if len(f.Locks) > 0 || f.Unfinished {
		if err := m.waitForLock(ctx, f); err != nil {
			return Destruction{}, err
		}
		if err := check(); err != nil { // the lock's holder may have changed that
			return Destruction{}, err
		}
	}
	d := Destruction{Environment: describeStack(m.file, config.RulesOf(m.file), *f), before: f}
	d.Environment.Branch = branch
	d.Resources = resources(f.State)
	return d, nil
}

// nothingLeft returns an error if AWS has something with the tags of a stack that does not exist: all that was known of it
// may be lost. If AWS cannot tell, that is only a warning: a destroy is repeated to be sure, and its first run asked already.
func (m Manager) nothingLeft(ctx context.Context, branch, stack string) error {
	left, err := m.verifier(stack).stillTagged(ctx, nil)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		m.warn(stack, "there is no stack "+stack+"; whether AWS has something with its tags is not known: "+text.Line(err.Error()))
		return nil
	}
	if len(left) > 0 {
		return fault.Failedf("branch %q has no stack, and %s", branch, inAWS(left)).
			WithHint("if they are being deleted, wait until they are gone; else restore the state of stack %s, or delete them by hand: %s lists them", stack, fault.Command{"doctor", stack})
	}
	return nil
}

// checkNoStackName refuses the name of a stack in place of its branch's: "nothing to do" would look like a success.
func (m Manager) checkNoStackName(ctx context.Context, word string) error {
	if !names.IsStackName(word) || word == names.ApplicationStack {
		return nil
	}
	f, err := m.backend.Read(ctx, word)
	if err != nil || f == nil {
		return err
	}
	branch := describeStack(m.file, config.RulesOf(m.file), *f).Branch
	return fault.Usagef("%s is the name of a stack, whose branch is %q", word, branch).WithHint("%s", fault.Command{"destroy", branch})
}

// checkProtection refuses a protected environment: by the settings as they are now, or as they were at its last update.
func checkProtection(file *config.File, f backend.Facts, branch string) error {
	if pattern, ok := file.Protects(branch, f.Name); ok {
		return fault.Refusedf("environment %s is protected by %q in %s", f.Name, pattern, file.Path).
			WithHint("to destroy it all the same, take %q out of protected there first", pattern)
	}
	if f.Name != names.ApplicationStack {
		rule, err := config.RulesOf(file)(branch, f.Tags[names.TagLike], f.Name)
		if err != nil {
			return err
		}
		if rule.Protected != "" {
			return fault.Refusedf("environment %s is protected: %s", f.Name, rule.Protected).
				WithHint("%s says where that comes from; to destroy it all the same, change it there first", fault.Command{"why", branch})
		}
	}
	if f.Tags[names.TagProtected] == "true" {
		return fault.Refusedf("environment %s is protected: its kind is %s", f.Name, f.Tags[names.TagKind]).
			WithHint("to destroy it all the same, add {match: %q, protected: false} at the end of branches in %s, run %s once, then destroy it", branch, file.Path, fault.Command{"up", branch})
	}
	return nil
}

// Destroy carries out d. It plans once more first: since the plan somebody may have been asked, for as long as that took.
// What was protected, kept, updated or removed meanwhile is not destroyed because of what was known before.
func (m Manager) Destroy(ctx context.Context, d Destruction) (Receipt, error) {
	if d.Absent {
		r := newReceipt(d)
		return r, m.backend.DropSavedState(ctx, r.Stack) // of a run that was killed at its very end
	}
	plan := func() (Destruction, error) { return m.planDestroy(ctx, d.Environment.Branch) }
	stack := d.Environment.Stack
	if stack == names.ApplicationStack {
		plan = func() (Destruction, error) { return m.ApplicationPlanDestroy(ctx) }
	}
	now, err := plan()
	if err == nil && now.Absent {
		err = backend.ConflictError(stack, "removed")
	}
	if err == nil {
		err = changedSince(*d.before, *now.before)
	}
	if err != nil {
		return newReceipt(d), err
	}
	return m.destroy(ctx, now, nil)
}

// DestroyIf destroys a branch's environment with the same refusals as PlanDestroy. decided are the stack's facts, which the
// caller has just read and decided by.
func (m Manager) DestroyIf(ctx context.Context, branch string, decided backend.Facts, redecide Redecide) (Receipt, error) {
	now := decided
	now.Tags = maps.Clone(decided.Tags)
	d, err := m.planDestroyOf(ctx, branch, &now)
	if err == nil {
		err = changedSince(decided, *d.before)
	}
	if err != nil {
		return Receipt{}, err
	}
	return m.destroy(ctx, d, redecide)
}

// changedSince returns a conflict if a stack's tags, last update or resources are not what they were.
func changedSince(was, now backend.Facts) error {
	what := ""
	switch {
	case !maps.Equal(was.Tags, now.Tags):
		what = "tags were"
	case !was.LastUpdate.Same(now.LastUpdate):
		what = "last update was"
	case !slices.Equal(resources(was.State), resources(now.State)), len(was.State.Pending) != len(now.State.Pending):
		what = "resources were"
	default:
		return nil
	}
	return fault.Failedf("stack %s: its %s changed %w since what would be destroyed was looked at", was.Name, what, fault.ByAnother).
		WithHint("run the same command again")
}

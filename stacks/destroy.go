package stacks

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/engine"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/stacks/names"
)

// Destruction is a destroy that has been decided but not begun.
type Destruction struct {
	Environment Environment
	Resources   []Resource // what the state has
	Absent      bool       // there is no such stack: nothing to do

	before *backend.Facts
	// still is asked right before anything is deleted, with the stack's facts as they are then: an error ends the destroy.
	still func(ctx context.Context, now backend.Facts) error
}

// PlanDestroy looks at what a destroy would remove. It refuses what is protected, another's, in another account or
// region, or being worked on.
func (m *Manager) PlanDestroy(ctx context.Context, branch string) (Destruction, error) {
	d, err := m.planDestroy(ctx, branch)
	if err != nil || !d.Absent {
		return d, err
	}
	return d, m.nothingLeft(ctx, branch, d.Environment.Stack)
}

// planDestroy is PlanDestroy, but asks AWS nothing of a stack that does not exist.
func (m *Manager) planDestroy(ctx context.Context, branch string) (Destruction, error) {
	stack, err := names.Slug(branch)
	if err != nil {
		return Destruction{}, err
	}
	f, err := m.backend.Read(ctx, stack)
	if err != nil {
		return Destruction{}, err
	}
	if f == nil {
		if err := m.noStackName(ctx, branch); err != nil {
			return Destruction{}, err
		}
		return Destruction{Environment: Environment{Branch: branch, Stack: stack}, Absent: true}, engine.SweepWorkDirs(m.File.Project, stack)
	}
	may := func() error {
		return cmp.Or(owns(m.Where(), *f, branch), m.mayEnd(ctx, f, branch), m.unprotected(*f, branch))
	}
	if err := may(); err != nil {
		return Destruction{}, err
	}
	if err := m.atHome(ctx, *f); err != nil {
		return Destruction{}, err
	}
	if err := m.unlocked(ctx, f); err != nil {
		return Destruction{}, err
	}
	if err := may(); err != nil { // who held the lock may have changed that
		return Destruction{}, err
	}
	d := Destruction{Environment: m.environment(*f, config.RulesOf(m.File)), before: f}
	d.Environment.Branch = branch
	d.Resources = resources(f.State)
	return d, nil
}

// nothingLeft is an error if AWS has something with the tags of a stack that does not exist: all that was known of it may be lost. If AWS
// cannot tell, that is only a warning: a destroy is repeated to be sure, and its first run asked already.
func (m *Manager) nothingLeft(ctx context.Context, branch, stack string) error {
	left, err := m.stillInAWS(ctx, stack, nil)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		m.tell(stack, operation.Event{Kind: operation.Warning, Message: "there is no stack " + stack + "; whether AWS has something with its tags is not known: " + fault.Line(err.Error())})
		return nil
	}
	if len(left) > 0 {
		return fault.Failedf("branch %q has no stack, and %s", branch, inAWS(left)).
			WithHint("if they are being deleted, wait until they are gone; else restore the state of stack %s, or delete them by hand: branchenv doctor %s lists them", stack, stack)
	}
	return nil
}

// noStackName refuses the name of a stack in the place of its branch's: "nothing to do" would look like a success.
func (m *Manager) noStackName(ctx context.Context, word string) error {
	if !names.StackName.MatchString(word) || word == names.ApplicationStack {
		return nil
	}
	f, err := m.backend.Read(ctx, word)
	if err != nil || f == nil {
		return err
	}
	branch := m.environment(*f, config.RulesOf(m.File)).Branch
	return fault.Usagef("%s is the name of a stack, whose branch is %q", word, branch).WithHint("branchenv destroy %s", fault.ShellWord(branch))
}

// unprotected refuses a protected environment: by the settings as they are now, or as they were at its last update.
func (m *Manager) unprotected(f backend.Facts, branch string) error {
	if pattern, ok := m.File.Protects(branch, f.Name); ok {
		return fault.Refusedf("environment %s is protected by %q in %s", f.Name, pattern, m.File.Path).
			WithHint("to destroy it all the same, take %q out of protected there first", pattern)
	}
	if f.Name != names.ApplicationStack {
		rule, err := config.RulesOf(m.File)(branch, f.Tags[names.TagLike], f.Name)
		if err != nil {
			return err
		}
		if rule.Protected != "" {
			return fault.Refusedf("environment %s is protected: %s", f.Name, rule.Protected).
				WithHint("branchenv why %s says where that comes from; to destroy it all the same, change it there first", fault.ShellWord(branch))
		}
	}
	if f.Tags[names.TagProtected] == "true" {
		return fault.Refusedf("environment %s is protected: its kind is %s", f.Name, f.Tags[names.TagKind]).
			WithHint("to destroy it all the same, add {match: %q, protected: false} at the end of branches in %s, run branchenv up %s once, then destroy it", branch, m.File.Path, fault.ShellWord(branch))
	}
	return nil
}

// Destroy carries out d, from the state alone. Every step may be interrupted; the next run continues after the last
// completed one.
//
//  1. pending creates of an interrupted run are imported, or they would leak;
//  2. everything but the buckets is destroyed, DNS first, then what writes to the buckets. A bucket keeps what guards it
//     (policy, public access block, versioning, …) for as long as something is in it. The engine's lock is taken here, so
//     a stack that is being updated is refused before anything is emptied;
//  3. the buckets are emptied, and the environment's bundles removed;
//  4. the rest is destroyed;
//  5. each resource that the state had, when the first run of it began, is described, to be sure;
//  6. the stack itself is removed, unless something is left.
func (m *Manager) Destroy(ctx context.Context, d Destruction) (Receipt, error) {
	begun := m.Now()
	r := Receipt{Branch: d.Environment.Branch, Stack: d.Environment.Stack, Deleted: []Resource{}, Remaining: []Resource{}}
	if d.Absent {
		return r, m.backend.DropKept(ctx, r.Stack) // of a run that was killed at its very end
	}
	d, err := m.unchanged(ctx, d)
	if err != nil {
		return r, err
	}
	e, err := m.engine(ctx)
	if err != nil {
		return r, err
	}
	tags := maps.Clone(d.before.Tags) // settling reads the stack anew
	if err := m.settle(ctx, e, d.before); err != nil {
		return r, err
	}
	had, err := m.tearDown(ctx, e, d, tags, &r)
	if err != nil {
		if m.removed(ctx, r.Stack) { // upon which pulumi fails in any way, with a crash for one
			return r, backend.JustChanged(r.Stack, "removed")
		}
		return r, err
	}
	exists, err := m.verify(ctx, d.before, had, &r)
	if err != nil {
		return r, err
	}
	r.Seconds = m.Now().Sub(begun).Seconds()
	left := d.before.Tags[names.TagLeft]
	switch {
	case len(r.Remaining) == 0:
	case exists || left == "":
		return r, m.rememberLeft(ctx, d.before, r.Remaining)
	default: // a person was told, and repeated the destroy; AWS may never tell of it
		m.tell(r.Stack, operation.Event{Kind: operation.Warning, Message: "an earlier destroy could not confirm that this is gone, nor can this one, and nothing knows of it any more: " + left})
		r.Remaining = []Resource{}
	}
	if err := m.removeStack(ctx, e, d.before); err != nil && !m.removed(ctx, r.Stack) {
		return r, err
	}
	return r, m.backend.DropKept(ctx, r.Stack)
}

// DestroyIf destroys a branch's environment by the same steps, with the same refusals, as PlanDestroy and Destroy, if its stack is still
// as decided says. Right before anything is deleted, still is asked, with the stack's facts as they are then: its error ends
// the destroy.
func (m *Manager) DestroyIf(ctx context.Context, branch string, decided backend.Facts, still func(ctx context.Context, now backend.Facts) error) (Receipt, error) {
	d, err := m.planDestroy(ctx, branch)
	if err != nil {
		return Receipt{}, err
	}
	if d.Absent {
		return Receipt{}, backend.JustChanged(decided.Name, "removed")
	}
	if err := changed(decided, *d.before); err != nil {
		return Receipt{}, err
	}
	d.still = still
	return m.Destroy(ctx, d)
}

// unchanged is d as it would be planned now. Between a plan and its beginning somebody may have been asked, for as long as
// that took: what was protected, kept, updated or removed meanwhile is not destroyed by what was known before.
func (m *Manager) unchanged(ctx context.Context, d Destruction) (Destruction, error) {
	plan := func() (Destruction, error) { return m.planDestroy(ctx, d.Environment.Branch) }
	stack := d.Environment.Stack
	if stack == names.ApplicationStack {
		plan = func() (Destruction, error) { return m.ApplicationPlanDestroy(ctx) }
	}
	now, err := plan()
	switch {
	case err != nil:
		return d, err
	case now.Absent:
		return d, backend.JustChanged(stack, "removed")
	}
	now.still = d.still
	return now, changed(*d.before, *now.before)
}

// unchangedAtLast looks once more at the stack, right before the engine takes its lock: what was asked since the plan (whose
// the credentials are, which pulumi there is, whether Beanstalk is ready) may have taken minutes. tags are the plan's.
// Half a second remains until the engine holds its lock. An `up` that begins within it is refused by the lock or refuses
// the engine's; it can only be missed if it also ends within it.
func (m *Manager) unchangedAtLast(ctx context.Context, d Destruction, tags map[string]string) error {
	now, err := m.backend.Read(ctx, d.before.Name)
	if err != nil {
		return err
	}
	if now == nil {
		return backend.JustChanged(d.before.Name, "removed")
	}
	was := *d.before
	was.Tags = tags
	if err := changed(was, *now); err != nil {
		return err
	}
	if was.Name == names.ApplicationStack {
		return m.unshared(ctx, d)
	}
	if d.still == nil {
		return nil
	}
	return d.still(ctx, *now)
}

// changed is a contended error if a stack is not what it was: its tags, its last update or its resources.
func changed(was, now backend.Facts) error {
	what := ""
	switch {
	case !maps.Equal(was.Tags, now.Tags):
		what = "tags were"
	case !was.Last.Same(now.Last):
		what = "last update was"
	case !slices.Equal(resources(was.State), resources(now.State)), len(was.State.Pending) != len(now.State.Pending):
		what = "resources were"
	default:
		return nil
	}
	return fault.Failedf("stack %s: its %s changed %w since what would be destroyed was looked at", was.Name, what, fault.ByAnother).
		WithHint("run the same command again")
}

// removed tells whether the stack is gone for certain.
func (m *Manager) removed(ctx context.Context, stack string) bool {
	f, err := m.backend.Read(ctx, stack)
	return err == nil && f == nil
}

// removeStack removes a stack that has become empty.
func (m *Manager) removeStack(ctx context.Context, e *engine.Engine, f *backend.Facts) error {
	w, err := e.Open(ctx, f.Name, engine.Config{}, nil)
	if err != nil {
		return err
	}
	if err := errors.Join(w.Remove(ctx), w.Close()); err != nil {
		return err
	}
	return m.backend.DropCopy(f.Name)
}

package stacks

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks/names"
	"github.com/branchenv/branchenv/stacks/program"
)

// Problem is something that is not as it should be.
type Problem struct {
	Kind    ProblemKind `json:"kind"`
	Stack   string      `json:"stack"`   // the stack concerned; it may not exist
	What    string      `json:"what"`    // what is wrong
	Remedy  fault.Text  `json:"remedy"`  // what to do about it
	Fixable bool        `json:"fixable"` // Fix carries the remedy out

	lock backend.Lock
}

// ProblemKind is the kind of a problem.
type ProblemKind string

// The kinds of problems.
const (
	ProblemOrphan     ProblemKind = "orphan"     // an AWS resource with our tags and without a stack
	ProblemBundle     ProblemKind = "bundle"     // source bundles without a stack
	ProblemEmpty      ProblemKind = "empty"      // a stack without resources and tags, which an interruption left
	ProblemForeign    ProblemKind = "foreign"    // a stack whose state has resources of another one
	ProblemIncomplete ProblemKind = "incomplete" // a stack whose last operation failed or was interrupted
	ProblemMissing    ProblemKind = "missing"    // a resource that the state has is gone from AWS
	ProblemLeft       ProblemKind = "left"       // a destroy could not confirm that all was gone
	ProblemLock       ProblemKind = "lock"       // somebody holds the stack, or did
	ProblemUnreadable ProblemKind = "unreadable" // the stack's state, tags, history or lock cannot be read, or its state is gone
	ProblemUntagged   ProblemKind = "untagged"   // a stack with resources and without branchenv's tags
	ProblemSource     ProblemKind = "source"     // a stack that follows another repository than the settings name, or records none
)

// diagnosis is a look for problems that is under way.
type diagnosis struct {
	Manager
	all    []backend.Facts // in outline
	tagged []aws.Tagged    // what AWS has with the project's tag
}

// Diagnose looks at every stack, for what AWS has without a stack, and for what a stack has without AWS. It changes nothing
// but the stacks' record of what is missing.
func (m Manager) Diagnose(ctx context.Context) ([]Problem, error) {
	d := diagnosis{Manager: m}
	var err error
	if d.all, err = m.backend.List(ctx); err != nil {
		return nil, err
	}
	if application := findStack(d.all, names.ApplicationStack); application != nil { // elsewhere nothing would be found, and all look well
		if err := m.checkLocation(ctx, *application); err != nil {
			return nil, err
		}
	}
	id, unknown, err := m.source.identity(ctx)
	if err != nil {
		return nil, err
	}
	found := []Problem{}
	for _, f := range d.all {
		found = append(found, diagnoseStack(f, m.Location(), m.now())...)
		if p, other := diagnoseSource(f, id); other && unknown == nil {
			found = append(found, p)
		}
	}
	if d.tagged, err = m.aws.TaggedResources(ctx, map[string]string{names.TagProject: m.file.Project}); err != nil {
		return nil, err
	}
	if err := d.keepSuspects(ctx, found); err != nil {
		return nil, err
	}
	missing, err := d.missing(ctx)
	if err != nil {
		return nil, err
	}
	bundles, err := d.strayBundles(ctx)
	if err != nil {
		return nil, err
	}
	stray, err := d.stillStray(ctx, append(orphans(d.all, d.tagged), bundles...))
	if err != nil {
		return nil, err
	}
	found = append(append(found, missing...), stray...)
	slices.SortStableFunc(found, func(a, b Problem) int { return strings.Compare(a.Stack, b.Stack) })
	return found, nil
}

// diagnoseStack returns the problems that one stack's facts show.
func diagnoseStack(f backend.Facts, l backend.Location, now time.Time) []Problem {
	if f.Broken != nil {
		return []Problem{{Kind: ProblemUnreadable, Stack: f.Name, What: f.Broken.Error(), Remedy: fault.Hint(f.Broken)}}
	}
	var found []Problem
	again := fault.Textf("run the interrupted command again to continue; or %s", fault.Command{"destroy", f.Tags[names.TagBranch]})
	if f.Name == names.ApplicationStack {
		again = fault.Textf("run the interrupted command again to continue: %s", fault.Command{"application", "up"})
	}
	live := false
	for _, lock := range f.Locks {
		a := Problem{Kind: ProblemLock, Stack: f.Name, lock: lock,
			What: fmt.Sprintf("locked %s ago by process %d of %s@%s", text.Duration(now.Sub(lock.Timestamp)), lock.Pid, lock.Username, lock.Hostname)}
		if a.Fixable = lock.Abandoned(); a.Fixable {
			a.What, a.Remedy = a.What+", which has ended", fault.Textf("the lock may be removed; the next command on the stack does so by itself")
		} else {
			live = true
			a.Remedy = fault.Textf("wait until it has ended; if its holder is certainly gone: %s", l.CancelCommand(f.Name))
		}
		found = append(found, a)
	}
	held := len(found) > 0
	f.Locks = nil
	_, tagged := f.Tags[names.TagBranch]
	resource, owner := f.ForeignResource()
	switch status := f.Status(); {
	case owner != "":
		found = append(found, Problem{
			Kind: ProblemForeign, Stack: f.Name, What: "its state has a resource of stack " + owner + ": " + resource,
			Remedy: fault.Textf("nothing is done with it until that is mended: find out how it came there; pulumi state delete takes it out of the state and leaves it in AWS"),
		})
	case live: // whoever works on it may be half-way
	case f.Tags[names.TagStack] == "" && !tagged && !f.State.Blank():
		found = append(found, Problem{
			Kind: ProblemUntagged, Stack: f.Name, What: "it has resources or outputs, and none of branchenv's tags: nothing is done with it",
			Remedy: fault.Textf("if branchenv made it, set its tags again: %s", l.SetTagsCommands(f)),
		})
	case f.Name == names.ApplicationStack && status != backend.StatusIncomplete:
	case f.State.Blank() && !tagged && f.LostResources() != "":
		found = append(found, suspect(f.Name, f.LostResources()))
	case f.State.Blank() && !tagged && !held:
		found = append(found, Problem{Kind: ProblemEmpty, Stack: f.Name, What: "it has no tags and no resources: what an interruption leaves", Remedy: fault.Textf("it may be removed"), Fixable: true})
	case status == backend.StatusIncomplete && (tagged || f.Name == names.ApplicationStack):
		what := "its last operation failed or was interrupted"
		if f.Tags[names.TagMissing] != "" && len(f.State.Pending) == 0 && f.LastUpdate.Succeeded() {
			break // missing tells
		}
		if n := len(f.State.Pending); n > 0 {
			what = text.Count(n, "operation") + " of it did not end"
		}
		found = append(found, Problem{Kind: ProblemIncomplete, Stack: f.Name, What: what, Remedy: again})
	}
	if left := f.Tags[names.TagLeft]; left != "" {
		found = append(found, Problem{
			Kind: ProblemLeft, Stack: f.Name, What: "an earlier destroy could not confirm that this is gone: " + left,
			Remedy: fault.Textf("look for it in AWS, then: %s", fault.Command{"destroy", f.Tags[names.TagBranch], "--yes"}),
		})
	}
	return found
}

// suspect is a stack without tags and resources that may have had some.
func suspect(stack, why string) Problem {
	return Problem{
		Kind: ProblemEmpty, Stack: stack, What: "it has no tags and no resources, but " + why + ": it may have lost them, and is not removed",
		Remedy: fault.Textf("look in AWS for what has the tag %s=%s; if something is there, restore the stack's state and tags; if nothing is, pulumi stack rm removes the stack", names.TagStack, stack),
	}
}

// keepSuspects turns what may be removed into what may not, if AWS has something with the stack's tags.
func (d diagnosis) keepSuspects(ctx context.Context, found []Problem) error {
	for i, a := range found {
		listed := func(r aws.Tagged) bool { return r.Tags[names.TagStack] == a.Stack }
		if a.Kind != ProblemEmpty || !a.Fixable || !slices.ContainsFunc(d.tagged, listed) {
			continue
		}
		left, err := d.verifier(a.Stack).stillTagged(ctx, nil)
		if err != nil {
			return err
		}
		if len(left) > 0 {
			found[i] = suspect(a.Stack, inAWS(left))
		}
	}
	return nil
}

// inAWS says what AWS has with a stack's tags.
func inAWS(left []Resource) string {
	return fmt.Sprintf("AWS has %s with its tags: %s", text.Count(len(left), "resource"), text.Cut(strings.Join(resourceNames(left), ", "), 300))
}

// diagnoseSource tells of a stack that is not known to follow the source.
func diagnoseSource(f backend.Facts, source names.Repository) (Problem, bool) {
	follows := f.Source()
	if f.Broken != nil || f.Tags[names.TagStack] == "" || follows.ID == source.ID {
		return Problem{}, false
	}
	a := Problem{Kind: ProblemSource, Stack: f.Name, What: "it records no repository that its branch is of: reconcile does not destroy it",
		Remedy: fault.Textf("its next up records it; or for all such stacks: %s", fault.Command{"adopt"})}
	if follows.ID != "" {
		a.What = "it follows the branches of another repository, " + follows.Describe() + ": nothing is done with it"
		a.Remedy = fault.Textf("if it is to follow %s from now on: %s", source.Name, fault.Command{"adopt", "--from", follows.ID})
	}
	return a, true
}

// missing looks for what the stacks have and AWS has not, and notes it in their tags. A stack that is being worked on is
// left out.
func (d diagnosis) missing(ctx context.Context) ([]Problem, error) {
	arns := map[string]bool{}
	for _, r := range d.tagged {
		arns[r.ARN] = true
	}
	var found []Problem
	for _, outline := range d.all {
		if slices.ContainsFunc(outline.Locks, func(l backend.Lock) bool { return !l.Abandoned() }) || outline.Broken != nil || outline.Tags[names.TagStack] == "" {
			continue
		}
		f, err := d.backend.Read(ctx, outline.Name)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil { // the outline left out what cannot be read
			found = append(found, Problem{Kind: ProblemUnreadable, Stack: outline.Name, What: err.Error(), Remedy: fault.Hint(err)})
			continue
		}
		if f == nil {
			continue
		}
		gone := d.goneFromAWS(ctx, candidates(f.State, arns))
		if err := d.recordMissing(ctx, *f, gone); err != nil && !fault.IsConflict(err) {
			return nil, err
		}
		if len(gone) == 0 {
			continue
		}
		again := fault.Command{"up", f.Tags[names.TagBranch]}
		if f.Name == names.ApplicationStack {
			again = fault.Command{"application", "up"}
		}
		found = append(found, Problem{
			Kind: ProblemMissing, Stack: f.Name, What: "gone from AWS, though it was not destroyed: " + mainNames(gone),
			Remedy: fault.Textf("%s creates it again, without what was in it", again),
		})
	}
	return found, nil
}

// stillStray are those of the ailments whose stacks do not exist now either: one may have been made while AWS was asked.
func (d diagnosis) stillStray(ctx context.Context, found []Problem) ([]Problem, error) {
	if len(found) == 0 {
		return nil, nil
	}
	now, err := d.backend.List(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(found, func(a Problem) bool { return findStack(now, a.Stack) != nil }), nil
}

// orphans are the AWS resources that carry the project's tags and a stack's that does not exist.
func orphans(all []backend.Facts, tagged []aws.Tagged) []Problem {
	var found []Problem
	for _, r := range tagged {
		if stack := r.Tags[names.TagStack]; stack != "" && findStack(all, stack) == nil {
			found = append(found, Problem{
				Kind: ProblemOrphan, Stack: stack, What: r.ARN + " has the tags of this stack, which does not exist",
				Remedy: fault.Textf("AWS tells of what was deleted for some minutes more; if it is still there then, delete it by hand"),
			})
		}
	}
	return found
}

// strayBundles are the source bundles of stacks that do not exist.
func (d diagnosis) strayBundles(ctx context.Context) ([]Problem, error) {
	application := findStack(d.all, names.ApplicationStack)
	if application == nil {
		return nil, nil
	}
	bucket, _ := application.State.Outputs()[program.OutVersionsBucket].(string)
	if bucket == "" {
		return nil, nil
	}
	prefixes, err := d.aws.Prefixes(ctx, bucket)
	if err != nil {
		return nil, err
	}
	var found []Problem
	for _, prefix := range prefixes {
		if stack := strings.TrimSuffix(prefix, "/"); findStack(d.all, stack) == nil {
			found = append(found, Problem{
				Kind: ProblemBundle, Stack: stack, What: fmt.Sprintf("s3://%s/%s holds bundles of this stack, which does not exist", bucket, prefix),
				Remedy: fault.Textf("if no running version comes from there: aws s3 rm --recursive %s", fault.ShellWord("s3://"+bucket+"/"+prefix)),
			})
		}
	}
	return found, nil
}

// Fix does what a's remedy says, if that is still right: it looks once more before it acts.
func (m Manager) Fix(ctx context.Context, a Problem) error {
	f, err := m.backend.Read(ctx, a.Stack)
	if err != nil || f == nil {
		return err
	}
	_, tagged := f.Tags[names.TagBranch]
	switch {
	case a.Kind == ProblemLock && a.Fixable:
		if i := slices.IndexFunc(f.Locks, func(l backend.Lock) bool { return l.Key == a.lock.Key }); i >= 0 && backend.Lock.Abandoned(f.Locks[i]) {
			return m.backend.BreakLock(ctx, f.Locks[i])
		}
		return nil
	case a.Kind != ProblemEmpty:
		return fault.Refusedf("%s: %s is nothing that is done without a person", a.Stack, a.Remedy)
	case tagged || !f.State.Blank() || len(f.Locks) > 0 || f.Name == names.ApplicationStack:
		return fault.Refusedf("stack %s is not empty and without an owner any more", f.Name)
	}
	why := f.LostResources()
	if why == "" {
		left, err := m.verifier(f.Name).stillTagged(ctx, nil)
		if err != nil {
			return err
		}
		if len(left) > 0 {
			why = inAWS(left)
		}
	}
	if why != "" {
		return fault.Refusedf("stack %s: %s", f.Name, suspect(f.Name, why).What).WithHint("%s", suspect(f.Name, why).Remedy)
	}
	e, err := m.launcher.engine(ctx, m.Control, "")
	if err != nil {
		return err
	}
	return m.removeStack(ctx, e, f.Name)
}

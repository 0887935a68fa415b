package stacks

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks/names"
	"github.com/branchenv/branchenv/stacks/program"
)

// Ailment is something that is not as it should be.
type Ailment struct {
	Kind    AilmentKind `json:"kind"`
	Stack   string      `json:"stack"`   // that it is about; it may not exist
	What    string      `json:"what"`    // what is the matter
	Remedy  string      `json:"remedy"`  // what to do about it
	Fixable bool        `json:"fixable"` // Fix does that

	lock backend.Lock
}

// AilmentKind tells ailments apart.
type AilmentKind string

// The kinds of ailments.
const (
	AilmentOrphan     AilmentKind = "orphan"     // an AWS resource with our tags and without a stack
	AilmentBundle     AilmentKind = "bundle"     // source bundles without a stack
	AilmentEmpty      AilmentKind = "empty"      // a stack without resources and tags, which an interruption left
	AilmentForeign    AilmentKind = "foreign"    // a stack whose state has resources of another one
	AilmentIncomplete AilmentKind = "incomplete" // a stack whose last operation failed or was interrupted
	AilmentMissing    AilmentKind = "missing"    // a resource that the state has is gone from AWS
	AilmentLeft       AilmentKind = "left"       // a destroy could not confirm that all was gone
	AilmentLock       AilmentKind = "lock"       // somebody holds the stack, or did
	AilmentUnreadable AilmentKind = "unreadable" // the stack's state, tags, history or lock cannot be read, or its state is gone
	AilmentUntagged   AilmentKind = "untagged"   // a stack with resources and without branchenv's tags
	AilmentSource     AilmentKind = "source"     // a stack that follows another repository than the settings name, or records none
)

// Examine looks at every stack, for what AWS has without one, and for what a stack has without AWS. It changes nothing but
// the stacks' notes of the last.
func (m *Manager) Examine(ctx context.Context) ([]Ailment, error) {
	all, err := m.backend.List(ctx)
	if err != nil {
		return nil, err
	}
	if shared := find(all, names.ApplicationStack); shared != nil { // elsewhere nothing would be found, and all look well
		if err := m.atHome(ctx, *shared); err != nil {
			return nil, err
		}
	}
	source, unknown, err := m.identity(ctx)
	if err != nil {
		return nil, err
	}
	found := []Ailment{}
	for _, f := range all {
		found = append(found, m.examineStack(f)...)
		if a, other := examineSource(f, source); other && unknown == nil {
			found = append(found, a)
		}
	}
	tagged, err := m.aws.TaggedResources(ctx, map[string]string{names.TagProject: m.File.Project})
	if err != nil {
		return nil, err
	}
	if err := m.keepSuspects(ctx, found, tagged); err != nil {
		return nil, err
	}
	missing, err := m.missingOf(ctx, all, tagged)
	if err != nil {
		return nil, err
	}
	bundles, err := m.strayBundles(ctx, all)
	if err != nil {
		return nil, err
	}
	stray, err := m.stillStray(ctx, append(orphans(all, tagged), bundles...))
	if err != nil {
		return nil, err
	}
	found = append(append(found, missing...), stray...)
	slices.SortStableFunc(found, func(a, b Ailment) int { return strings.Compare(a.Stack, b.Stack) })
	return found, nil
}

// examineStack tells what one stack's facts say.
func (m *Manager) examineStack(f backend.Facts) []Ailment {
	if f.Broken != nil {
		return []Ailment{{Kind: AilmentUnreadable, Stack: f.Name, What: f.Broken.Error(), Remedy: fault.Hint(f.Broken)}}
	}
	var found []Ailment
	again := "run the interrupted command again to continue; or branchenv destroy " + fault.ShellWord(f.Tags[names.TagBranch])
	if f.Name == names.ApplicationStack {
		again = "run the interrupted command again to continue: branchenv application up"
	}
	live := false
	for _, l := range f.Locks {
		a := Ailment{Kind: AilmentLock, Stack: f.Name, lock: l,
			What: fmt.Sprintf("locked %s ago by process %d of %s@%s", text.Duration(m.Now().Sub(l.Timestamp)), l.Pid, l.Username, l.Hostname)}
		if a.Fixable = m.Abandoned(l); a.Fixable {
			a.What, a.Remedy = a.What+", which has ended", "the lock may be removed; the next command on the stack does so by itself"
		} else {
			live = true
			a.Remedy = "wait until it has ended; if its holder is certainly gone: " + m.Where().Cancel(f.Name)
		}
		found = append(found, a)
	}
	held := len(found) > 0
	f.Locks = nil
	_, tagged := f.Tags[names.TagBranch]
	resource, owner := f.Foreign()
	switch status := f.Status(); {
	case owner != "":
		found = append(found, Ailment{
			Kind: AilmentForeign, Stack: f.Name, What: "its state has a resource of stack " + owner + ": " + resource,
			Remedy: "nothing is done with it until that is mended: find out how it came there; pulumi state delete takes it out of the state and leaves it in AWS",
		})
	case live: // whoever works on it may be half-way
	case f.Tags[names.TagStack] == "" && !tagged && !f.State.Blank():
		found = append(found, Ailment{
			Kind: AilmentUntagged, Stack: f.Name, What: "it has resources or outputs, and none of branchenv's tags: nothing is done with it",
			Remedy: "if branchenv made it, set its tags again: " + m.Where().SetTags(f),
		})
	case f.Name == names.ApplicationStack && status != backend.StatusIncomplete:
	case f.State.Blank() && !tagged && f.LostResources() != "":
		found = append(found, suspect(f.Name, f.LostResources()))
	case f.State.Blank() && !tagged && !held:
		found = append(found, Ailment{Kind: AilmentEmpty, Stack: f.Name, What: "it has no tags and no resources: what an interruption leaves", Remedy: "it may be removed", Fixable: true})
	case status == backend.StatusIncomplete && (tagged || f.Name == names.ApplicationStack):
		what := "its last operation failed or was interrupted"
		if f.Tags[names.TagMissing] != "" && len(f.State.Pending) == 0 && f.Last.Succeeded() {
			break // missingOf tells
		}
		if n := len(f.State.Pending); n > 0 {
			what = text.Count(n, "operation") + " of it did not end"
		}
		found = append(found, Ailment{Kind: AilmentIncomplete, Stack: f.Name, What: what, Remedy: again})
	}
	if left := f.Tags[names.TagLeft]; left != "" {
		found = append(found, Ailment{
			Kind: AilmentLeft, Stack: f.Name, What: "an earlier destroy could not confirm that this is gone: " + left,
			Remedy: "look for it in AWS, then: branchenv destroy " + fault.ShellWord(f.Tags[names.TagBranch]) + " --yes",
		})
	}
	return found
}

// suspect is a stack without tags and resources that may have had some.
func suspect(stack, why string) Ailment {
	return Ailment{
		Kind: AilmentEmpty, Stack: stack, What: "it has no tags and no resources, but " + why + ": it may have lost them, and is not removed",
		Remedy: "look in AWS for what has the tag " + names.TagStack + "=" + stack + "; if something is there, restore the stack's state and tags; if nothing is, pulumi stack rm removes the stack",
	}
}

// keepSuspects turns what may be removed into what may not, if AWS has something with the stack's tags.
func (m *Manager) keepSuspects(ctx context.Context, found []Ailment, tagged []aws.Tagged) error {
	for i, a := range found {
		listed := func(r aws.Tagged) bool { return r.Tags[names.TagStack] == a.Stack }
		if a.Kind != AilmentEmpty || !a.Fixable || !slices.ContainsFunc(tagged, listed) {
			continue
		}
		left, err := m.stillInAWS(ctx, a.Stack, nil)
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
	return fmt.Sprintf("AWS has %s with its tags: %s", text.Count(len(left), "resource"), text.Cut(strings.Join(namesOf(left), ", "), 300))
}

// examineSource tells of a stack that is not known to follow the source.
func examineSource(f backend.Facts, source names.Repository) (Ailment, bool) {
	follows := f.Follows()
	if f.Broken != nil || f.Tags[names.TagStack] == "" || follows.ID == source.ID {
		return Ailment{}, false
	}
	a := Ailment{Kind: AilmentSource, Stack: f.Name, What: "it records no repository that its branch is of: reconcile does not destroy it",
		Remedy: "its next up records it; or for all such stacks: branchenv adopt"}
	if follows.ID != "" {
		a.What = "it follows the branches of another repository, " + follows.Describe() + ": nothing is done with it"
		a.Remedy = "if it is to follow " + source.Name + " from now on: branchenv adopt --from " + fault.ShellWord(follows.ID)
	}
	return a, true
}

// missingOf looks for what the stacks have and AWS has not, and notes it in their tags. A stack that is being worked on is
// left out.
func (m *Manager) missingOf(ctx context.Context, all []backend.Facts, tagged []aws.Tagged) ([]Ailment, error) {
	arns := map[string]bool{}
	for _, r := range tagged {
		arns[r.ARN] = true
	}
	var found []Ailment
	for _, outline := range all {
		if slices.ContainsFunc(outline.Locks, func(l backend.Lock) bool { return !m.Abandoned(l) }) || outline.Broken != nil || outline.Tags[names.TagStack] == "" {
			continue
		}
		f, err := m.backend.Read(ctx, outline.Name)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil { // the outline left out what cannot be read
			found = append(found, Ailment{Kind: AilmentUnreadable, Stack: outline.Name, What: err.Error(), Remedy: fault.Hint(err)})
			continue
		}
		if f == nil {
			continue
		}
		gone := m.missing(ctx, candidates(f.State, arns))
		if err := m.noteMissing(ctx, *f, gone); err != nil && !fault.IsConflict(err) {
			return nil, err
		}
		if len(gone) == 0 {
			continue
		}
		again := "branchenv up " + fault.ShellWord(f.Tags[names.TagBranch])
		if f.Name == names.ApplicationStack {
			again = "branchenv application up"
		}
		found = append(found, Ailment{
			Kind: AilmentMissing, Stack: f.Name, What: "gone from AWS, though it was not destroyed: " + mainNames(gone),
			Remedy: again + " makes it again, without what was in it",
		})
	}
	return found, nil
}

// stillStray are those of the ailments whose stacks do not exist now either: one may have been made while AWS was asked.
func (m *Manager) stillStray(ctx context.Context, found []Ailment) ([]Ailment, error) {
	if len(found) == 0 {
		return nil, nil
	}
	now, err := m.backend.List(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(found, func(a Ailment) bool { return find(now, a.Stack) != nil }), nil
}

// orphans are the AWS resources that carry the project's tags and a stack's that does not exist.
func orphans(all []backend.Facts, tagged []aws.Tagged) []Ailment {
	var found []Ailment
	for _, r := range tagged {
		if stack := r.Tags[names.TagStack]; stack != "" && find(all, stack) == nil {
			found = append(found, Ailment{
				Kind: AilmentOrphan, Stack: stack, What: r.ARN + " has the tags of this stack, which does not exist",
				Remedy: "AWS tells of what was deleted for some minutes more; if it is still there then, delete it by hand",
			})
		}
	}
	return found
}

// strayBundles are the source bundles of stacks that do not exist.
func (m *Manager) strayBundles(ctx context.Context, all []backend.Facts) ([]Ailment, error) {
	application := find(all, names.ApplicationStack)
	if application == nil {
		return nil, nil
	}
	bucket, _ := application.State.Outputs()[program.OutVersionsBucket].(string)
	if bucket == "" {
		return nil, nil
	}
	prefixes, err := m.aws.Prefixes(ctx, bucket)
	if err != nil {
		return nil, err
	}
	var found []Ailment
	for _, prefix := range prefixes {
		if stack := strings.TrimSuffix(prefix, "/"); find(all, stack) == nil {
			found = append(found, Ailment{
				Kind: AilmentBundle, Stack: stack, What: fmt.Sprintf("s3://%s/%s holds bundles of this stack, which does not exist", bucket, prefix),
				Remedy: "if no running version comes from there: aws s3 rm --recursive " + fault.ShellWord("s3://"+bucket+"/"+prefix),
			})
		}
	}
	return found, nil
}

// Fix does what a's remedy says, if that is still right: it looks once more before it acts.
func (m *Manager) Fix(ctx context.Context, a Ailment) error {
	f, err := m.backend.Read(ctx, a.Stack)
	if err != nil || f == nil {
		return err
	}
	_, tagged := f.Tags[names.TagBranch]
	switch {
	case a.Kind == AilmentLock && a.Fixable:
		if i := slices.IndexFunc(f.Locks, func(l backend.Lock) bool { return l.Key == a.lock.Key }); i >= 0 && m.Abandoned(f.Locks[i]) {
			return m.backend.BreakLock(ctx, f.Locks[i])
		}
		return nil
	case a.Kind != AilmentEmpty:
		return fault.Refusedf("%s: %s is nothing that is done without a person", a.Stack, a.Remedy)
	case tagged || !f.State.Blank() || len(f.Locks) > 0 || f.Name == names.ApplicationStack:
		return fault.Refusedf("stack %s is not empty and without an owner any more", f.Name)
	}
	why := f.LostResources()
	if why == "" {
		left, err := m.stillInAWS(ctx, f.Name, nil)
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
	e, err := m.engine(ctx)
	if err != nil {
		return err
	}
	return m.removeStack(ctx, e, f)
}

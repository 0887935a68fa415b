package plan

import (
	"fmt"
	"time"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks/names"
)

// decision is one step, and whether it might be another one if the commit time of the branch's head were known.
type decision struct {
	step    Step
	undated bool
}

// decided returns s with this action, for the reason that format and args make.
func (s Step) decided(action Action, format string, args ...any) decision {
	s.Action, s.Reason = action, fault.Textf(format, args...)
	return decision{step: s}
}

// decide says what is to happen with one branch and its stack. Whatever is not clear ends in leaving things as they are.
func (v *view) decide(u unit, t *trace) decision {
	if u.stack == nil {
		return v.decideBranch(u, t)
	}
	return v.decideStack(u, t)
}

// decideStack decides about a stack that exists.
func (v *view) decideStack(u unit, t *trace) decision {
	s, step := u.stack, Step{Branch: u.name, Stack: u.stack.Name}
	switch {
	case s.Unreadable != "":
		return step.decided(Unmanaged, "%s", s.Unreadable)
	case s.Name == names.ApplicationStack:
		return step.decided(Keep, "it holds what environments share")
	case s.Tag == "" && s.Empty:
		return step.decided(Unmanaged, "it has no %s tag and no resources: what an interruption leaves", names.TagBranch)
	case s.Tag == "":
		return step.decided(Unmanaged, "it has no %s tag: branchenv did not make it", names.TagBranch)
	case s.Foreign != "":
		return step.decided(Unmanaged, "its state has resources of stack %s", s.Foreign)
	case v.ofAnother(s):
		return step.decided(Unmanaged, "it follows the branches of another source, %s", s.Follows())
	case s.contradictory():
		return step.decided(Unmanaged, "its tag and its state name different branches, %s and %s", s.Tag, s.Branch)
	case u.name == "":
		return step.decided(Unmanaged, "its tag holds only the beginning of its branch's name, and its state does not tell the rest")
	case u.slug != s.Name:
		return step.decided(Unmanaged, "its tag names branch %s, whose stack is called %s", u.name, u.slug)
	}
	t.note("stack %s carries the branch's tag", s.Name)
	if !v.distrust.IsZero() {
		return step.decided(Keep, "nothing is decided: %s", v.distrust)
	}
	rule, err := v.Rules(u.name, s.Like, s.Name)
	if err != nil {
		return step.decided(Keep, "its settings contradict each other: %s", err)
	}
	if u.name == v.Default {
		rule.Protected = "it is of the default branch of " + v.Source
	}
	if rule.Protected == "" && s.Protected {
		rule.Protected = "it was protected when it was last updated"
	}
	t.noteRule(rule)
	if u.branch == nil {
		t.note("%s does not list the branch", v.Source)
		return v.decideEnd(step, *s, rule, "its branch is gone")
	}
	t.note("%s lists the branch at commit %s", v.Source, short(u.branch.Commit))
	expiry := v.expiry(s, u.branch.CommittedAt, rule)
	t.note("%s", expiry.text)
	if expiry.over {
		return v.decideEnd(step, *s, rule, expiry.text)
	}
	d := v.decideUpdate(step, u, rule, expiry)
	d.undated = d.undated || expiry.undated
	return d
}

// contradictory tells that the state names another branch than the tag.
func (s *Stack) contradictory() bool { return s.Branch != "" && names.BranchTag(s.Branch) != s.Tag }

// Follows names the source that the stack follows, for people.
func (s *Stack) Follows() string {
	return names.Repository{ID: s.Source, Name: s.SourceName}.Describe()
}

// branchName is the exact name of the stack's branch, or "" where it is not certain. The stack is not contradictory.
func (s *Stack) branchName(listed *Branch) string {
	switch {
	case listed != nil:
		return listed.Name
	case s.Branch != "":
		return s.Branch
	case names.BranchFault(s.Tag) == "" && names.BranchTag(s.Tag) == s.Tag: // what was cut is no name: it has a tilde
		return s.Tag
	}
	return ""
}

// decideEnd decides about an environment whose time is over, for the reason why.
func (v *view) decideEnd(step Step, s Stack, rule config.Rule, why string) decision {
	switch {
	case rule.Protected != "":
		return step.decided(Keep, "%s, but it is protected: %s", why, rule.Protected)
	case s.Locked:
		return step.decided(Keep, "%s, but it is being updated: the next run looks again", why)
	case s.Source == "":
		return step.decided(Keep, "%s in %s, but its stack does not record which repository its branch is of: record it with %s, or for all such stacks with %s",
			why, v.Source, fault.Command{"up", step.Branch}, fault.Command{"adopt"})
	case v.Now.Sub(s.ChangedAt) < v.Grace && !s.ChangedAt.After(v.Now.Add(v.Grace)):
		return step.decided(Keep, "%s, but it was worked on at %s, less than %s ago: a later run looks again", why, text.Stamp(s.ChangedAt), config.Duration(v.Grace))
	case s.Left != "":
		return step.decided(Keep, "%s, but an earlier destroy could not confirm that this is gone: %s; look for it in AWS, then: %s",
			why, s.Left, fault.Command{"destroy", step.Branch})
	}
	return step.decided(Destroy, "%s", why)
}

// decideUpdate decides about an environment that stays.
func (v *view) decideUpdate(step Step, u unit, rule config.Rule, expiry expiry) decision {
	s, b := u.stack, u.branch
	switch {
	case s.Locked:
		return step.decided(Keep, "it is being updated")
	case rule.Skipped != "":
		return step.decided(Keep, "it is not updated any more: %s; %s", rule.Skipped, expiry.text)
	case !rule.Auto && (s.Incomplete || s.Empty):
		return step.decided(Keep, "it is not complete: its last update failed or was interrupted; %s", expiry.text)
	case !rule.Auto:
		return step.decided(Keep, "its branch exists; %s", expiry.text)
	case s.Empty:
		return v.decideCreate(step, b, rule, Keep, "its stack is empty")
	case noImage(rule, b) != "":
		return step.decided(Keep, "%s; %s", noImage(rule, b), expiry.text)
	case s.Incomplete:
		return step.decided(Update, "its last update failed or was interrupted")
	case rule.Image == "":
		return step.decided(Keep, "its branch exists, and the settings name no image to update it to; %s", expiry.text)
	case s.Commit == b.Commit:
		return step.decided(Keep, "it is at its branch's head, %s; %s", short(b.Commit), expiry.text)
	case s.Commit != "":
		return step.decided(Update, "its branch's head moved from %s to %s", short(s.Commit), short(b.Commit))
	}
	if image, _ := config.ExpandImage(rule.Image, b.Commit, b.Name); image == s.Version {
		return step.decided(Keep, "it runs its branch's head, %s; %s", short(b.Commit), expiry.text)
	}
	return step.decided(Update, "it does not run its branch's head, %s", short(b.Commit))
}

// noImage says why the settings' image cannot be that of the branch's head; "" if it can, or if they name none. An update
// would fail in every run.
func noImage(rule config.Rule, b *Branch) string {
	if rule.Image == "" {
		return ""
	}
	if _, err := config.ExpandImage(rule.Image, b.Commit, b.Name); err != nil {
		return "there is no image for its branch's head: " + err.Error()
	}
	return ""
}

// decideBranch decides about a branch that has no environment.
func (v *view) decideBranch(u unit, t *trace) decision {
	step := Step{Branch: u.name}
	t.note("%s lists the branch at commit %s", v.Source, short(u.branch.Commit))
	t.note("it has no environment")
	if !v.distrust.IsZero() {
		return step.decided(Skip, "nothing is decided: %s", v.distrust)
	}
	if u.slug == "" {
		return step.decided(Skip, "git takes no such name: %s", names.BranchFault(u.name))
	}
	if reason := names.Unstorable(u.name); reason != "" {
		return step.decided(Skip, "it can have no environment: %s", reason)
	}
	rule, err := v.Rules(u.name, "", u.slug)
	if err != nil {
		return step.decided(Skip, "its settings contradict each other: %s", err)
	}
	t.noteRule(rule)
	switch {
	case rule.Skipped != "":
		return step.decided(Skip, "%s", rule.Skipped)
	case !rule.Auto:
		return step.decided(Skip, "environments of kind %s are made by hand", rule.Kind)
	}
	if s := v.stacks[u.slug]; s != nil && s.Unreadable != "" {
		return step.decided(Skip, "its stack cannot be read: %s", s.Unreadable)
	} else if s != nil && (s.Tag != "" || !s.Empty) {
		return step.decided(Skip, "its stack would be called %s, which another one is", u.slug)
	}
	d := v.decideCreate(step, u.branch, rule, Skip, "it has no environment")
	if d.step.Action == Create {
		d.step.Stack = u.slug
	}
	return d
}

// decideCreate decides whether a branch that is to have an environment gets it now, or what to do otherwise: only
// while its head is younger than ttl, or an environment that expired would come back at once.
func (v *view) decideCreate(step Step, b *Branch, rule config.Rule, otherwise Action, why string) decision {
	switch {
	case rule.TTL > 0 && b.CommittedAt.IsZero():
		d := step.decided(otherwise, "%s, and the time of its head's commit is not known", why)
		d.undated = true
		return d
	case rule.TTL > 0 && v.future(b.CommittedAt):
		return step.decided(otherwise, "%s, and its head's commit is dated in the future, %s", why, text.Stamp(b.CommittedAt))
	case rule.TTL > 0 && v.Now.Sub(b.CommittedAt) >= rule.TTL:
		return step.decided(otherwise, "%s, and its head's commit of %s is older than ttl, %s", why, text.Stamp(b.CommittedAt), config.Duration(rule.TTL))
	}
	if reason := noImage(rule, b); reason != "" {
		return step.decided(otherwise, "%s, and %s", why, reason)
	}
	return step.decided(Create, "%s, and kind %s is made automatically", why, rule.Kind)
}

// future tells a commit's time that cannot be right, for more than a clock that is a little wrong: anybody can give a
// commit any date, and one far away would keep an environment for ever.
func (v *view) future(committed time.Time) bool { return committed.After(v.Now.Add(24 * time.Hour)) }

// expiry says whether an environment whose branch exists has expired, and when it expires.
type expiry struct {
	over    bool
	undated bool // unless the commit's time is known, the environment stays
	text    string
}

// expiry decides whether the environment of s, whose branch's head was committed at committed, has expired.
func (v *view) expiry(s *Stack, committed time.Time, rule config.Rule) expiry {
	active, after := s.UpdatedAt, "its last update"
	if committed.After(active) && !v.future(committed) {
		active, after = committed, "its branch's last commit"
	}
	at, kept := rule.Expires(active, s.KeepUntil)
	over := !at.After(v.Now)
	end := fmt.Sprintf("%s, %s after %s", text.Stamp(active.Add(rule.TTL)), config.Duration(rule.TTL), after)
	gone := "gone by " + text.Stamp(at.Add(v.Interval))
	switch {
	case rule.Protected != "":
		return expiry{text: "it is protected: " + rule.Protected}
	case rule.TTL <= 0:
		return expiry{text: "it never expires: ttl is 0"}
	case s.UpdatedAt.IsZero():
		return expiry{text: "the time of its last update is not known, so it does not expire"}
	case kept && !over:
		return expiry{text: "it is kept until " + text.Stamp(at) + " and " + gone}
	case over && committed.IsZero():
		return expiry{undated: true, text: "the time of its branch's last commit is not known, so it does not expire"}
	case over:
		return expiry{over: true, text: "it expired at " + end}
	}
	return expiry{text: "it expires at " + end + ", and is " + gone}
}

func (t *trace) noteRule(r config.Rule) {
	if t == nil {
		return
	}
	how := "by hand"
	if r.Auto {
		how = "automatically"
	}
	t.note("it is of kind %s, which is made %s; ttl %s", r.Kind, how, config.Duration(r.TTL))
	if r.Skipped != "" {
		t.note("it gets no environment: %s", r.Skipped)
	}
	if r.Protected != "" {
		t.note("it is protected: %s", r.Protected)
	}
}

// short is a commit as people write it.
func short(commit string) string {
	if commit == "" {
		return "unknown"
	}
	return commit[:min(len(commit), 8)]
}

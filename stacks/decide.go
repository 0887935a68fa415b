package stacks

import (
	"fmt"
	"time"

	"github.com/branchenv/branchenv/config"
)

// decision is one step, and whether it would have been another one with the commit time of the branch's head.
type decision struct {
	step    PlanStep
	undated bool
}

// decide says what is to happen with one branch and its stack. Whatever is not clear ends in leaving things as they are.
func (v *view) decide(u unit, t *trace) decision {
	if u.stack == nil {
		return v.decideBranch(*u.branch, t)
	}
	return v.decideStack(u, t)
}

// decideStack decides about a stack that exists.
func (v *view) decideStack(u unit, t *trace) decision {
	s := *u.stack
	step := PlanStep{Stack: s.Name}
	leave := func(action Action, format string, args ...any) decision {
		step.Action, step.Reason = action, fmt.Sprintf(format, args...)
		return decision{step: step}
	}
	if s.Name == ApplicationStack {
		return leave(ActionKeep, "it holds what environments share")
	}
	if s.Tag == "" {
		t.note("stack %s has no tag %s", s.Name, tagBranch)
		if s.Empty {
			return leave(ActionUnmanaged, "it has no %s tag and no resources: what an interruption leaves", tagBranch)
		}
		return leave(ActionUnmanaged, "it has no %s tag: branchenv did not make it", tagBranch)
	}
	if s.contradictory() {
		return leave(ActionUnmanaged, "its tag and its state name different branches, %s and %s", s.Tag, s.Branch)
	}
	branch, ok := s.branchName(u.branch)
	if !ok {
		return leave(ActionUnmanaged, "its tag holds only the beginning of its branch's name, and its state does not tell the rest")
	}
	step.Branch = branch
	if slug, err := Slug(branch); err != nil || slug != s.Name {
		return leave(ActionUnmanaged, "its tag names branch %s, whose stack is called %s", branch, slug)
	}
	t.note("stack %s carries the branch's tag", s.Name)
	if v.distrust != "" {
		return leave(ActionKeep, "nothing is decided: %s", v.distrust)
	}
	rule, err := v.Rules(branch, s.Like, s.Name)
	if err != nil {
		return leave(ActionKeep, "its settings contradict each other: %v", err)
	}
	if rule.Protected == "" && s.Protected {
		rule.Protected = "it was protected when it was last updated"
	}
	t.noteRule(rule)
	if u.branch == nil {
		t.note("%s does not list the branch", v.Source)
		return v.decideEnd(s, rule, "its branch is gone", leave)
	}
	t.note("%s lists the branch at commit %s", v.Source, short(u.branch.Commit))
	expiry := v.expiry(s, u.branch.CommittedAt, rule)
	t.note("%s", expiry.text)
	if expiry.over {
		return v.decideEnd(s, rule, expiry.text, leave)
	}
	d := v.decideUpdate(s, *u.branch, rule, expiry, leave)
	d.undated = d.undated || expiry.undated
	return d
}

// contradictory tells that the state names another branch than the tag.
func (s StackFact) contradictory() bool { return s.Branch != "" && BranchTag(s.Branch) != s.Tag }

// branchName is the exact name of the stack's branch, where it is certain. It is not contradictory.
func (s StackFact) branchName(listed *PlanBranch) (string, bool) {
	switch {
	case listed != nil:
		return listed.Name, true
	case s.Branch != "":
		return s.Branch, true
	}
	return s.Tag, branchFault(s.Tag) == "" && BranchTag(s.Tag) == s.Tag // a cut name is none: it has a tilde
}

// leaver makes the decision of a step.
type leaver func(action Action, format string, args ...any) decision

// decideEnd decides about an environment whose time is over, for the reason why.
func (v *view) decideEnd(s StackFact, rule Rule, why string, leave leaver) decision {
	switch {
	case rule.Protected != "":
		return leave(ActionKeep, "%s, but it is protected: %s", why, rule.Protected)
	case s.Locked:
		return leave(ActionKeep, "%s, but it is being updated: the next run looks again", why)
	}
	return leave(ActionDestroy, "%s", why)
}

// decideUpdate decides about an environment that stays.
func (v *view) decideUpdate(s StackFact, b PlanBranch, rule Rule, expiry expiry, leave leaver) decision {
	switch {
	case s.Locked:
		return leave(ActionKeep, "it is being updated")
	case rule.Skipped != "":
		return leave(ActionKeep, "it is not updated any more: %s; %s", rule.Skipped, expiry.text)
	case !rule.Auto && (s.Incomplete || s.Empty):
		return leave(ActionKeep, "it is not complete: its last update failed or was interrupted; %s", expiry.text)
	case !rule.Auto:
		return leave(ActionKeep, "its branch exists; %s", expiry.text)
	case s.Empty:
		return v.decideCreate(b, rule, leave, "its stack is empty")
	case s.Incomplete:
		return leave(ActionUpdate, "its last update failed or was interrupted")
	case rule.Image == "":
		return leave(ActionKeep, "its branch exists, and the settings name no image to update it to; %s", expiry.text)
	case s.Commit == b.Commit:
		return leave(ActionKeep, "it is at its branch's head, %s; %s", short(b.Commit), expiry.text)
	case s.Commit != "":
		return leave(ActionUpdate, "its branch's head moved from %s to %s", short(s.Commit), short(b.Commit))
	}
	image, err := config.ExpandImage(rule.Image, b.Commit, b.Name)
	switch {
	case err != nil:
		return leave(ActionKeep, "there is no image for its branch's head: %v", err)
	case image == s.Version:
		return leave(ActionKeep, "it runs its branch's head, %s; %s", short(b.Commit), expiry.text)
	}
	return leave(ActionUpdate, "it does not run its branch's head, %s", short(b.Commit))
}

// decideBranch decides about a branch that has no environment.
func (v *view) decideBranch(b PlanBranch, t *trace) decision {
	step := PlanStep{Branch: b.Name}
	leave := func(action Action, format string, args ...any) decision {
		step.Action, step.Reason = action, fmt.Sprintf(format, args...)
		return decision{step: step}
	}
	t.note("%s lists the branch at commit %s", v.Source, short(b.Commit))
	t.note("it has no environment")
	if v.distrust != "" {
		return leave(ActionSkip, "nothing is decided: %s", v.distrust)
	}
	if reason := branchFault(b.Name); reason != "" {
		return leave(ActionSkip, "git takes no such name: %s", reason)
	}
	rule, err := v.Rules(b.Name, "", "")
	if err != nil {
		return leave(ActionSkip, "its settings contradict each other: %v", err)
	}
	t.noteRule(rule)
	switch {
	case rule.Skipped != "":
		return leave(ActionSkip, "%s", rule.Skipped)
	case !rule.Auto:
		return leave(ActionSkip, "environments of kind %s are made by hand", rule.Kind)
	}
	slug, err := Slug(b.Name)
	if err != nil {
		return leave(ActionSkip, "%v", err)
	}
	if s, taken := v.stacks[slug]; taken && (s.Tag != "" || !s.Empty) {
		return leave(ActionSkip, "its stack would be called %s, which another one is", slug)
	}
	d := v.decideCreate(b, rule, leave, "it has no environment")
	if d.step.Action == ActionCreate {
		d.step.Stack = slug
	}
	return d
}

// decideCreate decides whether a branch that is to have an environment gets it now: only while its head is younger than
// ttl, or an environment that expired would come back at once.
func (v *view) decideCreate(b PlanBranch, rule Rule, leave leaver, why string) decision {
	otherwise := ActionSkip
	if why != "it has no environment" {
		otherwise = ActionKeep
	}
	switch {
	case rule.TTL > 0 && b.CommittedAt.IsZero():
		d := leave(otherwise, "%s, and the time of its head's commit is not known", why)
		d.undated = true
		return d
	case rule.TTL > 0 && v.Now.Sub(b.CommittedAt) >= rule.TTL:
		return leave(otherwise, "%s, and its head's commit of %s is older than ttl, %s", why, stamp(b.CommittedAt), config.Duration(rule.TTL))
	}
	return leave(ActionCreate, "%s, and kind %s is made automatically", why, rule.Kind)
}

// expiry is when an environment whose branch exists goes.
type expiry struct {
	over    bool
	undated bool // the commit time is needed to know
	text    string
}

func (v *view) expiry(s StackFact, committed time.Time, rule Rule) expiry {
	last, what := s.UpdatedAt, "its last update"
	if committed.After(last) {
		last, what = committed, "its branch's last commit"
	}
	end := last.Add(rule.TTL)
	switch {
	case rule.Protected != "":
		return expiry{text: "it is protected: " + rule.Protected}
	case rule.TTL <= 0:
		return expiry{text: "it never expires: ttl is 0"}
	case s.KeepUntil.After(v.Now) && s.KeepUntil.After(end):
		return expiry{text: fmt.Sprintf("it is kept until %s and gone by %s", stamp(s.KeepUntil), stamp(s.KeepUntil.Add(v.Interval)))}
	case s.UpdatedAt.IsZero():
		return expiry{text: "the time of its last update is not known, so it does not expire"}
	case !end.After(v.Now) && committed.IsZero():
		return expiry{undated: true, text: "the time of its branch's last commit is not known, so it does not expire"}
	case !end.After(v.Now):
		return expiry{over: true, text: fmt.Sprintf("it expired at %s, %s after %s", stamp(end), config.Duration(rule.TTL), what)}
	}
	return expiry{text: fmt.Sprintf("it expires at %s, %s after %s, and is gone by %s", stamp(end), config.Duration(rule.TTL), what, stamp(end.Add(v.Interval)))}
}

func (t *trace) noteRule(r Rule) {
	if t == nil {
		return
	}
	how := "is made by hand"
	if r.Auto {
		how = "is made automatically"
	}
	t.note("it is of kind %s, which %s; ttl %s", r.Kind, how, config.Duration(r.TTL))
	if r.Skipped != "" {
		t.note("it gets no environment: %s", r.Skipped)
	}
	if r.Protected != "" {
		t.note("it is protected: %s", r.Protected)
	}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// short is a commit as people write it.
func short(commit string) string {
	if commit == "" {
		return "unknown"
	}
	return commit[:min(len(commit), 8)]
}

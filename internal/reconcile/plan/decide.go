package plan

import (
	"fmt"
	"time"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks/names"
)

// decision is the step that was decided on.
type decision struct {
	step    Step
	undated bool // with the commit time of the branch's head, it might be another step
}

// decided returns the decision for this action. format and args make the reason.
func (s Step) decided(action Action, format string, args ...any) decision {
	s.Action, s.Reason = action, fault.Textf(format, args...)
	return decision{step: s}
}

// decide decides what happens with one branch and its stack. If anything is unclear, nothing is changed.
func (p *planner) decide(sub subject, t *trace) decision {
	if sub.stack == nil {
		return p.decideBranch(sub, t)
	}
	return p.decideStack(sub, t)
}

// decideStack decides about a stack that exists.
func (p *planner) decideStack(sub subject, t *trace) decision {
	s, step := sub.stack, Step{Branch: sub.name, Stack: sub.stack.Name}
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
	case p.followsOther(s):
		return step.decided(Unmanaged, "it follows the branches of another source, %s", s.Follows())
	case s.contradictory():
		return step.decided(Unmanaged, "its tag and its state name different branches, %s and %s", s.Tag, s.Branch)
	case sub.name == "":
		return step.decided(Unmanaged, "its tag holds only the beginning of its branch's name, and its state does not have the rest")
	case sub.slug != s.Name:
		return step.decided(Unmanaged, "its tag names branch %s, whose stack is called %s", sub.name, sub.slug)
	}
	t.note("stack %s carries the branch's tag", s.Name)
	if !p.distrust.IsZero() {
		return step.decided(Keep, "nothing is decided: %s", p.distrust)
	}
	rule, err := p.Rules(sub.name, s.Like, s.Name)
	if err != nil {
		return step.decided(Keep, "its settings contradict each other: %s", err)
	}
	if sub.name == p.Default {
		rule.Protected = "it is of the default branch of " + p.Source
	}
	if rule.Protected == "" && s.Protected {
		rule.Protected = "it was protected when it was last updated"
	}
	t.noteRule(rule)
	if sub.branch == nil {
		t.note("%s does not list the branch", p.Source)
		return p.decideEnd(step, *s, rule, "its branch is gone")
	}
	t.note("%s lists the branch at commit %s", p.Source, short(sub.branch.Commit))
	expiry := p.expiry(s, sub.branch.CommittedAt, rule)
	t.note("%s", expiry.text)
	if expiry.over {
		return p.decideEnd(step, *s, rule, expiry.text)
	}
	d := p.decideUpdate(step, sub, rule, expiry)
	d.undated = d.undated || expiry.undated
	return d
}

// contradictory reports whether the state and the tag name different branches.
func (s *Stack) contradictory() bool { return s.Branch != "" && names.BranchTag(s.Branch) != s.Tag }

// Follows returns the source that the stack follows, for people.
func (s *Stack) Follows() string {
	return names.Repository{ID: s.Source, Name: s.SourceName}.Describe()
}

// branchName returns the exact name of the stack's branch, or "" if it is not certain. The stack must not be contradictory.
func (s *Stack) branchName(listed *Branch) string {
	switch {
	case listed != nil:
		return listed.Name
	case s.Branch != "":
		return s.Branch
	case names.BranchProblem(s.Tag) == "" && names.BranchTag(s.Tag) == s.Tag: // a tag that was cut has a tilde, so it is no name
		return s.Tag
	}
	return ""
}

// decideEnd decides whether an environment that is no longer needed is destroyed. why says why it is not needed.
func (p *planner) decideEnd(step Step, s Stack, rule config.Rule, why string) decision {
	switch {
	case rule.Protected != "":
		return step.decided(Keep, "%s, but it is protected: %s", why, rule.Protected)
	case s.Locked:
		return step.decided(Keep, "%s, but it is being updated: the next run looks again", why)
	case s.Source == "":
		return step.decided(Keep, "%s in %s, but its stack does not record which repository its branch is of: record it with %s, or for all such stacks with %s",
			why, p.Source, fault.Command{"up", step.Branch}, fault.Command{"adopt"})
	case p.Now.Sub(s.ChangedAt) < p.Grace && !s.ChangedAt.After(p.Now.Add(p.Grace)):
		return step.decided(Keep, "%s, but it was worked on at %s, less than %s ago: a later run looks again", why, text.Stamp(s.ChangedAt), config.Duration(p.Grace))
	case s.Unconfirmed != "":
		return step.decided(Keep, "%s, but an earlier destroy could not confirm that this is gone: %s; look for it in AWS, then: %s",
			why, s.Unconfirmed, fault.Command{"destroy", step.Branch})
	}
	return step.decided(Destroy, "%s", why)
}

// decideUpdate decides whether an environment that stays is updated.
func (p *planner) decideUpdate(step Step, sub subject, rule config.Rule, expiry expiry) decision {
	s, b := sub.stack, sub.branch
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
		return p.decideCreate(step, b, rule, Keep, "its stack is empty")
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

// noImage returns why the settings' image cannot be made for the branch's head; "" if it can, or if they name none. Without this
// check, the update would fail in every run.
func noImage(rule config.Rule, b *Branch) string {
	if rule.Image == "" {
		return ""
	}
	if _, err := config.ExpandImage(rule.Image, b.Commit, b.Name); err != nil {
		return "there is no image for its branch's head: " + err.Error()
	}
	return ""
}

// decideBranch decides whether a branch without an environment gets one.
func (p *planner) decideBranch(sub subject, t *trace) decision {
	step := Step{Branch: sub.name}
	t.note("%s lists the branch at commit %s", p.Source, short(sub.branch.Commit))
	t.note("it has no environment")
	if !p.distrust.IsZero() {
		return step.decided(Skip, "nothing is decided: %s", p.distrust)
	}
	if sub.slug == "" {
		return step.decided(Skip, "git takes no such name: %s", names.BranchProblem(sub.name))
	}
	if reason := names.StorageProblem(sub.name); reason != "" {
		return step.decided(Skip, "it can have no environment: %s", reason)
	}
	rule, err := p.Rules(sub.name, "", sub.slug)
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
	if s := p.stacks[sub.slug]; s != nil && s.Unreadable != "" {
		return step.decided(Skip, "its stack cannot be read: %s", s.Unreadable)
	} else if s != nil && (s.Tag != "" || !s.Empty) {
		return step.decided(Skip, "its stack would be called %s, and that name is taken", sub.slug)
	}
	d := p.decideCreate(step, sub.branch, rule, Skip, "it has no environment")
	if d.step.Action == Create {
		d.step.Stack = sub.slug
	}
	return d
}

// decideCreate decides whether an automatic environment is created now; if not, the action is otherwise. The branch's head must be
// younger than ttl: else an environment that expired would be created again at once. why is the beginning of the reason.
func (p *planner) decideCreate(step Step, b *Branch, rule config.Rule, otherwise Action, why string) decision {
	switch {
	case rule.TTL > 0 && b.CommittedAt.IsZero():
		d := step.decided(otherwise, "%s, and the time of its head's commit is not known", why)
		d.undated = true
		return d
	case rule.TTL > 0 && p.future(b.CommittedAt):
		return step.decided(otherwise, "%s, and its head's commit is dated in the future, %s", why, text.Stamp(b.CommittedAt))
	case rule.TTL > 0 && p.Now.Sub(b.CommittedAt) >= rule.TTL:
		return step.decided(otherwise, "%s, and its head's commit of %s is older than ttl, %s", why, text.Stamp(b.CommittedAt), config.Duration(rule.TTL))
	}
	if reason := noImage(rule, b); reason != "" {
		return step.decided(otherwise, "%s, and %s", why, reason)
	}
	return step.decided(Create, "%s, and kind %s is made automatically", why, rule.Kind)
}

// future reports whether a commit's time is more than a day in the future. Anybody can give a commit any date, and a date far in
// the future would keep an environment for ever.
func (p *planner) future(committed time.Time) bool { return committed.After(p.Now.Add(24 * time.Hour)) }

// expiry says whether an environment whose branch exists has expired, and when it expires.
type expiry struct {
	over    bool
	undated bool // unless the commit's time is known, the environment stays
	text    string
}

// expiry decides whether the environment of s, whose branch's head was committed at committed, has expired.
func (p *planner) expiry(s *Stack, committed time.Time, rule config.Rule) expiry {
	active, after := s.UpdatedAt, "its last update"
	if committed.After(active) && !p.future(committed) {
		active, after = committed, "its branch's last commit"
	}
	at, kept := rule.Expires(active, s.KeepUntil)
	over := !at.After(p.Now)
	end := fmt.Sprintf("%s, %s after %s", text.Stamp(active.Add(rule.TTL)), config.Duration(rule.TTL), after)
	gone := "gone by " + text.Stamp(at.Add(p.Interval))
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

// short returns a commit as people write it.
func short(commit string) string {
	if commit == "" {
		return "unknown"
	}
	return commit[:min(len(commit), 8)]
}

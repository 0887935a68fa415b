// Package plan decides what reconcile does with every branch and every stack, and why. It is pure: facts, rules and the clock
// are arguments, and nothing is asked.
package plan

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/stacks/names"
)

// Input is everything that a plan is made from: facts, rules and the clock. Nothing is asked while it is made.
type Input struct {
	Source   string // where the branches come from, for people
	SourceID string // Identity.ID of the source, which stacks record
	Default  string // the source's default branch
	Branches []Branch
	Stacks   []Stack
	Rules    config.Rules
	Limits   Limits
	Now      time.Time
	// Interval is how often reconcile runs: an environment is gone that long after it expires, at the latest.
	Interval time.Duration
	// Grace is how long nothing is destroyed after it was made or last worked on: a source may list a new branch late.
	Grace time.Duration
}

// Branch is one branch of the source.
type Branch struct {
	Name   string
	Commit string // at its head
	// CommittedAt is the head's commit time. It may be zero for the branches that Undated does not name.
	CommittedAt time.Time
}

// Stack is what is known of one stack.
type Stack struct {
	Name string
	// Tag is the value of the tag branchenv:branch; "" where there is none, and then the stack is nobody's to destroy.
	Tag string
	// Branch is the exact name of the branch where the state tells it; else "". It counts where Tag is its tag.
	Branch string
	Like   string // the branch whose settings it has, where it is a copy
	// Version is what it runs (see Version.Name); Commit the branch's head when that was decided, "" where not recorded.
	Version, Commit string
	// Source is the Identity.ID of the repository that its branch is of; "" if it is not recorded, and SourceName the name.
	Source, SourceName string
	// Foreign is the stack whose resources its state has, where they are not its own; else "".
	Foreign string
	// Unreadable is why not all of it is known; else "". Then nothing else here is to be relied on, but the stack exists.
	Unreadable string
	Protected  bool // it was protected when it was last updated
	Locked     bool // a live process holds its lock
	Incomplete bool // its last operation failed or was interrupted
	Empty      bool // it has no resources and no pending operations
	// Left is what an earlier destroy could not confirm to be gone; nothing else knows of it any more.
	Left string
	// UpdatedAt is when its last good update ended, or when it was made where there was none. Failed updates do not
	// count: repeated every hour, they would keep an environment for ever. Zero: not known.
	UpdatedAt time.Time
	// ChangedAt is when anybody last worked on it, well or not: when it was made, or its last run ended. Zero: not known.
	ChangedAt time.Time
	// KeepUntil is the time until which someone wants it kept; zero where nobody said so.
	KeepUntil time.Time
}

// Action is what is to happen with one branch and its stack.
type Action string

// The actions, in the order in which they are carried out.
const (
	Destroy   Action = "destroy"   // the branch is gone, or the environment has expired
	Create    Action = "create"    // the branch is to have an environment and has none
	Update    Action = "update"    // the branch's head moved on
	Keep      Action = "keep"      // the environment stays as it is
	Skip      Action = "skip"      // the branch has no environment and gets none
	Unmanaged Action = "unmanaged" // a stack that branchenv leaves alone
)

var actions = [...]Action{Destroy, Create, Update, Keep, Skip, Unmanaged}

// changes tells whether a is more than leaving things as they are.
func (a Action) changes() bool { return a == Destroy || a == Create || a == Update }

// Plan says what is to happen with every branch and every stack, and why. It is the JSON of `reconcile`.
type Plan struct {
	Source   string `json:"source"`
	Branches int    `json:"branches"`
	Stacks   int    `json:"stacks"`
	Steps    []Step `json:"steps"`
	// Refused is why nothing of it may be carried out; "" where it may.
	Refused fault.Text `json:"refused"`
}

// Step is what is to happen with one branch, one stack, or both.
type Step struct {
	Branch string     `json:"branch"` // "" for a stack whose branch is not known
	Stack  string     `json:"stack"`  // "" for a branch that has no stack and gets none
	Action Action     `json:"action"`
	Reason fault.Text `json:"reason"`
}

// Todo is the steps that change something, in the order in which to start them; none of a refused plan.
func (p Plan) Todo() []Step {
	if !p.Refused.IsZero() {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(p.Steps), func(s Step) bool { return !s.Action.changes() })
}

// Make decides. The order of what it is given does not matter; steps are sorted by action, branch and stack.
func Make(in Input) Plan {
	v := in.view()
	plan := Plan{Source: in.Source, Branches: len(v.branches), Stacks: len(v.stacks), Steps: make([]Step, 0, len(v.units))}
	decided, environments := make([]Step, len(v.units)), 0
	steps := map[Action][]*Step{}
	for i, u := range v.units {
		step := &decided[i]
		*step = v.decide(u, nil).step
		steps[step.Action] = append(steps[step.Action], step)
		if u.stack != nil && step.Action != Unmanaged && u.stack.Name != names.ApplicationStack {
			environments++
		}
	}
	plan.Refused = v.distrust
	if plan.Refused.IsZero() {
		plan.Refused = fault.Textf("%s", in.Limits.refuse(len(steps[Destroy]), len(steps[Create]), environments))
	}
	for _, action := range actions {
		slices.SortFunc(steps[action], func(a, b *Step) int {
			if order := strings.Compare(a.Branch, b.Branch); order != 0 {
				return order
			}
			return strings.Compare(a.Stack, b.Stack)
		})
		for _, step := range steps[action] {
			plan.Steps = append(plan.Steps, *step)
		}
	}
	return plan
}

// view is a PlanInput put in order.
type view struct {
	Input
	branches map[string]*Branch // by tag
	stacks   map[string]*Stack  // by name
	units    []unit
	distrust fault.Text // why the list of branches is not believed, or empty
}

// unit is what one step is about: a branch, a stack, or both.
type unit struct {
	branch *Branch // nil: not listed
	stack  *Stack  // nil: none
	name   string  // the branch's exact name; "" where it is not known
	slug   string  // what the branch's stack is called; "" where there is no branch or no such name
}

func (in Input) view() *view {
	v := &view{
		Input: in, units: make([]unit, 0, len(in.Branches)+len(in.Stacks)),
		branches: make(map[string]*Branch, len(in.Branches)), stacks: make(map[string]*Stack, len(in.Stacks)),
	}
	heads := make([]*Branch, 0, len(in.Branches))
	for i := range in.Branches {
		b := &in.Branches[i]
		if tag := names.BranchTag(b.Name); v.branches[tag] == nil {
			v.branches[tag] = b
			heads = append(heads, b)
		}
	}
	switch {
	case len(in.Branches) == 0:
		v.distrust = fault.Textf("the list of branches is empty")
	case in.Default == "":
		v.distrust = fault.Textf("the default branch is not known")
	case v.branches[names.BranchTag(in.Default)] == nil:
		v.distrust = fault.Textf("the list of branches lacks the default branch, %s", in.Default)
	default:
		v.distrust = in.otherSource()
	}
	housed := make(map[*Branch]bool, len(in.Branches))
	for i := range in.Stacks {
		s := &in.Stacks[i]
		v.stacks[s.Name] = s
		u := unit{stack: s, branch: v.branches[s.Tag]}
		if s.Tag != "" && s.Name != names.ApplicationStack && !s.contradictory() && s.Foreign == "" && !in.ofAnother(s) {
			u.name = s.branchName(u.branch)
			u.slug = slugOrNone(u.name)
		}
		if u.branch != nil && u.slug == s.Name {
			housed[u.branch] = true
		}
		v.units = append(v.units, u)
	}
	for _, b := range heads {
		if !housed[b] {
			v.units = append(v.units, unit{branch: b, name: b.Name, slug: slugOrNone(b.Name)})
		}
	}
	return v
}

// ofAnother reports whether s follows another source.
func (in Input) ofAnother(s *Stack) bool { return s.Source != "" && s.Source != in.SourceID }

// otherSource says that the application stack, and so the project, follows another source than the settings name, or "".
func (in Input) otherSource() fault.Text {
	for _, s := range in.Stacks {
		if s.Name == names.ApplicationStack && in.ofAnother(&s) {
			return fault.Textf("the environments of this project follow %s, and source is %s: set source back, or move them on purpose with %s",
				s.Follows(), names.Repository{ID: in.SourceID, Name: in.Source}.Describe(), fault.Command{"adopt", "--from", s.Source})
		}
	}
	return fault.Text{}
}

func slugOrNone(branch string) string {
	slug, err := names.Slug(branch)
	if err != nil {
		return ""
	}
	return slug
}

// Undated is the commits whose time the plan needs and does not know, sorted: those of branches whose environment may
// have expired, and of those that may be due to get one.
func (in Input) Undated() []string {
	v, commits := in.view(), map[string]bool{}
	for _, u := range v.units {
		if v.decide(u, nil).undated && u.branch.Commit != "" {
			commits[u.branch.Commit] = true
		}
	}
	return slices.Sorted(maps.Keys(commits))
}

// Dated returns in with the commit times that dates has, by commit.
func (in Input) Dated(dates map[string]time.Time) Input {
	in.Branches = slices.Clone(in.Branches)
	for i, b := range in.Branches {
		if at, ok := dates[b.Commit]; ok {
			in.Branches[i].CommittedAt = at
		}
	}
	return in
}

// Why is the trace of the decision about one branch: what was asked, in that order, what the answer was, and what
// follows. A stack's name works in the place of a branch that is not listed.
func (in Input) Why(branch string) []fault.Text {
	v := in.view()
	var lines []fault.Text
	tag := names.BranchTag(branch)
	slices.SortFunc(v.units, func(a, b unit) int { return strings.Compare(a.stackName(), b.stackName()) })
	for _, u := range v.units {
		if u.branch != nil && u.branch.Name == branch || u.stack != nil && (u.stack.Tag == tag || u.stack.Name == branch) {
			t := &trace{}
			step := v.decide(u, t).step
			lines = append(append(lines, t.lines...), fault.Textf("so: %s: %s", step.Action, step.Reason))
		}
	}
	if len(lines) == 0 {
		lines = append(lines, fault.Textf("%s lists no branch %s, and no stack belongs to one", in.Source, branch))
	}
	if refused := Make(in).Refused; !refused.IsZero() {
		lines = append(lines, fault.Textf("but nothing is carried out: %s", refused))
	}
	return lines
}

func (u unit) stackName() string {
	if u.stack == nil {
		return ""
	}
	return u.stack.Name
}

// trace collects how a decision came about. A nil trace collects nothing.
type trace struct{ lines []fault.Text }

func (t *trace) note(format string, args ...any) {
	if t != nil {
		t.lines = append(t.lines, fault.Textf(format, args...))
	}
}

// Next is the command that tries one step alone.
func (s Step) Next() fault.Command {
	if s.Action == Destroy {
		return fault.Command{"destroy", s.Branch, "--yes"}
	}
	return fault.Command{"up", s.Branch}
}

// Again is what step would be if the plan were made now: with the branch and the stack as given, and all else as it
// was. nil: there is no such stack.
func (in Input) Again(step Step, head Branch, found bool, stack *Stack) Step {
	tag := names.BranchTag(step.Branch)
	in.Branches = slices.DeleteFunc(slices.Clone(in.Branches), func(b Branch) bool { return names.BranchTag(b.Name) == tag })
	if found {
		in.Branches = append(in.Branches, head)
	}
	in.Stacks = slices.DeleteFunc(slices.Clone(in.Stacks), func(s Stack) bool { return s.Name == step.Stack })
	if stack != nil {
		in.Stacks = append(in.Stacks, *stack)
	}
	v := in.view()
	for _, u := range v.units {
		if u.stack != nil && u.stack.Name == step.Stack || u.stack == nil && stack == nil && u.name == step.Branch {
			return v.decide(u, nil).step
		}
	}
	return Step{Branch: step.Branch, Stack: step.Stack, Action: Skip, Reason: fault.Textf("neither its branch nor its stack is there any more")}
}

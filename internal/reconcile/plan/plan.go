// Package plan decides what reconcile does with every branch and every stack, and why. It is pure: facts, rules and the clock
// are arguments.
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

// Input holds everything that a plan is made from: facts, rules and the clock.
type Input struct {
	Source   string // the source's name, for people
	SourceID string // the source's Identity.ID, which stacks record
	Default  string // the source's default branch
	Branches []Branch
	Stacks   []Stack
	Rules    config.Rules
	Limits   Limits
	Now      time.Time
	// Interval is the time between two runs of reconcile. An environment is gone at most that long after it expires.
	Interval time.Duration
	// Grace protects an environment for some time after it was created or last changed: a source may list a new branch late.
	Grace time.Duration
}

// Branch is one branch of the source.
type Branch struct {
	Name   string
	Commit string // at its head
	// CommittedAt is the time of that commit. It may be zero unless Undated returns the commit.
	CommittedAt time.Time
}

// Stack is what is known of one stack.
type Stack struct {
	Name string
	// Tag is the value of the tag branchenv:branch, or "". A stack without it is never destroyed.
	Tag string
	// Branch is the exact name of the branch if the state has it, else "". It must agree with Tag.
	Branch string
	Like   string // the branch whose settings it has, if it is a copy
	// Version is the version that it runs, as Version.Name returns it. Commit is the branch's head at the time of that update; ""
	// if it is not recorded.
	Version, Commit string
	// Source is the Identity.ID of its branch's repository, and SourceName the name. Both are "" if they are not recorded.
	Source, SourceName string
	// Foreign is another stack whose resources are in its state; "" if there is none.
	Foreign string
	// Unreadable says why the stack cannot be read; "" if it can. If it is set, no other field but Name is reliable.
	Unreadable string
	Protected  bool // it was protected at its last update
	Locked     bool // a living process holds its lock
	Incomplete bool // its last operation failed or was interrupted
	Empty      bool // it has no resources and no pending operations
	// Unconfirmed names the resources that an earlier destroy could not confirm to be gone. Only this stack still records them.
	Unconfirmed string
	// UpdatedAt is the end of its last successful update, else the time of its creation; zero if that is not known. Failed updates
	// do not count: repeated every hour, they would keep an environment for ever.
	UpdatedAt time.Time
	// ChangedAt is the end of its last operation, successful or not, else the time of its creation; zero if that is not known.
	ChangedAt time.Time
	// KeepUntil is the end of the time for which somebody wants to keep it; zero if nobody does.
	KeepUntil time.Time
}

// Action is what a plan does with one branch and its stack.
type Action string

// The actions, in the order in which they are carried out.
const (
	Destroy   Action = "destroy"   // the branch is gone, or the environment has expired
	Create    Action = "create"    // the branch gets an environment
	Update    Action = "update"    // the branch has a new head
	Keep      Action = "keep"      // the environment stays as it is
	Skip      Action = "skip"      // the branch has no environment and gets none
	Unmanaged Action = "unmanaged" // branchenv leaves the stack alone
)

var actions = [...]Action{Destroy, Create, Update, Keep, Skip, Unmanaged}

// Changes reports whether the action changes something.
func (a Action) Changes() bool { return a == Destroy || a == Create || a == Update }

// Plan says what happens with every branch and every stack, and why. It is the JSON document of `reconcile`.
type Plan struct {
	Source   string `json:"source"`
	Branches int    `json:"branches"`
	Stacks   int    `json:"stacks"`
	Steps    []Step `json:"steps"`
	// Refused says why the plan must not be carried out; empty if it may be.
	Refused fault.Text `json:"refused"`
}

// Err returns why the plan must not be carried out, exit code 3; nil if it may be.
func (p Plan) Err() error {
	if p.Refused.IsZero() {
		return nil
	}
	return fault.Refusedf("nothing was touched: %s", p.Refused)
}

// Step is what happens with one branch, one stack, or both.
type Step struct {
	Branch string     `json:"branch"` // "" if the stack's branch is not known
	Stack  string     `json:"stack"`  // "" if the branch has no stack and gets none
	Action Action     `json:"action"`
	Reason fault.Text `json:"reason"`
}

// Todo returns the steps that change something, in the order in which to start them. A refused plan has none.
func (p Plan) Todo() []Step {
	if !p.Refused.IsZero() {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(p.Steps), func(s Step) bool { return !s.Action.Changes() })
}

// Make makes the plan. The order of branches and stacks in the input does not matter; steps are sorted by action, branch and
// stack.
func Make(in Input) Plan {
	p := in.planner()
	plan := Plan{Source: in.Source, Branches: len(p.branches), Stacks: len(p.stacks), Steps: make([]Step, 0, len(p.subjects))}
	decided, environments := make([]Step, len(p.subjects)), 0
	steps := map[Action][]*Step{}
	for i, sub := range p.subjects {
		step := &decided[i]
		*step = p.decide(sub, nil).step
		steps[step.Action] = append(steps[step.Action], step)
		if sub.stack != nil && step.Action != Unmanaged && sub.stack.Name != names.ApplicationStack {
			environments++
		}
	}
	plan.Refused = p.distrust
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

// planner is an Input whose branches and stacks can be looked up.
type planner struct {
	Input
	branches map[string]*Branch // by tag
	stacks   map[string]*Stack  // by name
	subjects []subject
	distrust fault.Text // why the list of branches is not believed; empty if it is
}

// subject is what one step is for: a branch, a stack, or both.
type subject struct {
	branch *Branch // nil if the source does not list one
	stack  *Stack  // nil if there is none
	name   string  // the branch's exact name; "" if it is not known
	slug   string  // the name of the branch's stack; "" if there is no branch, or git does not take its name
}

func (in Input) planner() *planner {
	p := &planner{
		Input: in, subjects: make([]subject, 0, len(in.Branches)+len(in.Stacks)),
		branches: make(map[string]*Branch, len(in.Branches)), stacks: make(map[string]*Stack, len(in.Stacks)),
	}
	heads := make([]*Branch, 0, len(in.Branches))
	for i := range in.Branches {
		b := &in.Branches[i]
		if tag := names.BranchTag(b.Name); p.branches[tag] == nil {
			p.branches[tag] = b
			heads = append(heads, b)
		}
	}
	switch {
	case len(in.Branches) == 0:
		p.distrust = fault.Textf("the list of branches is empty")
	case in.Default == "":
		p.distrust = fault.Textf("the default branch is not known")
	case p.branches[names.BranchTag(in.Default)] == nil:
		p.distrust = fault.Textf("the list of branches lacks the default branch, %s", in.Default)
	default:
		p.distrust = in.otherSource()
	}
	hasStack := make(map[*Branch]bool, len(in.Branches))
	for i := range in.Stacks {
		s := &in.Stacks[i]
		p.stacks[s.Name] = s
		sub := subject{stack: s, branch: p.branches[s.Tag]}
		if s.Tag != "" && s.Name != names.ApplicationStack && !s.contradictory() && s.Foreign == "" && !in.followsOther(s) {
			sub.name = s.branchName(sub.branch)
			sub.slug = slugOrNone(sub.name)
		}
		if sub.branch != nil && sub.slug == s.Name {
			hasStack[sub.branch] = true
		}
		p.subjects = append(p.subjects, sub)
	}
	for _, b := range heads {
		if !hasStack[b] {
			p.subjects = append(p.subjects, subject{branch: b, name: b.Name, slug: slugOrNone(b.Name)})
		}
	}
	return p
}

// followsOther reports whether s follows another source.
func (in Input) followsOther(s *Stack) bool { return s.Source != "" && s.Source != in.SourceID }

// otherSource returns why nothing is decided if the application stack, and so the project, follows another source than the one in
// the settings; else the empty text.
func (in Input) otherSource() fault.Text {
	for _, s := range in.Stacks {
		if s.Name == names.ApplicationStack && in.followsOther(&s) {
			return fault.Textf("the environments of this project follow %s, and source is %s: set source back, or move them on purpose with %s",
				s.Follows(), names.Repository{ID: in.SourceID, Name: in.Source}.Describe(), fault.Command{"adopt", "--from", s.Source})
		}
	}
	return fault.Text{}
}

// slugOrNone returns the name of the branch's stack, or "" if git does not take the branch's name.
func slugOrNone(branch string) string {
	slug, err := names.Slug(branch)
	if err != nil {
		return ""
	}
	return slug
}

// Undated returns the commits whose time the plan needs and does not have, sorted. They are the heads of branches whose environment
// may have expired, and of branches that may get one.
func (in Input) Undated() []string {
	p, commits := in.planner(), map[string]bool{}
	for _, sub := range p.subjects {
		if p.decide(sub, nil).undated && sub.branch.Commit != "" {
			commits[sub.branch.Commit] = true
		}
	}
	return slices.Sorted(maps.Keys(commits))
}

// Dated returns in with these commit times, by commit.
func (in Input) Dated(dates map[string]time.Time) Input {
	in.Branches = slices.Clone(in.Branches)
	for i, b := range in.Branches {
		if at, ok := dates[b.Commit]; ok {
			in.Branches[i].CommittedAt = at
		}
	}
	return in
}

// Why returns the trace of the decision about one branch: the facts in the order in which they were considered, and the result.
// branch may also be the name of a stack.
func (in Input) Why(branch string) []fault.Text {
	p := in.planner()
	var lines []fault.Text
	tag := names.BranchTag(branch)
	slices.SortFunc(p.subjects, func(a, b subject) int { return strings.Compare(a.stackName(), b.stackName()) })
	for _, sub := range p.subjects {
		if sub.branch != nil && sub.branch.Name == branch || sub.stack != nil && (sub.stack.Tag == tag || sub.stack.Name == branch) {
			t := &trace{}
			step := p.decide(sub, t).step
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

func (s subject) stackName() string {
	if s.stack == nil {
		return ""
	}
	return s.stack.Name
}

// trace collects the facts that lead to a decision. A nil trace collects nothing.
type trace struct{ lines []fault.Text }

func (t *trace) note(format string, args ...any) {
	if t != nil {
		t.lines = append(t.lines, fault.Textf(format, args...))
	}
}

// Next returns the command that carries out this step alone.
func (s Step) Next() fault.Command {
	if s.Action == Destroy {
		return fault.Command{"destroy", s.Branch, "--yes"}
	}
	return fault.Command{"up", s.Branch}
}

// Redecide returns what step would be if the plan were made now, with new facts about its branch and its stack and the other facts
// unchanged. found says that the branch exists and has this head. stack is nil if there is no such stack.
func (in Input) Redecide(step Step, head Branch, found bool, stack *Stack) Step {
	tag := names.BranchTag(step.Branch)
	in.Branches = slices.DeleteFunc(slices.Clone(in.Branches), func(b Branch) bool { return names.BranchTag(b.Name) == tag })
	if found {
		in.Branches = append(in.Branches, head)
	}
	in.Stacks = slices.DeleteFunc(slices.Clone(in.Stacks), func(s Stack) bool { return s.Name == step.Stack })
	if stack != nil {
		in.Stacks = append(in.Stacks, *stack)
	}
	p := in.planner()
	for _, sub := range p.subjects {
		if sub.stack != nil && sub.stack.Name == step.Stack || sub.stack == nil && stack == nil && sub.name == step.Branch {
			return p.decide(sub, nil).step
		}
	}
	return Step{Branch: step.Branch, Stack: step.Stack, Action: Skip, Reason: fault.Textf("neither its branch nor its stack is there any more")}
}

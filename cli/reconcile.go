package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/github"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/internal/reconcile"
	"github.com/branchenv/branchenv/internal/reconcile/plan"
	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks"
)

func (s *session) reconcileCommand() *urfave.Command {
	return &urfave.Command{
		Name:  "reconcile",
		Usage: "compare the environments with the branches, print the plan; --yes carries it out",
		Description: "Environments whose branch is gone, or which have expired, are destroyed; branches of a kind with\n" +
			"create: auto get one, and theirs follow the branch's head. Refused plans change nothing: exit code 3.\n" +
			"Environments that failed are listed at the end: exit code 99.",
		Flags: []urfave.Flag{
			&urfave.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "carry the plan out without asking"},
			&urfave.IntFlag{Name: "max-destroy", Usage: "the brake: allow exactly `N` destructions", DefaultText: "the settings' maxDestroy and maxDestroyShare"},
			&urfave.IntFlag{Name: "max-create", Usage: "the brake: allow exactly `N` new environments", DefaultText: "the settings' maxCreate"},
			&urfave.StringFlag{Name: "grace", Usage: "destroy nothing that was worked on less than `DURATION` ago", DefaultText: "the settings' grace, 10m"},
			&urfave.IntFlag{Name: "parallel", Usage: "work on `N` environments at once", DefaultText: "one for each core, as far as the memory goes, at most 8"},
			&urfave.StringFlag{Name: "timeout", Usage: "work on one environment no longer than `DURATION`", DefaultText: "1h"},
		},
		Action: s.reconcile,
	}
}

// reconciled is reconcile's JSON document.
type reconciled struct {
	plan.Plan
	Outcome *reconcile.Outcome `json:"outcome,omitempty"` // where the plan was carried out
}

// reconcile plans, prints, asks, and carries out what was printed.
func (s *session) reconcile(c *urfave.Context) error {
	flags, err := readReconcileFlags(c)
	if err != nil {
		return err
	}
	file, err := s.settings()
	if err != nil {
		return err
	}
	source, err := s.source(file, reconcileWait)
	if err != nil {
		return err
	}
	stop := operation.NewStopper()
	var p progress = &quietProgress{err: s.err} // until it is known that something will be done
	options := operation.Control{Stop: stop, Observe: func(e operation.Event) { p.observe(e) }}
	return s.manage(c.Context, file, options, func(m stacks.Manager) error {
		r := &reconciliation{file: file, source: source, manager: m, now: s.now, say: s.say}
		changes := c.Bool("yes")
		document := reconciled{}
		err := r.plan(c.Context, flags)
		if err == nil {
			document.Plan = r.decided
			err = s.printPlan(r.decided)
			for _, line := range r.locks {
				s.warn("%s", line)
			}
			if line := ailing(r.input.Stacks, r.decided); !line.IsZero() {
				s.say("%s", line)
			}
		}
		if err == nil && !changes && s.canAsk && len(r.decided.Todo()) > 0 {
			err = s.confirm(c.Context)
			changes = err == nil
		}
		if err == nil && changes {
			s.signals.changing(stop, s.warn)
			if len(r.decided.Todo()) > 0 {
				p = s.startProgressByStack()
			}
			flags.carry.Head = r.head
			outcome := reconcile.Run(c.Context, m, r.input, r.decided, flags.carry)
			p.close()
			p = &quietProgress{err: s.err}
			document.Outcome = &outcome
			err = s.printOutcome(outcome)
		}
		err = errors.Join(err, reconcile.Unreadable(r.input.Stacks))
		if s.json && document.Steps != nil {
			err = errors.Join(err, s.out.document(document))
		}
		if changes {
			err = errors.Join(err, s.watch(context.WithoutCancel(c.Context), m, file, document, err))
		}
		return err
	})
}

// reconcileFlags are what was typed. A nil pointer stands for what the settings say.
type reconcileFlags struct {
	carry                     reconcile.Options
	exactDestroy, exactCreate *int
	grace                     *time.Duration
}

// readReconcileFlags checks what was typed.
func readReconcileFlags(c *urfave.Context) (f reconcileFlags, err error) {
	f.carry = reconcile.Options{Parallel: c.Int("parallel")}
	if f.carry.Timeout, err = durationFlag(c, "timeout"); err != nil {
		return f, err
	}
	grace, err := durationFlag(c, "grace")
	if err != nil {
		return f, err
	}
	for name, exact := range map[string]**int{"max-destroy": &f.exactDestroy, "max-create": &f.exactCreate} {
		n := c.Int(name)
		if n < 0 {
			return f, fault.Usagef("--%s %d is out of range", name, n).WithHint("give 0 or more")
		}
		if c.IsSet(name) {
			*exact = &n
		}
	}
	if c.IsSet("grace") {
		f.grace = &grace
	}
	switch {
	case c.IsSet("parallel") && (f.carry.Parallel < 1 || f.carry.Parallel > 64):
		return f, fault.Usagef("--parallel %d is out of range", f.carry.Parallel).WithHint("give 1 to 64")
	case c.IsSet("timeout") && f.carry.Timeout < time.Minute:
		return f, fault.Usagef("a --timeout of %s is too short for AWS", f.carry.Timeout).WithHint("give at least 1m")
	}
	return f, nil
}

// reconciliation is one run's facts, and the plan made from them.
type reconciliation struct {
	file    *config.File
	source  github.Source
	manager stacks.Manager
	now     func() time.Time
	say     func(format string, args ...any)

	locks   []string // those older than a day
	input   plan.Input
	decided plan.Plan
}

// facts reads the stacks first, the branches second: a branch that is pushed between the two has no environment yet and
// can lose none.
func (r *reconciliation) facts(ctx context.Context) error {
	facts, err := reconcile.ReadStacks(ctx, r.manager)
	if err != nil {
		return err
	}
	if r.locks, err = r.manager.OldLocks(ctx); err != nil {
		return err
	}
	list, err := r.source.Branches(ctx)
	if err != nil {
		return err
	}
	r.input = plan.Input{
		Source: r.source.String(), SourceID: list.Identity.ID, Default: list.Default, Stacks: facts, Rules: config.RulesOf(r.file), Now: r.now(),
		Interval: time.Duration(r.file.Reconcile.Interval),
		Grace:    time.Duration(r.file.Reconcile.Grace),
		Limits: plan.Limits{
			MaxDestroy: r.file.Reconcile.MaxDestroy, Share: r.file.Reconcile.MaxDestroyShare, MaxCreate: r.file.Reconcile.MaxCreate,
		},
	}
	for _, b := range list.Branches {
		r.input.Branches = append(r.input.Branches, plan.Branch{Name: b.Name, Commit: b.Commit})
	}
	return r.date(ctx)
}

// date fills in the commit times that the plan needs.
func (r *reconciliation) date(ctx context.Context) error {
	undated := r.input.Undated()
	if len(undated) == 0 {
		return nil
	}
	dates, err := r.source.Dates(ctx, undated)
	if err != nil {
		return err
	}
	r.input = r.input.Dated(dates)
	return nil
}

// plan decides. Each branch that the list lacks and whose environment would go is asked for singly: where it exists
// after all, the list was not what it claims to be, and the environment stays.
func (r *reconciliation) plan(ctx context.Context, flags reconcileFlags) error {
	if err := r.facts(ctx); err != nil {
		return err
	}
	r.input.Limits.ExactDestroy, r.input.Limits.ExactCreate = flags.exactDestroy, flags.exactCreate
	if flags.grace != nil {
		r.input.Grace = *flags.grace
	}
	for asked := map[string]bool{}; ; {
		r.decided = plan.Make(r.input)
		found := false
		for _, step := range r.decided.Todo() {
			listed := slices.ContainsFunc(r.input.Branches, func(b plan.Branch) bool { return b.Name == step.Branch })
			if step.Action != plan.Destroy || listed || asked[step.Branch] {
				continue
			}
			asked[step.Branch] = true
			b, exists, err := r.source.Branch(ctx, step.Branch)
			if err != nil {
				return err
			}
			if exists {
				found = true
				r.say("%s did not list branch %s, but it exists: its environment stays", r.input.Source, step.Branch)
				r.input.Branches = append(r.input.Branches, plan.Branch{Name: b.Name, Commit: b.Commit})
			}
		}
		if !found {
			return nil
		}
		if err := r.date(ctx); err != nil {
			return err
		}
	}
}

// head asks for one branch right before a step begins.
func (r *reconciliation) head(ctx context.Context, branch string) (plan.Branch, bool, error) {
	b, found, err := r.source.Branch(ctx, branch)
	if err != nil || !found {
		return plan.Branch{}, false, err
	}
	head := plan.Branch{Name: b.Name, Commit: b.Commit}
	for _, known := range r.input.Branches {
		if known.Name == branch && known.Commit == b.Commit && !known.CommittedAt.IsZero() {
			return known, true, nil
		}
	}
	dates, err := r.source.Dates(ctx, []string{b.Commit})
	if err != nil {
		return plan.Branch{}, false, err
	}
	head.CommittedAt = dates[b.Commit]
	return head, true, nil
}

// printPlan prints a plan, and is an error where it is refused.
func (s *session) printPlan(plan plan.Plan) error {
	if !s.json {
		s.out.raw(planText(plan, s.render))
	}
	if !plan.Refused.IsZero() {
		return fault.Refusedf("nothing was touched: %s", plan.Refused)
	}
	if todo := plan.Todo(); len(todo) > 0 {
		s.say("%s: %s", plan.Source, text.Count(len(todo), "step")+" to do")
	} else {
		s.say("%s: nothing to do", plan.Source)
	}
	return nil
}

// planText is a line for each branch and stack.
func planText(plan plan.Plan, render func(fault.Text) string) string {
	var rows [][]string
	for _, step := range plan.Steps {
		rows = append(rows, []string{string(step.Action), orDash(step.Branch), orDash(step.Stack), render(step.Reason)})
	}
	return table([]string{"ACTION", "BRANCH", "STACK", "REASON"}, rows)
}

// printOutcome prints what became of a plan, the failed environments last, and is an error where there are any.
func (s *session) printOutcome(o reconcile.Outcome) error {
	if !s.json {
		s.out.raw(outcomeText(o, s.render))
	}
	for _, f := range o.Failed {
		s.warn("failed: %s of branch %s: %s", f.Action, f.Branch, f.Error)
		s.warn("        try: %s", f.Next)
	}
	return o.Err()
}

// outcomeText is a line for each step that was to change something.
func outcomeText(o reconcile.Outcome, render func(fault.Text) string) string {
	var rows [][]string
	add := func(result string, step plan.Step, detail string) {
		rows = append(rows, []string{result, string(step.Action), step.Branch, detail})
	}
	for _, step := range o.Done {
		add("done", step, "")
	}
	for _, step := range o.Kept {
		add("left alone", step, render(step.Reason))
	}
	for _, step := range o.Left {
		add("not begun", step, "")
	}
	for _, f := range o.Failed {
		add("FAILED", f.Step, f.Error)
	}
	if len(rows) == 0 {
		return ""
	}
	return fmt.Sprintln() + table([]string{"RESULT", "ACTION", "BRANCH", "DETAIL"}, rows)
}

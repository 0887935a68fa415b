package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	urfave "github.com/urfave/cli/v2"

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
		Action: action(parseReconcile, s.reconcile),
	}
}

// reconcileOptions are what was typed.
type reconcileOptions struct {
	yes       bool
	overrides reconcile.Overrides
	carryOut  reconcile.Options
}

// parseReconcile reads and checks the flags.
func parseReconcile(c *urfave.Context) (o reconcileOptions, err error) {
	o.yes = c.Bool("yes")
	o.carryOut.Parallel = c.Int("parallel")
	if o.carryOut.Timeout, err = durationFlag(c, "timeout"); err != nil {
		return o, err
	}
	grace, err := durationFlag(c, "grace")
	if err != nil {
		return o, err
	}
	if c.IsSet("grace") {
		o.overrides.Grace = &grace
	}
	for name, exact := range map[string]**int{"max-destroy": &o.overrides.ExactDestroy, "max-create": &o.overrides.ExactCreate} {
		n := c.Int(name)
		if n < 0 {
			return o, fault.Usagef("--%s %d is out of range", name, n).WithHint("give 0 or more")
		}
		if c.IsSet(name) {
			*exact = &n
		}
	}
	switch {
	case c.IsSet("parallel") && (o.carryOut.Parallel < 1 || o.carryOut.Parallel > 64):
		return o, fault.Usagef("--parallel %d is out of range", o.carryOut.Parallel).WithHint("give 1 to 64")
	case c.IsSet("timeout") && o.carryOut.Timeout < time.Minute:
		return o, fault.Usagef("a --timeout of %s is too short for AWS", o.carryOut.Timeout).WithHint("give at least 1m")
	}
	return o, nil
}

// reconcile prints the plan, asks, and carries out the plan that it has printed.
func (s *session) reconcile(ctx context.Context, o reconcileOptions) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	source, err := s.source(file, reconcileWait)
	if err != nil {
		return err
	}
	stop := operation.NewStopper()
	p := s.quietProgress() // until it is known that something will be changed
	control := operation.Control{Stop: stop, Observe: func(e operation.Event) { p.observe(e) }}
	return s.manage(ctx, file, control, func(m stacks.Manager) error {
		run, err := s.prepare(ctx, m, source, o.overrides)
		var report reconcile.Report
		if err == nil {
			report.Plan = run.Plan
			err = s.printPlan(run)
		}
		todo, changes := len(report.Todo()), o.yes
		if err == nil && !o.yes && s.canAsk && todo > 0 {
			err = s.confirm(ctx)
			changes = err == nil
		}
		if err == nil && changes {
			s.signals.changing(stop, s.warn)
			if todo > 0 {
				p = s.startProgressByStack()
			}
			outcome := run.CarryOut(ctx, o.carryOut)
			p.close()
			p = s.quietProgress()
			report.Outcome = &outcome
			err = s.printOutcome(outcome)
		}
		err = errors.Join(err, run.Unreadable())
		if s.json && report.Steps != nil {
			err = errors.Join(err, s.out.document(report))
		}
		if changes {
			err = errors.Join(err, s.publish(context.WithoutCancel(ctx), m, report, err))
		}
		return err
	})
}

// prepare prepares a run and says which branches the source did not list.
func (s *session) prepare(ctx context.Context, m stacks.Manager, source github.Source, o reconcile.Overrides) (*reconcile.Run, error) {
	run, err := reconcile.Prepare(ctx, m, source, o)
	for _, branch := range run.Unlisted {
		s.say("%s did not list branch %s, but it exists: its environment stays", source, branch)
	}
	return run, err
}

// publish tells others that a run has ended. problem is nil if it was good. The error is that of the heartbeat: without it, `status`
// would report that reconcile does not run.
func (s *session) publish(ctx context.Context, m stacks.Manager, report reconcile.Report, problem error) error {
	err := reconcile.Beat(ctx, m, problem)
	if failed := report.Publish(ctx, s.env("GITHUB_STEP_SUMMARY"), m.Settings().Reconcile.PingURL, problem); failed != nil {
		for _, line := range s.messages(failed) {
			s.warn("%s", line)
		}
	}
	return err
}

// printPlan prints the plan of a run, and what else it found. The error says why the plan is refused.
func (s *session) printPlan(run *reconcile.Run) error {
	if !s.json {
		s.out.raw(planText(run.Plan, s.render))
	}
	err := run.Plan.Err()
	if err == nil {
		if todo := len(run.Plan.Todo()); todo > 0 {
			s.say("%s: %s to do", run.Plan.Source, text.Count(todo, "step"))
		} else {
			s.say("%s: nothing to do", run.Plan.Source)
		}
	}
	for _, line := range run.OldLocks {
		s.warn("%s", line)
	}
	if n := run.Unsolved(); n > 0 {
		s.say("%s half made or left behind: %s tells more", text.Count(n, "stack"), fault.Command{"doctor"})
	}
	return err
}

// planText returns a line for each branch and stack.
func planText(plan plan.Plan, render func(fault.Text) string) string {
	var rows [][]string
	for _, step := range plan.Steps {
		rows = append(rows, []string{string(step.Action), orDash(step.Branch), orDash(step.Stack), render(step.Reason)})
	}
	return table([]string{"ACTION", "BRANCH", "STACK", "REASON"}, rows)
}

// printOutcome prints what became of a plan, the failed environments last. The error says that some failed or were not begun.
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

// outcomeText returns a line for each step that was to change something.
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
	for _, step := range o.NotBegun {
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

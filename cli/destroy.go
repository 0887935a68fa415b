package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks"
)

func (s *session) destroyCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "destroy",
		Usage:     "remove a branch's environment and print a receipt",
		ArgsUsage: "[BRANCH]",
		Description: "Shows what will go and asks. The receipt is checked by describing each resource at AWS;\n" +
			"if something is left, the exit code is 1.",
		Flags:  []urfave.Flag{yesFlag(), allowForkFlag()},
		Action: action(parseDestroy, s.destroy),
	}
}

type destroyOptions struct {
	branchOptions
	yes bool
}

func parseDestroy(c *urfave.Context) (destroyOptions, error) {
	branch, err := parseBranch(c)
	return destroyOptions{branch, c.Bool("yes")}, err
}

func (s *session) destroy(ctx context.Context, o destroyOptions) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	branch, _, err := s.trustedBranch(ctx, file, o.branchOptions, true)
	if err != nil {
		return err
	}
	return s.remove(ctx, file, removal{
		what: "the environment of branch " + branch,
		yes:  o.yes,
		plan: func(ctx context.Context, m stacks.Manager) (stacks.Destruction, error) {
			return m.PlanDestroy(ctx, branch)
		},
		carryOut: func(ctx context.Context, m stacks.Manager, d stacks.Destruction) (stacks.Receipt, error) {
			return m.Destroy(ctx, d)
		},
	})
}

// removal is the destruction of one stack: of an environment, or of the application stack.
type removal struct {
	what     string
	yes      bool // do not ask
	plan     func(context.Context, stacks.Manager) (stacks.Destruction, error)
	carryOut func(context.Context, stacks.Manager, stacks.Destruction) (stacks.Receipt, error)
}

// remove shows what will go, asks, removes it and prints the receipt.
func (s *session) remove(ctx context.Context, file *config.File, r removal) error {
	if !r.yes && !s.canAsk {
		return fault.Usagef("destroy asks before it acts, and nobody can be asked here").
			WithHint("add --yes to remove %s", r.what)
	}
	var receipt stacks.Receipt
	absent := false
	stop := operation.NewStopper()
	p := s.quietProgress() // until it is known that something will be changed
	control := operation.Control{Stop: stop, Observe: func(e operation.Event) { p.observe(e) }}
	err := s.manage(ctx, file, control, func(m stacks.Manager) error {
		planned, err := r.plan(ctx, m)
		if err != nil {
			return err
		}
		if absent = planned.Absent; absent {
			receipt.Branch, receipt.Stack = planned.Environment.Branch, planned.Environment.Stack
			return nil
		}
		if !r.yes {
			s.err.raw(destructionText(r.what, planned))
			if err := s.confirm(ctx); err != nil {
				return err
			}
		}
		s.signals.changing(stop, s.warn)
		p = s.startProgress()
		defer p.close()
		receipt, err = r.carryOut(ctx, m, planned)
		return err
	})
	if absent {
		s.say("%s does not exist; nothing to do", r.what)
		if !s.json {
			return err
		}
	} else if err != nil && len(receipt.Deleted)+len(receipt.Remaining) == 0 {
		return err // without a receipt: it ended before anything could be checked
	}
	return errors.Join(err, s.printReceipt(receipt))
}

// destructionText returns what a destroy is about to remove.
func destructionText(what string, d stacks.Destruction) string {
	e := d.Environment
	head := [][]string{{"stack", e.Stack}}
	for _, row := range [][]string{{"branch", e.Branch}, {"kind", e.Kind}, {"url", e.URL}} {
		if row[1] != "" {
			head = append(head, row)
		}
	}
	var rows [][]string
	for _, r := range d.Resources {
		if !isOurs(r.Type) {
			rows = append(rows, []string{"  " + aws.TypeOf(r.Type).Noun, r.Name, r.Note})
		}
	}
	return text.Escape("About to destroy "+what) + "\n" + table(nil, head) + table(nil, rows) +
		text.Escape("This cannot be undone: "+text.Count(len(rows), "resource")+" will be deleted, with all data in them.") + "\n"
}

// printReceipt prints r. The error says that something is left.
func (s *session) printReceipt(r stacks.Receipt) error {
	if s.json {
		if r.Deleted == nil {
			r.Deleted = []stacks.Resource{}
		}
		if r.Remaining == nil {
			r.Remaining = []stacks.Resource{}
		}
		if err := s.out.document(r); err != nil {
			return err
		}
	} else {
		s.out.raw(receiptText(r))
	}
	if n := len(r.Remaining); n > 0 {
		return fault.Failedf("%s of stack %s left behind", text.Count(n, "resource"), r.Stack).
			WithHint("look at the receipt's remaining resources, then run the same command again")
	}
	return nil
}

// receiptText returns a receipt for people.
func receiptText(r stacks.Receipt) string {
	var rows [][]string
	for _, d := range r.Deleted {
		rows = append(rows, []string{"deleted", aws.TypeOf(d.Type).Noun, d.Name, d.Note})
	}
	for _, d := range r.Remaining {
		rows = append(rows, []string{"REMAINS", aws.TypeOf(d.Type).Noun, d.Name, d.Note})
	}
	summary := fmt.Sprintf("%s deleted", text.Count(len(r.Deleted), "resource"))
	if r.Objects > 0 {
		summary += fmt.Sprintf(", %s removed from buckets", text.Count(r.Objects, "object version"))
	}
	if len(r.Remaining) > 0 {
		summary += fmt.Sprintf(", %d left behind", len(r.Remaining))
	}
	name := "stack " + r.Stack
	if r.Branch != "" {
		name = "branch " + r.Branch
	}
	took := text.Elapsed(time.Duration(r.Seconds * float64(time.Second)))
	return table(nil, rows) + text.Escape(fmt.Sprintf("%s: %s, in %s", name, summary, took)) + "\n"
}

package cli

import (
	"context"
	"errors"
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/reconcile"
	"github.com/branchenv/branchenv/internal/reconcile/plan"
	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks"
	"github.com/branchenv/branchenv/stacks/names"
)

func (s *session) doctorCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "doctor",
		Usage:     "find what is left behind, half made or locked, and say what to do about it",
		ArgsUsage: "[BRANCH]",
		Description: "BRANCH, or the name of a stack, limits it to one.\n" +
			"Looks at every stack, and for AWS resources and source bundles with the project's tags and no stack.\n" +
			"--fix removes abandoned locks, and stacks without resources and tags, after showing them; nothing else.",
		Flags: []urfave.Flag{
			&urfave.BoolFlag{Name: "fix", Usage: "remove what is safe to remove"},
			yesFlag(),
		},
		Action: s.doctor,
	}
}

// doctor examines, prints, and where it is asked to, fixes.
func (s *session) doctor(c *urfave.Context) error {
	fix, yes := c.Bool("fix"), c.Bool("yes")
	switch {
	case yes && !fix:
		return fault.Usagef("--yes answers what only --fix asks").WithHint("add --fix, or leave --yes out")
	case fix && !yes && !s.canAsk:
		return fault.Usagef("doctor --fix asks before it acts, and nobody can be asked here").WithHint("add --yes")
	}
	file, err := s.settings()
	if err != nil {
		return err
	}
	return s.read(c.Context, file, func(m stacks.Manager) error {
		found, err := m.Diagnose(c.Context)
		if err != nil {
			return err
		}
		if word := c.Args().First(); word != "" {
			if found, err = of(c.Context, m, word, found); err != nil {
				return err
			}
		}
		if err := s.printAilments(found); err != nil || !fix {
			return err
		}
		found = slices.DeleteFunc(found, func(a stacks.Problem) bool { return !a.Fixable })
		if len(found) == 0 {
			s.say("there is nothing that --fix may remove")
			return nil
		}
		if !yes {
			s.warn("about to remove %s: those marked *", text.Count(len(found), "thing"))
			if err := s.confirm(c.Context); err != nil {
				return err
			}
		}
		for _, a := range found {
			fixed := m.Fix(c.Context, a)
			if fixed == nil {
				s.say("fixed: %s of stack %s", a.Kind, a.Stack)
			}
			err = errors.Join(err, fixed)
		}
		return err
	})
}

// of are the ailments of one stack, which word names, or whose branch it does. One of which nothing is known is an error:
// a word that is mistyped must not look well.
func of(ctx context.Context, m stacks.Manager, word string, found []stacks.Problem) ([]stacks.Problem, error) {
	slug, _ := names.Slug(word) // "" for what is no branch's name
	other := func(stack string) bool { return stack != word && stack != slug }
	if found = slices.DeleteFunc(found, func(a stacks.Problem) bool { return other(a.Stack) }); len(found) > 0 {
		return found, nil
	}
	facts, err := reconcile.ReadStacks(ctx, m)
	if err == nil && !slices.ContainsFunc(facts, func(f plan.Stack) bool { return !other(f.Name) }) {
		err = fault.Failedf("%q is neither a branch with an environment nor a stack", word).WithHint("%s", fault.Command{"list"})
	}
	return found, err
}

func (s *session) printAilments(found []stacks.Problem) error {
	if s.json {
		return s.out.document(found)
	}
	if len(found) == 0 {
		s.say("all is well")
		return nil
	}
	for _, a := range found {
		mark := " "
		if a.Fixable {
			mark = "*"
		}
		s.out.linef("%s %s: %s: %s", mark, a.Stack, a.Kind, a.What)
		s.out.linef("    %s", s.render(a.Remedy))
	}
	return nil
}

// ailing is a line that points to doctor, or empty: how many stacks need a look beyond what the plan does about them.
func ailing(facts []plan.Stack, plan plan.Plan) fault.Text {
	doing := map[string]bool{}
	for _, step := range plan.Todo() {
		doing[step.Stack] = true
	}
	n := 0
	for _, f := range facts {
		if !doing[f.Name] && !f.Locked && (f.Incomplete || f.Unconfirmed != "" || f.Foreign != "" || f.Unreadable != "" || f.Empty && f.Tag == "") {
			n++
		}
	}
	if n == 0 {
		return fault.Text{}
	}
	return fault.Textf("%s half made or left behind: %s tells more", text.Count(n, "stack"), fault.Command{"doctor"})
}

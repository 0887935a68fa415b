package cli

import (
	"context"
	"errors"
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks"
	"github.com/branchenv/branchenv/stacks/names"
)

func (s *session) doctorCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "doctor",
		Usage:     "find stacks and resources that are left behind, half made or locked, and say what to do",
		ArgsUsage: "[BRANCH]",
		Description: "BRANCH, or the name of a stack, limits it to one.\n" +
			"Looks at every stack, and for AWS resources and source bundles with the project's tags and no stack.\n" +
			"--fix removes abandoned locks, and stacks without resources and tags, after showing them; nothing else.",
		Flags: []urfave.Flag{
			&urfave.BoolFlag{Name: "fix", Usage: "remove what is safe to remove"},
			yesFlag(),
		},
		Action: action(parseDoctor, s.doctor),
	}
}

type doctorOptions struct {
	word string // a branch, or the name of a stack; "" for all
	fix  bool
	yes  bool
}

func parseDoctor(c *urfave.Context) (doctorOptions, error) {
	o := doctorOptions{word: c.Args().First(), fix: c.Bool("fix"), yes: c.Bool("yes")}
	if o.yes && !o.fix {
		return o, fault.Usagef("--yes answers what only --fix asks").WithHint("add --fix, or leave --yes out")
	}
	return o, nil
}

// doctor prints the problems, and with --fix fixes those that it safely can.
func (s *session) doctor(ctx context.Context, o doctorOptions) error {
	if o.fix && !o.yes && !s.canAsk {
		return fault.Usagef("doctor --fix asks before it acts, and nobody can be asked here").WithHint("add --yes")
	}
	file, err := s.settings()
	if err != nil {
		return err
	}
	return s.read(ctx, file, func(m stacks.Manager) error {
		found, err := m.Diagnose(ctx)
		if err != nil {
			return err
		}
		if o.word != "" {
			if found, err = problemsOf(ctx, m, o.word, found); err != nil {
				return err
			}
		}
		if err := s.printProblems(found); err != nil || !o.fix {
			return err
		}
		return s.fix(ctx, m, found, o.yes)
	})
}

// fix fixes the problems that it safely can, after asking unless yes is set.
func (s *session) fix(ctx context.Context, m stacks.Manager, found []stacks.Problem, yes bool) error {
	found = slices.DeleteFunc(found, func(p stacks.Problem) bool { return !p.Fixable })
	if len(found) == 0 {
		s.say("there is nothing that --fix may remove")
		return nil
	}
	if !yes {
		s.warn("about to remove %s: those marked *", text.Count(len(found), "thing"))
		if err := s.confirm(ctx); err != nil {
			return err
		}
	}
	var all error
	for _, p := range found {
		err := m.Fix(ctx, p)
		if err == nil {
			s.say("fixed: %s of stack %s", p.Kind, p.Stack)
		}
		all = errors.Join(all, err)
	}
	return all
}

// problemsOf returns the problems of one stack. word is its name, or its branch. If there is no such stack, the error says so: a
// mistyped word must not look healthy.
func problemsOf(ctx context.Context, m stacks.Manager, word string, found []stacks.Problem) ([]stacks.Problem, error) {
	slug, _ := names.Slug(word) // "" if it is no branch's name
	other := func(stack string) bool { return stack != word && stack != slug }
	if found = slices.DeleteFunc(found, func(p stacks.Problem) bool { return other(p.Stack) }); len(found) > 0 {
		return found, nil
	}
	facts, err := m.Facts(ctx)
	if err == nil && !slices.ContainsFunc(facts, func(f backend.Facts) bool { return !other(f.Name) }) {
		err = fault.Failedf("%q is neither a branch with an environment nor a stack", word).WithHint("%s", fault.Command{"list"})
	}
	return found, err
}

func (s *session) printProblems(found []stacks.Problem) error {
	if s.json {
		return s.out.document(found)
	}
	if len(found) == 0 {
		s.say("all is well")
		return nil
	}
	for _, p := range found {
		mark := " "
		if p.Fixable {
			mark = "*"
		}
		s.out.linef("%s %s: %s: %s", mark, p.Stack, p.Kind, p.What)
		s.out.linef("    %s", s.render(p.Remedy))
	}
	return nil
}

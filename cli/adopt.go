package cli

import (
	"context"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks"
)

func (s *session) adoptCommand() *urfave.Command {
	return &urfave.Command{
		Name:  "adopt",
		Usage: "let environments follow the branches of the settings' source from now on",
		Description: "Every stack records the repository of its branch and follows no other, even one of the same name. If the\n" +
			"repository itself has moved, for instance to another server, adopt records the new one. Without --from it\n" +
			"is for stacks that record none, because an older branchenv made them.\n" +
			"Afterwards reconcile destroys those whose branch the source does not have.",
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "from", Usage: "the `ID` of the source that they follow now, as the refusal names it"},
			yesFlag(),
		},
		Action: action(parseAdopt, s.adopt),
	}
}

type adoptOptions struct {
	from string // the source that the stacks follow now; "" for stacks that record none
	yes  bool
}

func parseAdopt(c *urfave.Context) (adoptOptions, error) {
	return adoptOptions{from: c.String("from"), yes: c.Bool("yes")}, nil
}

// adopt shows the stacks, asks, and records the source in them.
func (s *session) adopt(ctx context.Context, o adoptOptions) error {
	if !o.yes && !s.canAsk {
		return fault.Usagef("adopt asks before it acts, and nobody can be asked here").WithHint("add --yes")
	}
	file, err := s.settings()
	if err != nil {
		return err
	}
	return s.read(ctx, file, func(m stacks.Manager) error {
		plan, err := m.PlanAdopt(ctx, o.from)
		if err != nil {
			return err
		}
		if o.from != "" && len(plan.Stacks) == 0 {
			e := fault.Failedf("no stack of project %s follows %s", file.Project, o.from)
			if len(plan.Others) == 0 {
				return e.WithHint("%s lists the stacks that do not follow %s", fault.Command{"doctor"}, plan.Source.Name)
			}
			return e.WithHint("give one of these to --from: %s", strings.Join(plan.Others, ", "))
		}
		for _, other := range plan.Others {
			s.say("further stacks follow %s: to move them as well, %s", other, fault.Command{"adopt", "--from", other})
		}
		if len(plan.Stacks) > 0 && !o.yes {
			for _, stack := range plan.Stacks {
				s.err.linef("  %s", stack)
			}
			s.warn("%s will follow the branches of %s", text.Count(len(plan.Stacks), "stack"), plan.Source.Name)
			if err := s.confirm(ctx); err != nil {
				return err
			}
		}
		if err := m.Adopt(ctx, plan, o.from); err != nil {
			return err
		}
		if s.json {
			return s.out.document(plan)
		}
		s.say("%s of project %s moved to %s", text.Count(len(plan.Stacks), "stack"), file.Project, plan.Source.Name)
		return nil
	})
}

package cli

import (
	"cmp"
	"context"
	"errors"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks"
)

func (s *session) listCommand() *urfave.Command {
	return &urfave.Command{
		Name:   "list",
		Usage:  "list the environments",
		Action: withoutOptions(s.list),
	}
}

func (s *session) list(ctx context.Context) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	return s.read(ctx, file, func(m stacks.Manager) error {
		environments, err := m.List(ctx)
		if environments == nil {
			return err
		}
		if len(environments) == 0 {
			s.say("there are no environments in %s", m.Location().Address())
		}
		return errors.Join(s.printList(environments), err)
	})
}

func (s *session) printList(environments []stacks.Environment) error {
	if s.json {
		if environments == nil {
			environments = []stacks.Environment{}
		}
		return s.out.document(environments)
	}
	if len(environments) == 0 {
		return nil
	}
	s.out.raw(listText(environments, s.now()))
	return nil
}

// listText returns a line for each environment.
func listText(environments []stacks.Environment, now time.Time) string {
	var rows [][]string
	for _, e := range environments {
		rows = append(rows, []string{
			cmp.Or(e.Branch, "(stack "+e.Stack+")"), orDash(e.Kind), string(e.Status), orDash(e.Version), ageText(e.CreatedAt, now), expiryText(e, now), orDash(e.URL),
		})
	}
	return table([]string{"BRANCH", "KIND", "STATUS", "VERSION", "AGE", "EXPIRES", "URL"}, rows)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func ageText(created *time.Time, now time.Time) string {
	if created == nil {
		return "-"
	}
	return text.Age(now.Sub(*created))
}

func expiryText(e stacks.Environment, now time.Time) string {
	switch {
	case e.Protected:
		return "protected"
	case e.ExpiresAt == nil:
		return "never"
	case !e.ExpiresAt.After(now):
		return "due"
	default:
		return "in " + text.Age(e.ExpiresAt.Sub(now))
	}
}

package cli

import (
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks"
	"github.com/branchenv/branchenv/stacks/names"
)

func (s *session) showCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "show",
		Usage:     "show a branch's environment",
		ArgsUsage: "[BRANCH]",
		Action: func(c *urfave.Context) error {
			return s.withEnvironment(c, func(e stacks.Environment) error {
				if s.json {
					return s.out.document(e)
				}
				s.out.raw(showText(e, s.now()))
				return nil
			})
		},
	}
}

// withEnvironment reads the environment that the command is about.
func (s *session) withEnvironment(c *urfave.Context, do func(stacks.Environment) error) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	branch, err := s.branch(c, file)
	if err != nil {
		return err
	}
	if err := names.CheckBranch(branch); err != nil {
		return err
	}
	return s.read(c.Context, file, func(m stacks.Manager) error {
		environment, err := m.Show(c.Context, branch)
		if err != nil {
			return err
		}
		return do(environment)
	})
}

// showText is a line for each thing to tell about an environment.
func showText(e stacks.Environment, now time.Time) string {
	return table(nil, [][]string{
		{"branch", e.Branch},
		{"stack", e.Stack},
		{"kind", e.Kind},
		{"url", orDash(e.URL)},
		{"status", string(e.Status)},
		{"version", orDash(e.Version)},
		{"platform", orDash(e.Platform)},
		{"database", orDash(e.Database)},
		{"bucket", orDash(e.Bucket)},
		{"created", timeText(e.CreatedAt, now)},
		{"updated", timeText(e.UpdatedAt, now)},
		{"expires", expiryText(e, now)},
	})
}

func timeText(t *time.Time, now time.Time) string {
	if t == nil {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC") + " (" + text.Age(now.Sub(*t)) + " ago)"
}

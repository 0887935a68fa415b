package cli

import (
	"context"
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
		Action:    action(parseBranch, s.show),
	}
}

func (s *session) show(ctx context.Context, o branchOptions) error {
	return s.withEnvironment(ctx, o.branch, func(e stacks.Environment) error {
		if s.json {
			return s.out.document(e)
		}
		s.out.raw(showText(e, s.now()))
		return nil
	})
}

// withEnvironment runs do with a branch's environment. given is the branch as typed.
func (s *session) withEnvironment(ctx context.Context, given string, do func(stacks.Environment) error) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	branch, err := s.branch(ctx, file, given)
	if err != nil {
		return err
	}
	if err := names.CheckBranch(branch); err != nil {
		return err
	}
	return s.read(ctx, file, func(m stacks.Manager) error {
		environment, err := m.Show(ctx, branch)
		if err != nil {
			return err
		}
		return do(environment)
	})
}

// showText returns a line for each property of an environment.
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

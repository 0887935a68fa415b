package cli

import (
	"context"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks"
)

func (s *session) keepCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "keep",
		Usage:     "keep a branch's environment for some time, even without activity",
		ArgsUsage: "[BRANCH]",
		Description: "Counts from now and replaces the time of an earlier keep. The environment goes all the same when its branch\n" +
			"is deleted, or when someone destroys it.",
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "for", Usage: "how long: `DURATION`, as in 5d or 12h; at most 365d"}, allowForkFlag(),
		},
		Action: action(parseKeep, s.keep),
	}
}

type keepOptions struct {
	branchOptions
	time time.Duration
}

func parseKeep(c *urfave.Context) (keepOptions, error) {
	if !c.IsSet("for") {
		return keepOptions{}, fault.Usagef("--for is missing").WithHint("add --for 5d")
	}
	given, err := config.ParseDuration(c.String("for"))
	switch d := time.Duration(given); {
	case err != nil:
		return keepOptions{}, fault.Usagef("--for %.80q %w", c.String("for"), err).WithHint("write it as in 5d or 12h")
	case d <= 0 || d > 365*24*time.Hour:
		return keepOptions{}, fault.Usagef("--for %s is out of range", c.String("for")).WithHint("write 1m to 365d")
	}
	branch, err := parseBranch(c)
	return keepOptions{branch, time.Duration(given)}, err
}

func (s *session) keep(ctx context.Context, o keepOptions) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	branch, _, err := s.trustedBranch(ctx, file, o.branchOptions, false)
	if err != nil {
		return err
	}
	return s.read(ctx, file, func(m stacks.Manager) error {
		until := s.now().Add(o.time)
		e, err := m.Keep(ctx, branch, until)
		if err != nil {
			return err
		}
		// The environment goes with the first run of reconcile after it expires.
		if t := e.ExpiresAt; t != nil && t.Add(-time.Duration(file.Reconcile.Interval)).After(until) {
			s.say("no effect: it expires in %s anyway", text.Age(t.Sub(s.now())))
		}
		if s.json {
			return s.out.document(e)
		}
		s.out.raw(showText(e, s.now()))
		return nil
	})
}

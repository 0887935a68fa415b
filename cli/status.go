package cli

import (
	"cmp"
	"context"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/reconcile"
	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks"
)

func (s *session) statusCommand() *urfave.Command {
	return &urfave.Command{
		Name:        "status",
		Usage:       "show when reconcile last ran well; exit code 1 if that is too long ago",
		Description: "A run is too long ago after three of the settings' reconcile intervals, unless --max-age says otherwise.",
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "max-age", Usage: "how long ago a good run may be: `DURATION`, as in 3h or 1d", DefaultText: "three intervals"},
		},
		Action: action(parseStatus, s.status),
	}
}

type statusOptions struct {
	maxAge time.Duration // 0 if it is not given
}

func parseStatus(c *urfave.Context) (statusOptions, error) {
	maxAge, err := durationFlag(c, "max-age")
	if err == nil && c.IsSet("max-age") && maxAge <= 0 {
		err = fault.Usagef("a --max-age of %s is out of range", maxAge).WithHint("give more than 0, as in 3h")
	}
	return statusOptions{maxAge}, err
}

func (s *session) status(ctx context.Context, o statusOptions) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	maxAge := cmp.Or(o.maxAge, 3*time.Duration(file.Reconcile.Interval))
	return s.read(ctx, file, func(m stacks.Manager) error {
		h, err := reconcile.ReadHeartbeat(ctx, m)
		if err != nil {
			return err
		}
		locks, err := m.OldLocks(ctx)
		if err != nil {
			return err
		}
		return s.printStatus(h, maxAge, locks)
	})
}

// status is the JSON document of `status`. A time is null if there was no such run.
type status struct {
	LastRun  *time.Time `json:"lastRun"`
	LastGood *time.Time `json:"lastGood"`
	Problem  string     `json:"problem"` // of the last run
	MaxAge   string     `json:"maxAge"`
	Locks    []string   `json:"locks"` // those older than a day
	OK       bool       `json:"ok"`
}

// printStatus prints the status of reconcile. The error says that its last good run is too long ago, or that a stack has been locked
// for too long: reconcile cannot work on that stack.
func (s *session) printStatus(h reconcile.Heartbeat, maxAge time.Duration, locks []string) error {
	now := s.now()
	current := !h.Good.IsZero() && now.Sub(h.Good) <= maxAge
	ok := current && len(locks) == 0
	document := status{LastRun: orNil(h.Run), LastGood: orNil(h.Good), Problem: h.Problem, MaxAge: config.Duration(maxAge).String(), OK: ok, Locks: append([]string{}, locks...)}
	if s.json {
		if err := s.out.document(document); err != nil {
			return err
		}
	} else {
		s.out.raw(table(nil, [][]string{
			{"last run", timeText(document.LastRun, now)},
			{"last good run", timeText(document.LastGood, now)},
			{"problem", orDash(h.Problem)},
		}))
	}
	switch {
	case ok:
		return nil
	case current:
		return fault.Failedf("%s", strings.Join(locks, "; ")).WithHint("%s says what to do about a lock whose holder is gone", fault.Command{"doctor"})
	case h.Good.IsZero():
		return fault.Failedf("reconcile has never completed successfully").WithHint("%s; docs/operations.md says how to run it every hour", fault.Command{"reconcile", "--yes"})
	}
	return fault.Failedf("the last good run of reconcile is %s ago, more than %s", text.Age(now.Sub(h.Good)), config.Duration(maxAge)).
		WithHint("look at the jobs that run it, or run %s by hand", fault.Command{"reconcile", "--yes"})
}

// orNil returns nil for the zero time.
func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

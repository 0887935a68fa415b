package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/files"
	"github.com/branchenv/branchenv/internal/reconcile"
	"github.com/branchenv/branchenv/internal/reconcile/plan"
	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks"
)

// pingTimeout bounds the request to the settings' pingUrl.
const pingTimeout = 20 * time.Second

// watch tells those who watch reconcile that a run has ended, problem being why it was not good: the heartbeat, GitHub
// Actions' summary of the job, and the settings' pingUrl, which hears of good runs only. The error is the heartbeat's:
// without it `status` would call a healthy reconcile dead.
func (s *session) watch(ctx context.Context, m stacks.Manager, file *config.File, document reconciled, problem error) error {
	err := reconcile.Beat(ctx, m, problem)
	if path := s.env("GITHUB_STEP_SUMMARY"); path != "" {
		if err := files.Append(path, summary(document, problem)); err != nil {
			s.warn("the summary was not written: %v", err)
		}
	}
	if problem == nil && file.Reconcile.PingURL != "" {
		if err := ping(ctx, file.Reconcile.PingURL); err != nil {
			s.warn("pingUrl was not reached: %v", err)
		}
	}
	return err
}

// ping requests an address, whose path is often a secret and so never shown.
func ping(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return errors.New("it is not a URL")
	}
	resp, err := http.DefaultClient.Do(req)
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return fmt.Errorf("%s: %w", req.URL.Host, wrapped.Err)
	}
	if err != nil {
		return fmt.Errorf("%s: no answer", req.URL.Host)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s answers HTTP %d", req.URL.Host, resp.StatusCode)
	}
	return nil
}

// summary is a run in Markdown: what was to change, and what became of it.
func summary(document reconciled, problem error) string {
	var b strings.Builder
	b.WriteString("### branchenv reconcile\n\n")
	switch {
	case problem != nil:
		fmt.Fprintf(&b, "**Not good:** %s\n\n", markdown(problem.Error()))
	case document.Outcome == nil || len(document.Todo()) == 0:
		b.WriteString("Nothing to do.\n\n")
	}
	if document.Outcome == nil || len(document.Todo()) == 0 {
		return b.String()
	}
	b.WriteString("| result | action | branch | detail |\n|---|---|---|---|\n")
	row := func(result string, step plan.Step, detail string) {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", result, step.Action, markdown(step.Branch), markdown(detail))
	}
	for _, step := range document.Outcome.Done {
		row("done", step, step.Reason.String())
	}
	for _, step := range document.Outcome.Kept {
		row("left alone", step, step.Reason.String())
	}
	for _, step := range document.Outcome.Left {
		row("not begun", step, "")
	}
	for _, f := range document.Outcome.Failed {
		row("**failed**", f.Step, f.Error)
	}
	return b.String() + "\n"
}

// markdown escapes s, a text from outside, for a cell of a table.
func markdown(s string) string {
	return strings.NewReplacer("\\", `\\`, "|", `\|`, "<", "&lt;", "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "&", "&amp;").Replace(text.Escape(s))
}

func (s *session) statusCommand() *urfave.Command {
	return &urfave.Command{
		Name:        "status",
		Usage:       "tell when reconcile last ran well; exit code 1 if that is too long ago",
		Description: "A run is too long ago after three of the settings' reconcile intervals, unless --max-age says otherwise.",
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "max-age", Usage: "how long ago a good run may be: `DURATION`, as in 3h or 1d", DefaultText: "three intervals"},
		},
		Action: func(c *urfave.Context) error {
			file, err := s.settings()
			if err != nil {
				return err
			}
			maxAge := 3 * time.Duration(file.Reconcile.Interval)
			if c.IsSet("max-age") {
				if maxAge, err = durationFlag(c, "max-age"); err != nil {
					return err
				}
			}
			if maxAge <= 0 {
				return fault.Usagef("a --max-age of %s is out of range", maxAge).WithHint("give more than 0, as in 3h")
			}
			return s.read(c.Context, file, func(m stacks.Manager) error {
				h, err := reconcile.ReadHeartbeat(c.Context, m)
				if err != nil {
					return err
				}
				locks, err := m.OldLocks(c.Context)
				if err != nil {
					return err
				}
				return s.printStatus(h, maxAge, locks)
			})
		},
	}
}

// durationFlag reads a flag as the settings' durations are read; 0 if it is not given.
func durationFlag(c *urfave.Context, name string) (time.Duration, error) {
	if !c.IsSet(name) {
		return 0, nil
	}
	d, err := config.ParseDuration(c.String(name))
	if err != nil {
		return 0, fault.Usagef("--%s %.80q %w", name, c.String(name), err).WithHint("write it as in 90m, 12h or 3d")
	}
	return time.Duration(d), nil
}

// status is status's JSON document; a time is null if there was no such run.
type status struct {
	LastRun  *time.Time `json:"lastRun"`
	LastGood *time.Time `json:"lastGood"`
	Problem  string     `json:"problem"` // of the last run
	MaxAge   string     `json:"maxAge"`
	Locks    []string   `json:"locks"` // those older than a day
	OK       bool       `json:"ok"`
}

// printStatus prints reconcile's status. It is an error if its last good run is too long ago, or a stack is locked for too long: whoever
// left the lock keeps reconcile from that stack.
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

func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (s *session) keepCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "keep",
		Usage:     "keep a branch's environment for some time, though nothing happens to it",
		ArgsUsage: "[BRANCH]",
		Description: "Counts from now and replaces what an earlier keep said. It goes all the same when its branch is\n" +
			"deleted, or when someone destroys it.",
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "for", Usage: "how long: `DURATION`, as in 5d or 12h; at most 365d"}, allowForkFlag(),
		},
		Action: func(c *urfave.Context) error {
			if !c.IsSet("for") {
				return fault.Usagef("--for is missing").WithHint("add --for 5d")
			}
			given, err := config.ParseDuration(c.String("for"))
			switch d := time.Duration(given); {
			case err != nil:
				return fault.Usagef("--for %.80q %w", c.String("for"), err).WithHint("write it as in 5d or 12h")
			case d <= 0 || d > 365*24*time.Hour:
				return fault.Usagef("--for %s is out of range", c.String("for")).WithHint("write 1m to 365d")
			}
			file, err := s.settings()
			if err != nil {
				return err
			}
			branch, _, err := s.ownBranch(c, file, false)
			if err != nil {
				return err
			}
			return s.read(c.Context, file, func(m stacks.Manager) error {
				until := s.now().Add(time.Duration(given))
				e, err := m.Keep(c.Context, branch, until)
				if err != nil {
					return err
				}
				// The environment goes with the first run of reconcile after that.
				if t := e.ExpiresAt; t != nil && t.Add(-time.Duration(file.Reconcile.Interval)).After(until) {
					s.say("no effect: it expires in %s anyway", text.Age(t.Sub(s.now())))
				}
				if s.json {
					return s.out.document(e)
				}
				s.out.raw(showText(e, s.now()))
				return nil
			})
		},
	}
}

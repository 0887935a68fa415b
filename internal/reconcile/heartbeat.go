package reconcile

import (
	"context"
	"encoding/json"
	"time"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks"
)

// Heartbeat tells when reconcile last ran and how it went. It lies in the backend, because a run's machine rarely
// outlives it: as .branchenv/heartbeat-PROJECT.json in a bucket or folder; in Pulumi Cloud as the tag
// branchenv:heartbeat of the application stack.
type Heartbeat struct {
	Run     time.Time `json:"run"`               // end of the last run
	Good    time.Time `json:"good"`              // end of the last run that was good; zero: none was
	Problem string    `json:"problem,omitempty"` // why the last run was not; at most 100 bytes
}

// ReadHeartbeat reads the project's heartbeat; the zero Heartbeat where reconcile never ran.
func ReadHeartbeat(ctx context.Context, m stacks.Manager) (Heartbeat, error) {
	var h Heartbeat
	text, err := m.State().Heartbeat(ctx)
	if err != nil || len(text) == 0 {
		return h, err
	}
	if err := json.Unmarshal(text, &h); err != nil {
		return h, fault.Failedf("read reconcile's heartbeat: %w", err).WithHint("the next run of %s writes it anew", fault.Command{"reconcile", "--yes"})
	}
	return h, nil
}

// Beat notes that a run has just ended: well, or with problem.
func Beat(ctx context.Context, m stacks.Manager, problem error) error {
	h := Heartbeat{Run: m.Now().UTC().Truncate(time.Second)}
	if problem == nil {
		h.Good = h.Run
	} else {
		before, err := ReadHeartbeat(ctx, m)
		if err == nil { // a damaged one is replaced: the last good run is not known then
			h.Good = before.Good
		}
		h.Problem = fault.Line(problem.Error())
	}
	text, err := h.text()
	if err != nil {
		return err
	}
	return m.State().SetHeartbeat(ctx, text)
}

// text is h in so few bytes that a tag of Pulumi Cloud holds it: 256 (pkg/util/validation/stack.go).
func (h Heartbeat) text() ([]byte, error) {
	problem := h.Problem
	for limit := 100; ; limit -= 10 {
		h.Problem = text.Cut(problem, limit+len("…"))
		text, err := json.Marshal(h)
		if err != nil || len(text) <= 256 || limit == 0 {
			return text, err
		}
	}
}

package reconcile

import (
	"context"
	"encoding/json"
	"time"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks"
)

// Heartbeat records when reconcile last ran and how it went. It is stored in the backend, because the machine of a run is often gone
// afterwards: in a bucket or folder as .branchenv/heartbeat-PROJECT.json, in Pulumi Cloud as the tag branchenv:heartbeat of the
// application stack.
type Heartbeat struct {
	Run     time.Time `json:"run"`               // end of the last run
	Good    time.Time `json:"good"`              // end of the last good run; zero if there was none
	Problem string    `json:"problem,omitempty"` // why the last run was not good; at most 100 bytes
}

// ReadHeartbeat returns the project's heartbeat; the zero Heartbeat if reconcile never ran.
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

// Beat records that a run has just ended. problem is nil if it was good. Without this record `status` would report that reconcile
// does not run.
func Beat(ctx context.Context, m stacks.Manager, problem error) error {
	h := Heartbeat{Run: m.Now().UTC().Truncate(time.Second)}
	if problem == nil {
		h.Good = h.Run
	} else {
		before, err := ReadHeartbeat(ctx, m)
		if err == nil { // a damaged heartbeat is replaced; the last good run is unknown then
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

// text returns h as JSON of at most 256 bytes: a tag of Pulumi Cloud takes no more (pkg/util/validation/stack.go).
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

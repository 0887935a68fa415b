package stacks

import (
	"context"
	"encoding/json"
	"maps"
	"time"

	"gocloud.dev/gcerrors"

	"github.com/branchenv/branchenv/internal/fault"
)

// Heartbeat tells when reconcile last ran and how it went. It lies in the backend, because a run's machine rarely
// outlives it: as .branchenv/heartbeat-PROJECT.json in a bucket or folder; in Pulumi Cloud as the tag
// branchenv:heartbeat of the application stack.
type Heartbeat struct {
	Run     time.Time `json:"run"`               // end of the last run
	Good    time.Time `json:"good"`              // end of the last run that was good; zero: none was
	Problem string    `json:"problem,omitempty"` // why the last run was not; at most 100 bytes
}

// Heartbeat reads the project's heartbeat; the zero Heartbeat where reconcile never ran.
func (m *Manager) Heartbeat(ctx context.Context) (Heartbeat, error) {
	var h Heartbeat
	text, err := m.backend.heartbeat(ctx)
	if err != nil || len(text) == 0 {
		return h, err
	}
	if err := json.Unmarshal(text, &h); err != nil {
		return h, fault.Failedf("read reconcile's heartbeat: %w", err).WithHint("the next run of branchenv reconcile --yes writes it anew")
	}
	return h, nil
}

// Beat notes that a run has just ended: well, or with problem.
func (m *Manager) Beat(ctx context.Context, problem error) error {
	h := Heartbeat{Run: m.now().UTC().Truncate(time.Second)}
	if problem == nil {
		h.Good = h.Run
	} else {
		before, err := m.Heartbeat(ctx)
		if err == nil { // a damaged one is replaced: the last good run is not known then
			h.Good = before.Good
		}
		h.Problem = fault.Line(problem.Error())
	}
	text, err := h.text()
	if err != nil {
		return err
	}
	return m.backend.beat(ctx, text)
}

// text is h in so few bytes that a tag of Pulumi Cloud holds it: 256 (pkg/util/validation/stack.go).
func (h Heartbeat) text() ([]byte, error) {
	problem := h.Problem
	for limit := 100; ; limit -= 10 {
		h.Problem = cut(problem, limit)
		text, err := json.Marshal(h)
		if err != nil || len(text) <= 256 || limit == 0 {
			return text, err
		}
	}
}

func (b *diyBackend) heartbeatKey() string { return ".branchenv/heartbeat-" + b.project + ".json" }

func (b *diyBackend) heartbeat(ctx context.Context) ([]byte, error) {
	text, err := b.bucket.ReadAll(ctx, b.heartbeatKey())
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fault.Failedf("read reconcile's heartbeat: %w", err)
	}
	return text, nil
}

func (b *diyBackend) beat(ctx context.Context, text []byte) error {
	if err := b.bucket.WriteAll(ctx, b.heartbeatKey(), text, nil); err != nil {
		return fault.Failedf("write reconcile's heartbeat: %w", err)
	}
	return nil
}

func (b *cloudBackend) heartbeat(ctx context.Context) ([]byte, error) {
	f, err := b.read(ctx, ApplicationStack)
	if err != nil || f == nil {
		return nil, err
	}
	return []byte(f.tags[tagHeartbeat]), nil
}

func (b *cloudBackend) beat(ctx context.Context, text []byte) error {
	f, err := b.read(ctx, ApplicationStack)
	if err != nil {
		return err
	}
	if f == nil {
		return applicationReady(nil, "")
	}
	tags := maps.Clone(f.tags)
	tags[tagHeartbeat] = string(text)
	return b.setTags(ctx, ApplicationStack, tags)
}

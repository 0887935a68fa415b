package stacks

import (
	"context"
	"time"

	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/engine"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
)

// Beanstalk is asked for news soon after it has begun, and then less and less often: it takes minutes.
const (
	pollFirst = 500 * time.Millisecond
	pollLast  = 5 * time.Second
)

// follower reads the events of a Beanstalk environment while the engine waits for it, for whoever looks on, and keeps
// the errors among them: Beanstalk tells in its events what the engine's "unexpected state" only hints at.
type follower struct {
	m      *Manager
	stack  string
	ctx    context.Context // of the update being followed; the follower ends with it
	cancel context.CancelFunc
	done   chan struct{}
	since  time.Time
	name   string
	errors []string
}

// follow begins to look out for a Beanstalk environment. end must be called.
func (m *Manager) follow(ctx context.Context, stack string) *follower {
	ctx, cancel := context.WithCancel(ctx)
	return &follower{m: m, stack: stack, ctx: ctx, cancel: cancel, since: m.Now().Add(-time.Second)}
}

// event sees the engine's events; the first that begins work on an environment starts the polling.
func (f *follower) event(e engine.Event) {
	if e.ResourcePreEvent == nil || f.done != nil {
		return
	}
	m := e.ResourcePreEvent.Metadata
	if m.Type != aws.TypeEnvironment || m.Op == "same" {
		return
	}
	states := m.New
	if states == nil {
		states = m.Old
	}
	if states == nil {
		return
	}
	if f.name, _ = states.Inputs["name"].(string); f.name == "" {
		return
	}
	f.done = make(chan struct{})
	go f.poll()
}

func (f *follower) poll() {
	defer close(f.done)
	for pause := pollFirst; ; pause = min(2*pause, pollLast) {
		select {
		case <-f.ctx.Done():
			return
		case <-time.After(pause):
			f.Read(f.ctx)
		}
	}
}

// Read tells the events since the last one. A failed call is left for the next: this is for information only.
func (f *follower) Read(ctx context.Context) {
	events, err := f.m.aws.EnvironmentEvents(ctx, f.name, f.since)
	if err != nil {
		return
	}
	for _, e := range events { // those after f.since, the oldest first; several may have happened at once
		f.since = e.Time
		f.m.tell(f.stack, operation.Event{Kind: operation.AWS, Type: aws.TypeEnvironment, Name: f.name, Op: e.Severity, Message: e.Message})
		if e.Severity == "ERROR" || e.Severity == "FATAL" {
			f.errors = append(f.errors, fault.Line(e.Message))
		}
	}
}

// end stops looking and returns err with what Beanstalk said about it.
func (f *follower) end(err error) error {
	f.cancel()
	if f.done == nil {
		return err
	}
	<-f.done
	ctx, cancel := context.WithTimeout(context.WithoutCancel(f.ctx), 10*time.Second)
	defer cancel()
	f.Read(ctx)
	if err == nil || len(f.errors) == 0 {
		return err
	}
	return fault.Failedf("%w: Beanstalk says: %s", err, f.errors[len(f.errors)-1]).WithHint("%s", fault.Hint(err))
}

// healthy refuses to call an update done whose environment came up red: Beanstalk's "Ready" says only that it has
// stopped working on it. known is false if AWS could not be asked, which says nothing about the app: that is a warning.
// Throttled and broken calls have been tried again by then (package aws).
func (m *Manager) healthy(ctx context.Context, stack, environment string) (sick error, known bool) {
	h, err := m.aws.EnvironmentHealth(ctx, environment)
	if err != nil {
		m.tell(stack, operation.Event{Kind: operation.Warning, Message: "the update is done, but the health of environment " + environment + " is not known: " + err.Error()})
		return nil, false
	}
	if h.Colour != "Red" {
		return nil, true
	}
	why := "no cause given"
	if len(h.Causes) > 0 {
		why = h.Causes[0]
	}
	return fault.Failedf("environment %s is up but its health is red: %s", environment, why).
		WithHint("look at the app's logs; then branchenv up again with a version that works"), true
}

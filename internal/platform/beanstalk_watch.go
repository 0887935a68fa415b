package platform

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/engine"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/internal/text"
)

// The pauses between two reads of Beanstalk's events: short at first, then longer, because an update takes minutes.
const (
	firstPause = 500 * time.Millisecond
	lastPause  = 5 * time.Second
)

// watch reads the events of a Beanstalk environment while the engine waits for it. It keeps the errors among them: the
// engine's own error is only that the environment is in an unexpected state.
type watch struct {
	read   func(since time.Time) ([]aws.EnvEvent, error)
	last   func(since time.Time) ([]aws.EnvEvent, error) // read, after the update has ended
	tell   func(operation.Event)
	stop   context.CancelFunc
	ended  <-chan struct{} // closed by stop
	done   chan struct{}   // closed when polling has ended; nil before it begins
	since  time.Time
	name   string
	errors []string
}

// lastRead bounds the read of events after the update.
const lastRead = 10 * time.Second

// Watch follows an update. Polling begins with the first event of the engine that changes a Beanstalk environment.
func (b Beanstalk) Watch(ctx context.Context, tell func(operation.Event)) Watch {
	polling, stop := context.WithCancel(ctx)
	w := &watch{tell: tell, stop: stop, ended: polling.Done(), since: time.Now().Add(-time.Second)}
	w.read = func(since time.Time) ([]aws.EnvEvent, error) { return b.AWS.EnvironmentEvents(polling, w.name, since) }
	w.last = func(since time.Time) ([]aws.EnvEvent, error) {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastRead)
		defer cancel()
		return b.AWS.EnvironmentEvents(bounded, w.name, since)
	}
	return w
}

// Event begins the polling with the first event that changes an environment.
func (w *watch) Event(e engine.Event) {
	if e.ResourcePreEvent == nil || w.done != nil {
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
	if w.name, _ = states.Inputs["name"].(string); w.name == "" {
		return
	}
	w.done = make(chan struct{})
	go w.poll()
}

func (w *watch) poll() {
	defer close(w.done)
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.Multiplier, pauses.MaxInterval, pauses.RandomizationFactor = firstPause, 2, lastPause, 0
	for {
		select {
		case <-w.ended:
			return
		case <-time.After(pauses.NextBackOff()):
			w.report(w.read)
		}
	}
}

// report tells the events since the last one. A failed call is left to the next one: events are for information only.
func (w *watch) report(read func(time.Time) ([]aws.EnvEvent, error)) {
	events, err := read(w.since)
	if err != nil {
		return
	}
	for _, e := range events { // those after since, the oldest first; several may have happened at once
		w.since = e.Time
		w.tell(operation.Event{Kind: operation.AWS, Type: aws.TypeEnvironment, Name: w.name, Op: e.Severity, Message: fault.Textf("%s", e.Message)})
		if e.Severity == "ERROR" || e.Severity == "FATAL" {
			w.errors = append(w.errors, text.Line(e.Message))
		}
	}
}

// Changed returns the name of the environment, or "".
func (w *watch) Changed() string { return w.name }

// End stops the polling, and returns err with the last error that Beanstalk reported.
func (w *watch) End(err error) error {
	w.stop()
	if w.done == nil {
		return err
	}
	<-w.done
	w.report(w.last)
	if err == nil || len(w.errors) == 0 {
		return err
	}
	return fault.Failedf("%w: Beanstalk says: %s", err, w.errors[len(w.errors)-1]).WithHint("%s", fault.Hint(err))
}

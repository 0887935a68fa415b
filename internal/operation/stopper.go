package operation

import (
	"context"
	"errors"
	"sync"
)

// Stopper carries a person's request to stop into a running command. The zero value is not usable; see NewStopper.
//
// A cancelled context is not used for this: the Automation API answers it by killing pulumi after 10 seconds, which
// leaves a lock and half-made resources behind (auto/cmd.go).
type Stopper struct {
	once      [2]sync.Once
	stop      chan struct{}
	interrupt chan struct{}
}

// NewStopper returns a Stopper that nobody has used yet.
func NewStopper() *Stopper {
	return &Stopper{stop: make(chan struct{}), interrupt: make(chan struct{})}
}

// Stop asks the command to end after its current step.
func (s *Stopper) Stop() { s.once[0].Do(func() { close(s.stop) }) }

// Interrupt asks the running step to end as well: pulumi gets one interrupt, waits for the operations under
// way and saves its state. It implies Stop.
func (s *Stopper) Interrupt() {
	s.Stop()
	s.once[1].Do(func() { close(s.interrupt) })
}

// Stopped reports whether Stop or Interrupt was called. A nil Stopper is never stopped.
func (s *Stopper) Stopped() bool {
	if s == nil {
		return false
	}
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}

// Interrupted returns a channel that Interrupt closes. It is nil, which blocks for ever, for a nil Stopper.
func (s *Stopper) Interrupted() <-chan struct{} {
	if s == nil {
		return nil
	}
	return s.interrupt
}

// Interruptible returns a context that Interrupt cancels with ErrStopped as the cause, for direct calls of AWS. release must
// be called.
func (s *Stopper) Interruptible(ctx context.Context) (_ context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		select {
		case <-s.Interrupted():
			cancel(ErrStopped)
		case <-done:
		}
	}()
	return ctx, func() {
		close(done)
		cancel(nil)
	}
}

// ErrStopped is the cause of a command that ended early on request.
var ErrStopped = errors.New("stopped on request")

// Control is how a caller follows a running operation and stops it. The zero value follows nothing and never stops.
type Control struct {
	Observe Observer // receives the events; may be nil
	Stop    *Stopper // may be nil
}

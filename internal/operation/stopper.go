package operation

import (
	"context"
	"errors"
	"sync"
)

// Stopper carries a person's wish to stop into a running command. The zero value is not usable; see NewStopper.
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

// Stop asks the command to end after the step that it is in.
func (s *Stopper) Stop() { s.once[0].Do(func() { close(s.stop) }) }

// Interrupt asks the running step to end as well: pulumi gets one interrupt, lets what is under way come to an end
// and saves its state. It implies Stop.
func (s *Stopper) Interrupt() {
	s.Stop()
	s.once[1].Do(func() { close(s.interrupt) })
}

// Stopped tells whether Stop or Interrupt was called. A nil Stopper is never stopped.
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

// Interrupted is closed by Interrupt; nil, which blocks for ever, for a nil Stopper.
func (s *Stopper) Interrupted() <-chan struct{} {
	if s == nil {
		return nil
	}
	return s.interrupt
}

// Interruptible is ctx, cancelled by Interrupt with errStopped as the cause, for calls that AWS is given directly.
// release must be called.
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

// ErrStopped is why a command ended early: someone asked for it.
var ErrStopped = errors.New("stopped on request")

// Control is how a caller follows a running operation and stops it. The zero value follows nothing and never stops.
type Control struct {
	Observe Observer // told what happens; may be nil
	Stop    *Stopper // may be nil
}

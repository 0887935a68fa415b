package cli

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/branchenv/branchenv/internal/operation"
)

// signals handles SIGINT, from a person's Ctrl-C, and SIGTERM, from a CI system. The first one cancels a command that changes nothing.
// For a command that changes something, see changing.
type signals struct {
	received chan os.Signal
	done     chan struct{}
	cancel   context.CancelFunc

	mu    sync.Mutex
	count int
	stop  *operation.Stopper
	say   func(format string, args ...any)
}

// newSignals begins to listen. cancel cancels the command.
func newSignals(cancel context.CancelFunc) *signals {
	s := &signals{
		received: make(chan os.Signal, 4), done: make(chan struct{}), cancel: cancel,
	}
	signal.Notify(s.received, os.Interrupt, syscall.SIGTERM)
	go func() {
		for {
			select {
			case <-s.received:
				s.signal()
			case <-s.done:
				return
			}
		}
	}()
	return s
}

// close ends the listening.
func (s *signals) close() {
	signal.Stop(s.received)
	close(s.done)
}

// changing is called when a command begins to change something. From then on the first signal stops it between two steps, the second
// interrupts its step, and the third cancels it. say tells the person which it is.
func (s *signals) changing(stop *operation.Stopper, say func(format string, args ...any)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop, s.say = stop, say
	if s.count > 0 {
		stop.Stop()
	}
}

// signal handles one signal.
func (s *signals) signal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	switch {
	case s.stop == nil || s.count > 2:
		s.cancel()
	case s.count == 1:
		s.say("finishing the current step; press Ctrl-C again to interrupt it")
		s.stop.Stop()
	default:
		s.say("interrupting pulumi and waiting for it; Ctrl-C again kills it")
		s.stop.Interrupt()
	}
}

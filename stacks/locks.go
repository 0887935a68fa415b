package stacks

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/internal/text"
)

// lockPatience is how long a lock of a living holder is waited for: enough for two commands that started together and
// both backed off, and for a pulumi that is ending because its branchenv was killed.
const lockPatience = 10 * time.Second

// Abandoned reports that whoever took the lock is gone.
func (m *Manager) Abandoned(l backend.Lock) bool { return l.Abandoned() }

// longLock is how long a lock may be held before it is told of: no operation takes so long.
const longLock = 24 * time.Hour

// OldLocks says of each lock that is older than a day on which stack it is, who holds it and for how long.
func (m *Manager) OldLocks(ctx context.Context) ([]string, error) {
	old, err := m.backend.LocksBefore(ctx, m.Now().Add(-longLock))
	var lines []string
	for _, l := range old {
		lines = append(lines, "stack "+l.Stack+" is locked by "+l.Describe(m.Now()))
	}
	return lines, err
}

// unlocked checks that nobody works on a stack. An abandoned lock is removed. Any other is waited for a little while,
// and then reported with its holder and age. After a wait f is read anew: its state has changed.
func (m *Manager) unlocked(ctx context.Context, f *backend.Facts) error {
	for begun, told := m.Now(), false; ; told = true {
		held, err := m.held(ctx, f)
		if err != nil {
			return err
		}
		if len(held) == 0 {
			return m.complete(ctx, f)
		}
		if m.Now().Sub(begun) > lockPatience || m.Stop.Stopped() {
			return m.Where().Locked(f.Name, held[0].Describe(m.Now()))
		}
		if !told {
			m.tell(f.Name, operation.Event{Kind: operation.Note, Message: fmt.Sprintf("waiting for the lock of stack %s, held by %s", f.Name, held[0].Describe(m.Now()))})
		}
		if err := lockPause(ctx); err != nil {
			return err
		}
		if err := m.reread(ctx, f); err != nil {
			return err
		}
	}
}

// reread reads f anew; an error if the stack was removed meanwhile.
func (m *Manager) reread(ctx context.Context, f *backend.Facts) error {
	now, err := m.backend.Read(ctx, f.Name)
	if err != nil {
		return err
	}
	if now == nil {
		return backend.JustChanged(f.Name, "removed")
	}
	*f = *now
	return nil
}

// complete gives a stack its first checkpoint whose making, or whose removal, was interrupted, so that everything else may go on from an
// empty stack. That it is empty AWS has to confirm: what is lost would be lost for good.
func (m *Manager) complete(ctx context.Context, f *backend.Facts) error {
	if !f.Half {
		return nil
	}
	left, err := m.stillInAWS(ctx, f.Name, nil)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return fault.Refusedf("stack %s has no state, and AWS has %s with its tags: %s", f.Name, text.Count(len(left), "resource"), strings.Join(namesOf(left), ", ")).
			WithHint("if they are being deleted, wait until they are gone; else restore the stack's state, or delete them by hand, then run the same command again")
	}
	switch err := m.backend.Create(ctx, f.Name, f.Tags, m.Abandoned); {
	case errors.Is(err, backend.ErrExists), errors.Is(err, backend.ErrLocked):
		return backend.JustChanged(f.Name, "made or removed")
	case err != nil:
		return err
	}
	return m.reread(ctx, f)
}

// lockPause is the time until a lock is looked at again, different each time: two starters may both have backed off.
func lockPause(ctx context.Context) error {
	select {
	case <-time.After(time.Second/2 + rand.N(time.Second)): // #nosec G404 -- jitter
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// held are f's locks without the abandoned ones, which it removes.
func (m *Manager) held(ctx context.Context, f *backend.Facts) ([]backend.Lock, error) {
	var held []backend.Lock
	for _, l := range f.Locks {
		if !m.Abandoned(l) {
			held = append(held, l)
			continue
		}
		if err := m.backend.BreakLock(ctx, l); err != nil {
			return nil, err
		}
		m.tell(f.Name, operation.Event{Kind: operation.Warning, Message: "removed a lock left behind by a process that is gone: " + l.Describe(m.Now())})
	}
	f.Locks = held
	return held, nil
}

func (m *Manager) Where() backend.Location { return m.backend.Where() }

// BackendAddress is where the stacks are kept, for people: its URL without a password.
func (m *Manager) BackendAddress() string { return m.Where().Address() }

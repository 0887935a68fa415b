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
	"github.com/branchenv/branchenv/internal/text"
)

// lockPatience is how long a lock of a living holder is waited for: enough for two commands that started together and
// both backed off, and for a pulumi that is ending because its branchenv was killed.
const lockPatience = 10 * time.Second

// longLock is how long a lock may be held before it is told of: no operation takes so long.
const longLock = 24 * time.Hour

// OldLocks says of each lock that is older than a day on which stack it is, who holds it and for how long.
func (m Manager) OldLocks(ctx context.Context) ([]string, error) {
	old, err := m.backend.LocksBefore(ctx, m.now().Add(-longLock))
	var lines []string
	for _, l := range old {
		lines = append(lines, "stack "+l.Stack+" is locked by "+l.Describe(m.now()))
	}
	return lines, err
}

// waitForLock waits until nobody works on a stack. An abandoned lock is removed. Any other is waited for a little while, and
// then reported with its holder and age. After a wait f is read anew: the stack's state has changed.
func (m Manager) waitForLock(ctx context.Context, f *backend.Facts) error {
	told := false
	err := m.retryLocked(ctx, f.Name, func() error {
		if told {
			if err := m.reread(ctx, f); err != nil {
				return err
			}
		}
		held, err := m.breakAbandoned(ctx, f)
		if err != nil || len(held) == 0 {
			return err
		}
		holder := held[0].Describe(m.now())
		if !told {
			m.note(f.Name, fmt.Sprintf("waiting for the lock of stack %s, held by %s", f.Name, holder))
		}
		told = true
		return lockedBy(holder)
	})
	if err != nil {
		return err
	}
	return m.complete(ctx, f)
}

// lockedBy is the error that a stack is locked; its text is the holder's.
type lockedBy string

func (l lockedBy) Error() string { return string(l) }

// retryLocked repeats do while it fails because the stack is locked, for at most lockPatience. Two starters may both have
// backed off, so the pauses differ.
func (m Manager) retryLocked(ctx context.Context, stack string, do func() error) error {
	for begun := m.now(); ; {
		err := do()
		var holder lockedBy
		byHolder := errors.As(err, &holder)
		switch {
		case !byHolder && !errors.Is(err, backend.ErrLocked):
			return err
		case m.now().Sub(begun) <= lockPatience && !m.Stop.Stopped():
		case byHolder:
			return m.Location().LockedError(stack, string(holder))
		default:
			return m.Location().LockedError(stack)
		}
		select {
		case <-time.After(time.Second/2 + rand.N(time.Second)): // #nosec G404 -- jitter
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// reread reads f anew; an error if the stack was removed meanwhile.
func (m Manager) reread(ctx context.Context, f *backend.Facts) error {
	now, err := m.backend.Read(ctx, f.Name)
	if err != nil {
		return err
	}
	if now == nil {
		return backend.ConflictError(f.Name, "removed")
	}
	*f = *now
	return nil
}

// complete gives a stack its first checkpoint whose making, or whose removal, was interrupted, so that everything else may go on from an
// empty stack. That it is empty AWS has to confirm: what is lost would be lost for good.
func (m Manager) complete(ctx context.Context, f *backend.Facts) error {
	if !f.Unfinished {
		return nil
	}
	left, err := m.verifier(f.Name).stillTagged(ctx, nil)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return fault.Refusedf("stack %s has no state, and AWS has %s with its tags: %s", f.Name, text.Count(len(left), "resource"), strings.Join(resourceNames(left), ", ")).
			WithHint("if they are being deleted, wait until they are gone; else restore the stack's state, or delete them by hand, then run the same command again")
	}
	switch err := m.backend.Create(ctx, f.Name, f.Tags, backend.Lock.Abandoned); {
	case errors.Is(err, backend.ErrExists), errors.Is(err, backend.ErrLocked):
		return backend.ConflictError(f.Name, "made or removed")
	case err != nil:
		return err
	}
	return m.reread(ctx, f)
}

// breakAbandoned removes f's abandoned locks and returns the others.
func (m Manager) breakAbandoned(ctx context.Context, f *backend.Facts) ([]backend.Lock, error) {
	var held []backend.Lock
	for _, l := range f.Locks {
		if !l.Abandoned() {
			held = append(held, l)
			continue
		}
		if err := m.backend.BreakLock(ctx, l); err != nil {
			return nil, err
		}
		m.warn(f.Name, "removed a lock left behind by a process that is gone: "+l.Describe(m.now()))
	}
	f.Locks = held
	return held, nil
}

package stacks

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/branchenv/branchenv/internal/fault"
)

// lockPatience is how long a lock of a living holder is waited for: enough for two commands that started together and
// both backed off, and for a pulumi that is ending because its branchenv was killed.
const lockPatience = 10 * time.Second

// contended is in the errors that say that another process works on a stack, or just made or removed it, and names that
// process. A moment later the same command may do.
type contended string

const byAnother contended = "by another process"

func (c contended) Error() string { return string(c) }

func isContended(err error) bool {
	var c contended
	return errors.As(err, &c)
}

// abandoned tells whether a lock was left behind by a process of this very machine that is gone, in a file backend.
// Anywhere else nobody can know that: the self-managed backend's lock has no expiry and no heartbeat.
func (m *Manager) abandoned(l lock) bool {
	host, err := os.Hostname()
	return err == nil && strings.HasPrefix(m.backendURL, "file://") && l.Hostname == host && !alive(l.Pid)
}

// alive tells whether a process of this machine is still running. A zombie is not: where nobody collects it, in many a
// container, it stays for good.
func alive(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // PID (NAME) STATE …; the name may hold anything
	if err != nil {
		return !errors.Is(err, os.ErrNotExist) || !exists("/proc/self/stat")
	}
	_, state, _ := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')')+1:]), " ")
	return !strings.HasPrefix(state, "Z")
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// unlocked checks that nobody works on a stack. An abandoned lock is removed. Any other is waited for a little while,
// and then reported with its holder and age. After a wait f is read anew: its state has changed.
func (m *Manager) unlocked(ctx context.Context, f *facts) error {
	for begun := m.now(); ; {
		held, err := m.held(ctx, f)
		if err != nil || len(held) == 0 {
			return err
		}
		if m.now().Sub(begun) > lockPatience || m.Stop.Stopped() {
			return m.where().locked(f.name, held[0].describe(m.now()))
		}
		if err := lockPause(ctx); err != nil {
			return err
		}
		again, err := m.backend.read(ctx, f.name)
		if err != nil {
			return err
		}
		if again == nil {
			return fault.Failedf("stack %s was just removed %w", f.name, byAnother).WithHint("run the same command again")
		}
		*f = *again
	}
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
func (m *Manager) held(ctx context.Context, f *facts) ([]lock, error) {
	var held []lock
	for _, l := range f.locks {
		if !m.abandoned(l) {
			held = append(held, l)
			continue
		}
		if err := m.backend.breakLock(ctx, l); err != nil {
			return nil, err
		}
		m.tell(f.name, Event{Kind: Warning, Message: "removed a lock left behind by a process that is gone: " + l.describe(m.now())})
	}
	f.locks = held
	return held, nil
}

// place is where a project's stacks are kept.
type place struct{ project, backend string }

func (m *Manager) where() place { return place{m.File.Project, m.backendURL} }

// locked says that somebody else works on a stack.
func (p place) locked(stack string, holders ...string) error {
	by := byAnother
	if len(holders) > 0 {
		by = contended("by " + strings.Join(holders, ", "))
	}
	return fault.Failedf("stack %s is locked %w", stack, by).
		WithHint("wait until it has ended; if its holder is certainly gone: %s, then the same command again", p.cancel(stack))
}

// address is the backend's URL without a password.
func (p place) address() string {
	if u, err := url.Parse(p.backend); err == nil {
		return u.Redacted()
	}
	return p.backend
}

// BackendAddress is where the stacks are kept, for people: its URL without a password.
func (m *Manager) BackendAddress() string { return m.where().address() }

// cancel is the command that removes every lock of a stack, that of a living holder too. It needs no Pulumi.yaml.
func (p place) cancel(stack string) string {
	name := "organization/" + p.project + "/" + stack // what self-managed backends call every organization
	if strings.HasPrefix(p.backend, "http") {
		name = p.project + "/" + stack
	}
	return fmt.Sprintf("PULUMI_BACKEND_URL=%s pulumi cancel --yes --stack %s", shellWord(p.address()), name)
}

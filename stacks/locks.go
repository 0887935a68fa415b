package stacks

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"strconv"
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

// overtaken is what to say where another process just made or removed a stack, as done says.
func overtaken(stack, done string) error {
	return fault.Failedf("stack %s was just %s %w", stack, done, byAnother).WithHint("run the same command again")
}

func isContended(err error) bool {
	var c contended
	return errors.As(err, &c)
}

// abandoned tells whether a lock was left behind by a process of this very machine that is gone, in a file backend.
// Anywhere else nobody can know that: the self-managed backend's lock has no expiry and no heartbeat.
func (m *Manager) abandoned(l lock) bool {
	host, err := os.Hostname()
	return err == nil && strings.HasPrefix(m.backendURL, "file://") && l.Hostname == host && !alive(l.Pid) && visible(l.Timestamp)
}

// visible tells whether whoever took a lock then, on a host of this name, would be seen among our processes. A container
// may share the host's name and folders and has processes of its own: what was locked before it began is somebody else's.
func visible(taken time.Time) bool {
	space, err := os.Readlink("/proc/self/ns/pid")
	if err != nil || space == "pid:[4026531836]" { // no Linux; or the machine's own (PROC_PID_INIT_INO)
		return true
	}
	process, err := process1()
	return err == nil && taken.After(process)
}

// process1 is when the first process of our namespace began: ticks, of which there are a hundred a second, after the
// machine's start (proc_pid_stat(5), field 22).
func process1() (time.Time, error) {
	stat, err := os.ReadFile("/proc/1/stat")
	if err != nil {
		return time.Time{}, err
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:])) // from field 3
	machine, err := os.ReadFile("/proc/stat")
	if err != nil || len(fields) < 20 {
		return time.Time{}, errors.Join(err, errors.New("/proc/1/stat is too short"))
	}
	ticks, err := strconv.ParseInt(fields[19], 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	for line := range strings.Lines(string(machine)) {
		if text, ok := strings.CutPrefix(line, "btime "); ok {
			seconds, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
			return time.Unix(seconds, 0).Add(time.Duration(ticks) * time.Second / 100), err
		}
	}
	return time.Time{}, errors.New("/proc/stat has no btime")
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
		if err != nil {
			return err
		}
		if len(held) == 0 {
			return m.complete(ctx, f)
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
			return overtaken(f.name, "removed")
		}
		*f = *again
	}
}

// complete gives a stack its first checkpoint whose making, or whose removal, was interrupted, so that everything else may go on from an
// empty stack. That it is empty AWS has to confirm: what is lost would be lost for good.
func (m *Manager) complete(ctx context.Context, f *facts) error {
	if !f.half {
		return nil
	}
	left, err := m.stillInAWS(ctx, f.name, nil)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return fault.Refusedf("stack %s has no state, and AWS has %s with its tags: %s", f.name, count(len(left), "resource"), strings.Join(namesOf(left), ", ")).
			WithHint("if they are being deleted, wait until they are gone; else restore the stack's state, or delete them by hand, then run the same command again")
	}
	switch err := m.backend.create(ctx, f.name, f.tags, m.abandoned); {
	case errors.Is(err, errStackExists), errors.Is(err, errStackLocked):
		return overtaken(f.name, "made or removed")
	case err != nil:
		return err
	}
	again, err := m.backend.read(ctx, f.name)
	if err != nil {
		return err
	}
	if again == nil {
		return overtaken(f.name, "removed")
	}
	*f = *again
	return nil
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
	return fmt.Sprintf("PULUMI_BACKEND_URL=%s pulumi cancel --yes --stack %s", fault.ShellWord(p.address()), p.qualified(stack))
}

// qualified is a stack's full name, which pulumi understands everywhere.
func (p place) qualified(stack string) string {
	if strings.HasPrefix(p.backend, "http") {
		return p.project + "/" + stack
	}
	return "organization/" + p.project + "/" + stack // what self-managed backends call every organization
}

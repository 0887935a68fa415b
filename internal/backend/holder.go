package backend

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gocloud.dev/gcerrors"
)

// holder is a note beside the locks of a file backend. It identifies a process that branchenv started on a stack.
//
// A lock of pulumi has only process id and host. That does not prove that a process is dead: containers may share a host name and
// a folder, while each has its own processes with the same ids. A lock is broken only if a note proves that its process is gone.
type holder struct {
	Pid   int       `json:"pid"`
	Boot  string    `json:"boot"`  // boot id of the kernel; "" if not on Linux
	Space string    `json:"space"` // the PID namespace of Pid; "" if there is none
	Start string    `json:"start"` // start of the process in ticks since boot (proc_pid_stat(5), field 22)
	Began time.Time `json:"began"` // when branchenv started it

	key string
}

// maxLockDelay is the longest time from the start of pulumi to its lock. A later lock may be another process's.
const maxLockDelay = time.Minute

// newHolder describes a process that has just been started.
func newHolder(pid int, now time.Time) holder {
	h := holder{Pid: pid, Began: now}
	h.Boot, h.Space = kernel()
	h.Start, _ = processStat(pid)
	return h
}

// kernel identifies the running kernel and our PID namespace. The number of a namespace is reused only after all its processes are
// gone.
func kernel() (boot, space string) {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", ""
	}
	space, err = os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return "", ""
	}
	return strings.TrimSpace(string(text)), space
}

// processStat returns the start and the state of a process; "" if there is none.
func processStat(pid int) (start, state string) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // PID (NAME) STATE …; the name may hold anything
	if err != nil {
		return "", ""
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:])) // from field 3
	if len(fields) < 20 {
		return "", ""
	}
	return fields[19], fields[0]
}

// mayOwn reports whether l may be h's lock.
func (h holder) mayOwn(l Lock) bool {
	return h.Pid == l.Pid && !l.Timestamp.Before(h.Began.Add(-time.Second)) && l.Timestamp.Before(h.Began.Add(maxLockDelay))
}

// gone reports whether h's process has certainly ended: it would be visible from here, and is not there. A zombie has ended, too;
// in many containers nobody collects it.
func (h holder) gone() bool {
	boot, space := kernel()
	if h.Boot != boot || h.Space != space {
		return false
	}
	if errors.Is(syscall.Kill(h.Pid, 0), syscall.ESRCH) {
		return true
	}
	start, state := processStat(h.Pid) // "" for a process of another user, if those are hidden (proc(5), hidepid)
	return h.Start != "" && start != "" && (start != h.Start || state == "Z")
}

// Abandoned reports whether the holder of the lock is certainly gone: there are notes that may be about it, and all of them are of
// processes that are gone.
func (l Lock) Abandoned() bool {
	return len(l.holders) > 0 && !slices.ContainsFunc(l.holders, func(h holder) bool { return !h.gone() })
}

func (b *diyBackend) holderFolder(stack string) string {
	return ".branchenv/holders/" + b.project + "/" + stack + "/"
}

// Hold writes a note that a process works on a stack. release removes the note, unless a lock of the process is left. If the note
// cannot be written, a lock that is left looks like that of a living process.
func (b *diyBackend) Hold(ctx context.Context, stack string, pid int) (release func()) {
	notes := b.writeNote(ctx, stack, pid)
	if len(notes) == 0 {
		return func() {}
	}
	h := notes[0]
	return func() {
		ctx := context.WithoutCancel(ctx)
		if !b.mayOwnLock(ctx, stack, h) {
			_ = b.bucket.Delete(ctx, h.key)
		}
	}
}

// mayOwnLock reports whether one of the stack's locks may be h's.
func (b *diyBackend) mayOwnLock(ctx context.Context, stack string, h holder) bool {
	objects, err := b.objects(ctx, b.folder("locks", stack))
	if err != nil {
		return true
	}
	for _, o := range objects {
		if l, err := b.readLock(ctx, stack, o); gcerrors.Code(err) != gcerrors.NotFound && (err != nil || h.mayOwn(l)) {
			return true
		}
	}
	return false
}

// sweepNotes removes the notes of processes that are gone and have left no lock. A branchenv that was killed left them.
func (b *diyBackend) sweepNotes(ctx context.Context, stack string) {
	notes, err := b.objects(ctx, b.holderFolder(stack))
	if err != nil {
		return
	}
	for _, o := range notes {
		h := holder{key: o.key}
		whole := path.Ext(o.key) == ".json" && b.decode(ctx, o.key, &h) == nil
		if whole && h.gone() && !b.mayOwnLock(ctx, stack, h) || partialNote(path.Base(o.key)) {
			_ = b.bucket.Delete(ctx, o.key)
		}
	}
}

// partialNote reports whether a file is a note whose writer was killed while it wrote. A writer in another PID namespace may still
// live; it then loses its note.
func partialNote(name string) bool {
	number, _, _ := strings.Cut(name, "-")
	pid, err := strconv.Atoi(number)
	return path.Ext(name) == ".tmp" && err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// writeNote writes a note and returns it; none if notes are not used or it cannot be written.
func (b *diyBackend) writeNote(ctx context.Context, stack string, pid int) []holder {
	if b.root == "" {
		return nil
	}
	b.sweepNotes(ctx, stack)
	h := newHolder(pid, b.now())
	h.key = b.holderFolder(stack) + strconv.Itoa(pid) + "-" + rand.Text() + ".json"
	text, err := json.Marshal(h)
	if err != nil || b.bucket.WriteAll(ctx, h.key, text, nil) != nil {
		return nil
	}
	return []holder{h}
}

// holders returns the notes that may be about l.
func (b *diyBackend) holders(ctx context.Context, l Lock) []holder {
	host, err := os.Hostname()
	if b.root == "" || err != nil || l.Hostname != host {
		return nil
	}
	notes, err := b.objects(ctx, b.holderFolder(l.Stack)+strconv.Itoa(l.Pid)+"-")
	if err != nil {
		return nil
	}
	var all []holder
	for _, o := range notes {
		h := holder{key: o.key}
		if path.Ext(o.key) != ".json" || b.decode(ctx, o.key, &h) != nil || !h.mayOwn(l) {
			continue
		}
		all = append(all, h)
	}
	return all
}

// LocksBefore returns the locks of all stacks that were taken before a time.
func (b *diyBackend) LocksBefore(ctx context.Context, then time.Time) ([]Lock, error) {
	objects, err := b.objects(ctx, b.folder("locks", ""))
	if err != nil {
		return nil, err
	}
	var old []Lock
	for _, o := range objects {
		if l, err := b.readLock(ctx, path.Base(path.Dir(o.key)), o); err == nil && l.Timestamp.Before(then) {
			old = append(old, l)
		}
	}
	slices.SortFunc(old, func(a, b Lock) int { return strings.Compare(a.Stack, b.Stack) })
	return old, ctx.Err()
}

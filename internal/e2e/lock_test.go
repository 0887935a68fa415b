//go:build unix

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Two commands for one branch at once: one does it, and the other waits for it or says who holds the stack. Once both
// have ended, all is as if they had come one after the other.
func TestTwoUps(t *testing.T) {
	t.Parallel()
	s := scenes["up"]
	w := s.enter(t)
	first, second := w.begin(t, s.command...), w.begin(t, s.command...)
	for _, r := range []result{first.wait(), second.wait()} {
		if r.code != 0 && !heldByAnother(r) {
			t.Errorf("exit code %d:\n%s", r.code, r.err)
		}
	}
	w.must(t, s.command...)
	if diff := cmp.Diff(s.undisturbed(t), w.ending(t)); diff != "" {
		t.Errorf("-one +two at once\n%s", diff)
	}
}

func heldByAnother(r result) bool {
	return r.code == 1 && contended.MatchString(r.err) && strings.Contains(r.err, "branchenv: hint: ")
}

var contended = regexp.MustCompile(`stack topic( is locked by .*| was just (made|removed) by another process|: .* (is being written|was changed|were changed) by another process.*)\n`)

// An up and a destroy at once leave either the environment or nothing, and nothing in between that the same commands
// could not go on from.
func TestUpAgainstDestroy(t *testing.T) {
	t.Parallel()
	s := scenes["update"]
	w := s.enter(t)
	w.env = []string{"BRANCHENV_SANDBOX_WAIT=0.2"}
	up, destroy := w.begin(t, s.command...), w.begin(t, "destroy", "topic", "--yes")
	for _, r := range []result{up.wait(), destroy.wait()} {
		if r.code != 0 && !heldByAnother(r) {
			t.Errorf("exit code %d:\n%s", r.code, r.err)
		}
	}
	w.env = nil
	w.must(t, s.command...)
	w.must(t, "destroy", "topic", "--yes")
	if diff := cmp.Diff(nothing(t), w.ending(t)); diff != "" {
		t.Errorf("-before +after\n%s", diff)
	}
}

// A preview of a branch that has no environment keeps to itself: an up of the branch at the same time goes through.
func TestPreviewAgainstUp(t *testing.T) {
	t.Parallel()
	s := scenes["up"]
	w := s.enter(t)
	first := w.begin(t, "preview", "topic", "--image", image)
	up := w.begin(t, s.command...)
	second := w.begin(t, "preview", "topic", "--image", image)
	for _, r := range []result{first.wait(), up.wait(), second.wait()} {
		if r.code != 0 && !heldByAnother(r) {
			t.Errorf("exit code %d:\n%s", r.code, r.err)
		}
	}
	w.must(t, s.command...)
	if diff := cmp.Diff(s.undisturbed(t), w.ending(t)); diff != "" {
		t.Errorf("-up alone +with previews\n%s", diff)
	}
	w.must(t, "destroy", "topic", "--yes")
	w.must(t, "preview", "topic", "--image", image)
	if diff := cmp.Diff(nothing(t), w.ending(t)); diff != "" {
		t.Errorf("-before +after a preview\n%s", diff)
	}
}

// lock puts a lock on a stack, as pulumi does, and returns its file.
func (w *world) lock(t *testing.T, stack string, pid int, host string) string {
	t.Helper()
	data, err := json.Marshal(map[string]any{"pid": pid, "username": "ada", "hostname": host, "timestamp": time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(w.state(), "locks", "organization", "shop", stack, "0b0c8a1e-7f4e-4d0a-8a57-1d5f5ce1b1ad.json")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if pid != os.Getpid() { // as branchenv notes whom it starts; this one is gone
		w.note(t, stack, pid)
	}
	return file
}

// note writes what branchenv notes about a process that it starts on a stack.
func (w *world) note(t *testing.T, stack string, pid int) {
	t.Helper()
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // only Linux has it, and namespaces
	space, _ := os.Readlink("/proc/self/ns/pid")
	data, err := json.Marshal(map[string]any{"pid": pid, "boot": strings.TrimSpace(string(boot)), "space": space, "start": "1", "began": time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(filepath.Dir(w.state()), ".branchenv", "holders", "shop", stack, fmt.Sprintf("%d-x.json", pid))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A lock whose holder lives, or may live on another machine, is respected and reported; that of a dead one is removed.
func TestLocked(t *testing.T) {
	t.Parallel()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		pid     int
		host    string
		respect bool
	}{
		"living":          {os.Getpid(), host, true},
		"another machine": {gone.Process.Pid, "elsewhere", true},
		"dead":            {gone.Process.Pid, host, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, command := range [][]string{{"up", "topic"}, {"destroy", "topic", "--yes"}} {
				w := newWorld(t, "environment")
				w.lock(t, "topic", test.pid, test.host)
				r := w.run(t, command...)
				holder := fmt.Sprintf("ada@%s, process %d, for ", test.host, test.pid)
				code, says := 0, "removed a lock left behind by a process that is gone: "+holder
				if test.respect {
					code, says = 1, "branchenv: error: stack topic is locked by "+holder
				}
				if r.code != code || !strings.Contains(r.err, says) || test.respect && !strings.Contains(r.err, "branchenv: hint: wait until it has ended") {
					t.Errorf("%q: exit code %d, want %d and %q\n%s", command, r.code, code, says, r.err)
				}
			}
		})
	}
}

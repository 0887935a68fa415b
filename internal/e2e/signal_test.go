//go:build unix

package e2e

import (
	"io"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/sandbox"
)

// waits makes a database take long enough to be interrupted.
const waits = "BRANCHENV_SANDBOX_WAIT=1"

// watched is a fault that hits nothing; that it is met tells that a database is being made or removed.
func watched(on string) sandbox.Fault {
	return sandbox.Fault{On: on, Type: "aws:rds/instance:Instance", Nth: 1000, Kind: sandbox.Fail}
}

// interruption is an interrupt, or two, while a database is being made or removed.
type interruption struct {
	scene  string
	times  int
	group  bool   // to the whole process group
	result string // the error that it ends with; empty: it ends well
}

// The first interrupt stops a command between steps, the second ends the step, in which pulumi lets what it has begun
// come to an end. Nothing is left locked, and the same command goes on at once.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	const between = "branchenv: error: stopped before the emptying of a bucket of stack topic"
	for name, test := range map[string]interruption{
		"up once":             {"up", 1, false, ""}, // its one long step comes to its end, and then all is done
		"up twice":            {"up", 2, false, "branchenv: error: update of stack topic: stopped on request"},
		"up twice, group":     {"up", 2, true, "branchenv: error: update of stack topic: stopped on request"},
		"destroy once":        {"destroy", 1, false, between},
		"destroy once, group": {"destroy", 1, true, between},
		"destroy twice":       {"destroy", 2, true, "branchenv: error: destroy of stack topic: stopped on request"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.run(t)
		})
	}
}

func (test interruption) run(t *testing.T) {
	s := scenes[test.scene]
	w := s.enter(t)
	w.faults(t, watched(map[string]string{"up": "create", "destroy": "delete"}[test.scene]))
	w.env = []string{waits}
	p := w.begin(t, s.command...)
	until(t, "the database is being worked on", func() bool { return w.met(1) })
	for i := range test.times {
		target := p.Process.Pid
		if test.group {
			target = -target
		}
		if err := syscall.Kill(target, syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		answer := []string{
			"branchenv: finishing the current step; press Ctrl-C again to interrupt it",
			"branchenv: interrupting pulumi and waiting for it; Ctrl-C again kills it",
		}[i]
		until(t, "the interrupt is answered", func() bool { return strings.Contains(p.err.String(), answer) })
	}
	r := p.wait()
	if failed := test.result != ""; failed != (r.code == 1) || !strings.Contains(r.err, test.result) {
		t.Errorf("exit code %d, want the error %q:\n%s", r.code, test.result, r.err)
	}
	w.goesOn(t, s)
}

// goesOn repeats an interrupted command, which has nothing to wait for, and compares where it leads to.
func (w *world) goesOn(t *testing.T, s *scene) {
	t.Helper()
	w.faults(t)
	w.env = nil
	if locks := files(t, filepath.Join(w.state(), "locks")); len(locks) > 0 {
		t.Errorf("locks were left: %q", locks)
	}
	w.must(t, s.command...)
	if diff := cmp.Diff(s.undisturbed(t), w.ending(t)); diff != "" {
		t.Errorf("-undisturbed +interrupted and repeated\n%s", diff)
	}
}

// A terminal sends the interrupt of a typed Ctrl-C to every process of the job that runs. pulumi must not be hit by it.
func TestCtrlC(t *testing.T) {
	t.Parallel()
	s := scenes["destroy"]
	w := s.enter(t)
	w.faults(t, watched("delete"))
	w.env = []string{waits}
	p, err := w.command("destroy", "topic", "--yes")
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := pty.Start(p.Cmd) // in a session of its own, which the terminal controls
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		io.Copy(&p.out, terminal)
	}()
	until(t, "the database is being removed", func() bool { return w.met(1) })
	if _, err := terminal.Write([]byte{3}); err != nil {
		t.Fatal(err)
	}
	r := p.wait()
	<-copied
	if want := "stopped before the emptying of a bucket"; r.code != 1 || !strings.Contains(p.out.String(), want) {
		t.Errorf("exit code %d, want the error %q:\n%s", r.code, want, p.out.String())
	}
	w.goesOn(t, s)
}

package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/fault/faulttest"
	"github.com/branchenv/branchenv/internal/operation"
)

// script writes a shell script that plays pulumi.
func script(t *testing.T, mode os.FileMode, lines ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pulumi")
	// No process of another test may be forked meanwhile: it would hold the file open for writing, and a file that is
	// written to cannot be run ("text file busy").
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+strings.Join(lines, "\n")+"\n"), mode); err != nil {
		t.Fatal(err)
	}
	return file
}

// player is a process whose pulumi is a script.
func player(t *testing.T, stop *operation.Stopper, lines ...string) *Process {
	t.Helper()
	return &Process{path: script(t, 0o700, lines...), Stop: stop, grace: time.Minute}
}

func TestPulumiAt(t *testing.T) {
	t.Parallel()
	install := "install Pulumi 3.211.0 or newer: https://www.pulumi.com/docs/install/"
	absent := filepath.Join(t.TempDir(), "pulumi")
	tests := map[string]struct {
		path, want string // PULUMI stands for the path
		code       int
	}{
		"absent":         {absent, "pulumi is not on PATH", fault.Usage},
		"not executable": {script(t, 0o600, "echo v3.250.0"), "pulumi is not on PATH", fault.Usage},
		"too old":        {script(t, 0o700, "echo v3.210.9"), "pulumi 3.210.9 at PULUMI is too old: 3.211.0 or newer is needed, which keeps stack tags on every backend", fault.Usage},
		"prints rubbish": {script(t, 0o700, `printf 'I am \033[31mnot\033[0m it\nat all'`), `PULUMI is not pulumi: it calls its version "I am not it"`, fault.Failed},
		"prints nothing": {script(t, 0o700, ":"), `PULUMI is not pulumi: it calls its version ""`, fault.Failed},
		"fails":          {script(t, 0o700, "echo no libc >&2; exit 127"), "PULUMI version: exit status 127: no libc", fault.Failed},
		"fails silently": {script(t, 0o700, "exit 1"), "PULUMI version: exit status 1", fault.Failed},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := checkPulumi(t.Context(), test.path, nil, nil)
			faulttest.Check(t, err, test.code, strings.ReplaceAll(test.want, "PULUMI", test.path))
			if hint := fault.Hint(err).String(); hint != install {
				t.Errorf("hint %q, want %q", hint, install)
			}
		})
	}
	for out, want := range map[string]string{"v3.211.0": "3.211.0", "v3.250.0": "3.250.0", "v4.0.0-alpha.1+dirty": "4.0.0-alpha.1+dirty"} {
		p, err := checkPulumi(t.Context(), script(t, 0o700, "test \"$*\" = '--non-interactive version' && echo "+out), nil, nil)
		if err != nil {
			t.Errorf("version %s: %v", out, err)
		} else if got := p.Version().String(); got != want {
			t.Errorf("version %s, want %s", got, want)
		}
	}
}

// What the Automation API asks around every update is answered without a process.
func TestKnown(t *testing.T) {
	t.Parallel()
	started := 0
	p := player(t, nil, "echo ran")
	p.OnStart = func() { started++ }
	for args, want := range map[string]string{
		"stack select x --stack x":           "",
		"stack output --json --show-secrets": "{}",
		"stack history --json --page-size 1": "[]",
		"stack init x":                       "ran\n",
		"stack":                              "ran\n",
		"up --stack select":                  "ran\n",
		"stack rm --yes x":                   "ran\n",
	} {
		out, stderr, code, err := p.Run(t.Context(), "", nil, nil, nil, nil, strings.Fields(args)...)
		if out != want || stderr != "" || code != 0 || err != nil {
			t.Errorf("pulumi %s: %q, %q, %d, %v; want %q", args, out, stderr, code, err, want)
		}
	}
	if started != 4 {
		t.Errorf("%d processes were started, want 4", started)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	p := player(t, nil, `echo "$* $OWN $GIVEN $PULUMI_AUTOMATION_API $PULUMI_SKIP_UPDATE_CHECK"`, "cat", "pwd", "echo problem >&2", "exit 3")
	p.Env = []string{"OWN=own", "GIVEN=overridden"}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var out, again, errors bytes.Buffer
	stdout, stderr, code, err := p.Run(t.Context(), dir, strings.NewReader("input\n"), []io.Writer{&out, &again}, []io.Writer{&errors}, []string{"GIVEN=given"}, "up", "--yes")
	want := "--non-interactive up --yes own given true true\ninput\n" + dir + "\n"
	if diff := cmp.Diff([]string{want, want, want, "problem\n", "problem\n"}, []string{stdout, out.String(), again.String(), stderr, errors.String()}); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
	if code != 3 || faulttest.Message(err) != "exit status 3" {
		t.Errorf("code %d, error %v", code, err)
	}
	p.path = filepath.Join(dir, "gone")
	if _, _, code, err := p.Run(t.Context(), "", nil, nil, nil, nil, "up"); code != -1 || !strings.HasPrefix(faulttest.Message(err), "start "+p.path+": ") {
		t.Errorf("code %d, error %v", code, err)
	}
}

// After a stop nothing begins but what looks and cleans up.
func TestStopBeforeStart(t *testing.T) {
	t.Parallel()
	stop := operation.NewStopper()
	if stop.Stopped() || (*operation.Stopper)(nil).Stopped() {
		t.Fatal("stopped before Stop")
	}
	started := 0
	p := player(t, stop, "echo ran")
	p.OnStart = func() { started++ }
	stop.Stop()
	stop.Stop()
	for _, args := range []string{"up --yes", "destroy --yes", "refresh", "preview"} {
		if _, _, code, err := p.Run(t.Context(), "", nil, nil, nil, nil, strings.Fields(args)...); !errors.Is(err, operation.ErrStopped) || code != -1 {
			t.Errorf("pulumi %s: code %d, error %v", args, code, err)
		}
	}
	if started != 0 {
		t.Errorf("%d processes were started", started)
	}
	stop.Interrupt()
	stop.Interrupt()
	for _, args := range []string{"version", "stack rm --yes x"} {
		if out, _, _, err := p.Run(t.Context(), "", nil, nil, nil, nil, strings.Fields(args)...); out != "ran\n" || err != nil {
			t.Errorf("pulumi %s: %q, %v", args, out, err)
		}
	}
}

// once is a writer that calls a function upon the first write.
type once struct {
	done bool
	do   func()
}

func (o *once) Write(p []byte) (int, error) {
	if !o.done {
		o.done = true
		o.do()
	}
	return len(p), nil
}

// An interrupt reaches the process once, in a group of its own, and what it still has to do comes to an end.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	// The script says when it listens, counts the interrupts, and works on for a while after the first.
	lines := []string{
		"n=0", "trap 'n=$((n+1))' INT", `kill -s 0 -- -$$ && echo leads a group`,
		"while [ $n = 0 ]; do sleep 0.05; done",
		"for i in 1 2 3 4; do sleep 0.05; done", "echo interrupts $n", "exit 7",
	}
	stopper, cancelled := operation.NewStopper(), operation.NewStopper()
	ctx, cancel := context.WithCancel(t.Context())
	tests := map[string]struct {
		stop *operation.Stopper
		ctx  context.Context // of one run
		do   func()
	}{
		"stopper":           {stopper, t.Context(), func() { stopper.Interrupt(); stopper.Interrupt() }},
		"cancelled context": {cancelled, ctx, func() { cancel(); cancelled.Interrupt() }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := player(t, test.stop, lines...)
			out, _, code, err := p.Run(test.ctx, "", nil, []io.Writer{&once{do: test.do}}, nil, nil, "up")
			if want := "leads a group\ninterrupts 1\n"; out != want {
				t.Errorf("got %q, want %q", out, want)
			}
			if code != 7 || !errors.Is(err, operation.ErrStopped) {
				t.Errorf("code %d, error %v", code, err)
			}
		})
	}
}

// A stop without an interrupt lets the running process be.
func TestStopWhileRunning(t *testing.T) {
	t.Parallel()
	stop := operation.NewStopper()
	p := player(t, stop, "trap 'echo interrupted' INT", "echo listening", "sleep 0.1", "echo done")
	out, _, code, err := p.Run(t.Context(), "", nil, []io.Writer{&once{do: stop.Stop}}, nil, nil, "up")
	if out != "listening\ndone\n" || code != 0 || err != nil {
		t.Errorf("%q, %d, %v", out, code, err)
	}
}

// What does not end within the grace is killed, with the processes that it started and that hold its output open.
func TestGrace(t *testing.T) {
	t.Parallel()
	stop := operation.NewStopper()
	p := player(t, stop, "trap '' INT", "sleep 600 &", "echo listening", "wait")
	p.grace = 50 * time.Millisecond
	_, _, code, err := p.Run(t.Context(), "", nil, []io.Writer{&once{do: stop.Interrupt}}, nil, nil, "up")
	if code != -1 || !errors.Is(err, operation.ErrStopped) || !strings.Contains(faulttest.Message(err), "signal: killed") {
		t.Errorf("code %d, error %v", code, err)
	}
}

// Who gives up waiting after the interrupt has it killed; a timeout that passes meanwhile does not.
func TestGiveUp(t *testing.T) {
	t.Parallel()
	stop := operation.NewStopper()
	p := player(t, stop, "trap '' INT", "sleep 600 &", "echo listening", "wait")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	interrupt := func() {
		stop.Interrupt()
		time.AfterFunc(20*time.Millisecond, cancel)
	}
	if _, _, code, err := p.Run(ctx, "", nil, []io.Writer{&once{do: interrupt}}, nil, nil, "up"); code != -1 || !errors.Is(err, operation.ErrStopped) {
		t.Errorf("code %d, error %v", code, err)
	}

	stop = operation.NewStopper()
	p = player(t, stop, "trap 'sleep 0.3; echo saved; exit 3' INT", "echo listening", "while :; do sleep 0.01; done")
	ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if out, _, code, err := p.Run(ctx, "", nil, []io.Writer{&once{do: stop.Interrupt}}, nil, nil, "up"); code != 3 || !strings.Contains(out, "saved") || !errors.Is(err, operation.ErrStopped) {
		t.Errorf("%q, code %d, error %v", out, code, err)
	}
}

// A command of pulumi names the stack that it works on.
func TestStackOf(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		"--non-interactive up --yes --stack organization/shop/x --exec-kind auto.local": "x",
		"--non-interactive stack rm --yes x":                                            "x",
		"--non-interactive stack init organization/shop/x":                              "x",
		"--non-interactive version":                                                     "",
	} {
		if got := stackOf(strings.Fields(command)); got != want {
			t.Errorf("%s: %q, want %q", command, got, want)
		}
	}
}

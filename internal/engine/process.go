package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/blang/semver"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
)

// minimumPulumi is the oldest pulumi that stores stack tags in self-managed backends.
var minimumPulumi = semver.MustParse("3.211.0")

// defaultGrace is how long pulumi may take to save its state after an interrupt. It first waits for the operations under
// way, and an operation of Beanstalk takes up to 15 minutes.
const defaultGrace = 20 * time.Minute

// Process runs the pulumi program for the Automation API; it is an auto.PulumiCommand. It differs from the stock one in two
// ways.
//
// It keeps the terminal's Ctrl-C away from pulumi and never kills it while it works, so that no lock and no half-created
// resource is left behind: see operation.Stopper. And it answers some questions of the Automation API itself, because
// branchenv knows the answers from the backend. That saves four processes of half a second for every update.
type Process struct {
	path    string
	version semver.Version
	Env     []string // variables added to the environment of this process
	Stop    *operation.Stopper
	grace   time.Duration
	OnStart func() // called for each process; may be nil
	// Hold is called for each process that works on a stack; release is called when the process has ended. It may be nil.
	Hold func(ctx context.Context, stack string, pid int) (release func())
}

// PulumiPath returns the path of the pulumi on PATH, else of the one beside the running program; "" if there is neither. It
// starts no process and does not check the version.
func PulumiPath() string {
	if path, err := exec.LookPath("pulumi"); err == nil {
		return path
	}
	self, err := os.Executable()
	if err != nil {
		return ""
	}
	path, _ := exec.LookPath(filepath.Join(filepath.Dir(self), "pulumi"))
	return path
}

// Find returns a pulumi of a suitable version: the one at path. If path is empty, it is the one on PATH, else the one beside
// the running program.
func Find(ctx context.Context, path string, env []string, stop *operation.Stopper) (*Process, error) {
	if path != "" {
		return checkPulumi(ctx, path, env, stop)
	}
	p, err := checkPulumi(ctx, "pulumi", env, stop)
	if err == nil {
		return p, nil
	}
	if self, selfErr := os.Executable(); selfErr == nil {
		if beside, besideErr := checkPulumi(ctx, filepath.Join(filepath.Dir(self), "pulumi"), env, stop); besideErr == nil {
			return beside, nil
		}
	}
	return nil, err
}

// checkPulumi returns the pulumi of a name or path if its version is suitable.
func checkPulumi(ctx context.Context, name string, env []string, stop *operation.Stopper) (*Process, error) {
	install := fmt.Sprintf("install Pulumi %s or newer: https://www.pulumi.com/docs/install/", minimumPulumi)
	path, err := exec.LookPath(name)
	if err != nil {
		return nil, fault.Usagef("pulumi is not on PATH").WithHint("%s", install)
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, fmt.Errorf("find pulumi: %w", err)
	}
	p := &Process{path: path, Env: env, Stop: stop, grace: defaultGrace}
	out, stderr, _, err := p.Run(ctx, "", nil, nil, nil, nil, "version")
	if err != nil {
		if said := fault.Line(firstLine(stderr)); said != "" {
			err = fmt.Errorf("%w: %s", err, said)
		}
		return nil, fault.Failedf("%s version: %w", path, err).WithHint("%s", install)
	}
	if p.version, err = semver.ParseTolerant(strings.TrimSpace(out)); err != nil {
		return nil, fault.Failedf("%s is not pulumi: it calls its version %q", path, fault.Line(firstLine(out))).WithHint("%s", install)
	}
	if p.version.LT(minimumPulumi) {
		return nil, fault.Usagef("pulumi %s at %s is too old: %s or newer is needed, which keeps stack tags on every backend", p.version, path, minimumPulumi).
			WithHint("%s", install)
	}
	return p, nil
}

// Version returns the version of pulumi.
func (p *Process) Version() semver.Version { return p.version }

// knownAnswer returns the answer to a command that need not run: `stack select`, because every call names its stack;
// `stack output` and `stack history`, because branchenv reads both from the backend.
func knownAnswer(args []string) (string, bool) {
	if len(args) < 2 || args[0] != "stack" {
		return "", false
	}
	switch args[1] {
	case "select":
		return "", true
	case "output":
		return "{}", true
	case "history":
		return "[]", true
	}
	return "", false
}

// Run runs pulumi and waits for it. Its output is returned and copied to the given writers.
//
// If the Stopper interrupts, or the context is cancelled, pulumi gets one interrupt. It then waits for the operations under
// way and saves its state. It is killed only if it still runs after the grace, or if the context is cancelled after the
// interrupt.
func (p *Process) Run(
	ctx context.Context, dir string, stdin io.Reader, stdouts, stderrs []io.Writer, env []string, args ...string,
) (string, string, int, error) {
	if answer, ok := knownAnswer(args); ok {
		return answer, "", 0, nil
	}
	stop := p.Stop
	if args[0] == "version" || args[0] == "stack" { // quick, and cleaning up must run after a stop, too
		stop = nil
	}
	if stop.Stopped() {
		return "", "", -1, operation.ErrStopped
	}
	if !slices.Contains(args, "--non-interactive") {
		args = append([]string{"--non-interactive"}, args...)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(p.path, args...) // the path was checked by Find, and the arguments are branchenv's
	cmd.Dir = dir
	cmd.Env = slices.Concat(os.Environ(), userVariables(), p.Env, env, []string{"PULUMI_AUTOMATION_API=true", "PULUMI_SKIP_UPDATE_CHECK=true"})
	cmd.Stdin = stdin
	cmd.Stdout = io.MultiWriter(append(stdouts, &stdout)...)
	cmd.Stderr = io.MultiWriter(append(stderrs, &stderr)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	endWithParent(cmd.SysProcAttr)
	if p.OnStart != nil {
		p.OnStart()
	}
	begun := time.Now()
	started, ended := make(chan error), make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the kernel takes the end of this thread for the end of the parent: see endWithParent
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			ended <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return "", "", -1, fmt.Errorf("start %s: %w", p.path, err)
	}
	if stack := stackOf(args); stack != "" && p.Hold != nil {
		defer p.Hold(ctx, stack, cmd.Process.Pid)()
	}
	err := p.wait(ctx, stop, cmd, ended)
	if err == nil {
		removeLog(logFolder(cmd.Env), cmd.ProcessState.Pid(), args, begun, time.Now())
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode(), err
}

// stackOf returns the stack that a pulumi command works on; "" if it names none.
func stackOf(args []string) string {
	name := ""
	if i := slices.Index(args, "--stack"); i >= 0 && i+1 < len(args) {
		name = args[i+1]
	} else if i := slices.Index(args, "stack"); i >= 0 && len(args) > i+2 && (args[i+1] == "rm" || args[i+1] == "init") {
		for _, a := range args[i+2:] {
			if !strings.HasPrefix(a, "-") {
				name = a
			}
		}
	}
	return name[strings.LastIndexByte(name, '/')+1:] // without organization and project
}

// wait waits for the process. It passes one interrupt on.
func (p *Process) wait(ctx context.Context, stop *operation.Stopper, cmd *exec.Cmd, ended <-chan error) error {
	giveUp := make(chan struct{})
	select {
	case err := <-ended:
		return err
	case <-stop.Interrupted():
		if ctx.Err() == nil {
			defer context.AfterFunc(ctx, func() {
				if !errors.Is(ctx.Err(), context.DeadlineExceeded) { // a person stopped waiting
					close(giveUp)
				}
			})()
		}
	case <-ctx.Done():
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return errors.Join(err, <-ended)
	}
	select {
	case err := <-ended:
		return errors.Join(operation.ErrStopped, err)
	case <-giveUp:
	case <-time.After(p.grace):
	}
	// The whole group is killed: a provider that stays would keep pulumi's output open.
	return errors.Join(operation.ErrStopped, syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL), <-ended)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

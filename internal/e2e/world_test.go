//go:build unix

// Package e2e holds tests of the whole product: the program as a person runs it, with the real engine, over the
// embedded AWS. It has no code of its own.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/branchenv/branchenv/internal/sandbox"
)

// image is what the environments run.
const image = "registry.example.com/shop:1"

// patience bounds whatever a test waits for.
const patience = 2 * time.Minute

// common is what the tests of a run have in common: the program, and two projects to copy.
type common struct {
	dir  string
	once sync.Once
	err  error
}

var base common // TestMain has no other way to hand it to the tests

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "e2e-")
	if err != nil {
		panic(err)
	}
	base.dir = dir
	code := m.Run()
	reap("PULUMI_HOME=" + filepath.Join(dir, "home"))
	if err := os.RemoveAll(dir); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// reap ends the processes that have variable in their environment: the language host of a pulumi that was killed asks
// every five minutes only whether pulumi is still there. Where there is no /proc it is left to that.
func reap(variable string) {
	environments, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range environments {
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains("\x00"+string(text), "\x00"+variable+"\x00") {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended meanwhile
		}
	}
}

// pulumiScript stands before the real pulumi. It notes the process's id, so that a test can kill pulumi, and kills the
// program that started it before or after one of pulumi's commands, as E2E_KILL says: "before 2 destroy", for instance.
const pulumiScript = `#!/bin/sh
echo $$ >>"$E2E_DIR/pids"
set -f
if [ -n "$E2E_KILL" ]; then
	when=${E2E_KILL%% *}; rest=${E2E_KILL#* }; nth=${rest%% *}; verb=${rest#* }
	case " $* " in *" $verb "*)
		echo x >>"$E2E_DIR/met"
		if [ "$(wc -l <"$E2E_DIR/met")" -eq "$nth" ]; then
			[ "$when" = before ] || "$E2E_PULUMI" "$@"
			kill -9 $PPID
			exit 1
		fi
	esac
fi
exec "$E2E_PULUMI" "$@"
`

// prepare builds the program and three projects: bare, with its application stack, and with an environment as well.
func (c *common) prepare() error {
	c.once.Do(func() { c.err = c.build() })
	return c.err
}

func (c *common) build() error {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return err
	}
	for _, d := range []string{"bin", "home"} {
		if err := os.Mkdir(filepath.Join(c.dir, d), 0o700); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(c.dir, "bin", "pulumi"), []byte(pulumiScript), 0o700); err != nil {
		return err
	}
	build := exec.Command("go", "build", "-o", filepath.Join(c.dir, "bin", "branchenv"), ".")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build branchenv: %w\n%s", err, out)
	}
	if out, err := exec.Command("git", "init", "-q", "-b", "main", filepath.Join(c.dir, "bare")).CombinedOutput(); err != nil {
		return fmt.Errorf("git init: %w\n%s", err, out)
	}
	for _, step := range []struct{ project, from, line string }{
		{"bare", "", "init --project shop --region eu-central-1 --domain preview.example.com --source ."},
		{"application", "bare", "application up"},
		{"environment", "application", "up topic --image " + image},
	} {
		w := &world{dir: filepath.Join(c.dir, step.project), scratch: c.dir}
		if step.from != "" {
			if err := copyProject(w.dir, filepath.Join(c.dir, step.from)); err != nil {
				return err
			}
		}
		p, err := w.start(strings.Fields(step.line)...)
		if err != nil {
			return err
		}
		if r := p.wait(); r.code != 0 {
			return fmt.Errorf("branchenv %s: exit code %d\n%s", step.line, r.code, r.err)
		}
		if step.from == "" { // the tests wait for nothing
			if err := appendTo(filepath.Join(w.dir, "branchenv.yaml"), "reconcile: {grace: 0s}\n"); err != nil {
				return err
			}
		}
	}
	return nil
}

func appendTo(file, text string) error {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

func copyTree(to, from string) error { return os.CopyFS(to, os.DirFS(from)) }

// copyProject copies a project, and has its stacks follow the branches of the copy: to branchenv that is another source.
func copyProject(to, from string) error {
	if err := copyTree(to, from); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(to, ".branchenv/sandbox/state/.pulumi/stacks/shop/*.pulumi-tags"))
	for _, file := range files {
		text, readErr := os.ReadFile(file)
		err = errors.Join(err, readErr, os.WriteFile(file, bytes.ReplaceAll(text, []byte(from), []byte(to)), 0o600))
	}
	return err
}

// A world is one project with its embedded AWS.
type world struct {
	dir     string   // the checkout
	scratch string   // the scripts' notes, and TMPDIR below it
	env     []string // beside the usual
	outside bool     // commands do without --sandbox
}

// newWorld copies one of the prepared projects.
func newWorld(t testing.TB, from string, env ...string) *world {
	t.Helper()
	if testing.Short() {
		t.Skip("starts the real engine many times: left out in -short mode")
	}
	if err := base.prepare(); err != nil {
		t.Fatal(err)
	}
	scratch := t.TempDir()
	w := &world{dir: filepath.Join(scratch, "shop"), scratch: scratch, env: env}
	if err := copyProject(w.dir, filepath.Join(base.dir, from)); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(scratch, "tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	return w
}

// settings replaces a part of the settings file.
func (w *world) settings(t testing.TB, old, new string) {
	t.Helper()
	file := filepath.Join(w.dir, "branchenv.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(text), old) != 1 {
		t.Fatalf("not once %q in the settings:\n%s", old, text)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), old, new, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (w *world) aws() string { return filepath.Join(w.dir, ".branchenv", "sandbox", "aws") }
func (w *world) state() string {
	return filepath.Join(w.dir, ".branchenv", "sandbox", "state", ".pulumi")
}
func (w *world) tmp() string { return filepath.Join(w.scratch, "tmp") }

// process is a running branchenv.
type process struct {
	*exec.Cmd
	out, err text
}

// text is what a process has written so far.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(p)
}

func (t *text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

// result is how one ended.
type result struct {
	code     int // -1 where a signal ended it
	out, err string
}

// start starts branchenv in a process group of its own, as a shell does.
func (w *world) start(args ...string) (*process, error) {
	p, err := w.command(args...)
	if err != nil {
		return nil, err
	}
	p.Stdout, p.Stderr = &p.out, &p.err
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return p, p.Start()
}

// command is branchenv, ready to be started.
func (w *world) command(args ...string) (*process, error) {
	bin := filepath.Join(base.dir, "bin")
	real, err := exec.LookPath(filepath.Join("..", "..", "bin", "pulumi"))
	if err != nil {
		if real, err = exec.LookPath("pulumi"); err != nil {
			return nil, fmt.Errorf("%w: make tools builds it", err)
		}
	}
	if real, err = filepath.Abs(real); err != nil {
		return nil, err
	}
	if !w.outside {
		args = append([]string{"--sandbox"}, args...)
	}
	p := &process{Cmd: exec.Command(filepath.Join(bin, "branchenv"), args...)}
	p.Dir = w.dir
	p.Env = append(os.Environ(), // a CI system may run the tests, for a pull request of anybody's
		"GITHUB_ACTIONS=", "GITHUB_EVENT_NAME=", "GITHUB_HEAD_REF=", "GITHUB_REF_NAME=", "CIRCLECI=", "CIRCLE_BRANCH=", "GITLAB_CI=",
		"CI=", "PULUMI_HOME="+filepath.Join(base.dir, "home"), "PULUMI_SKIP_UPDATE_CHECK=true", "GIT_CONFIG_GLOBAL="+os.DevNull,
		"BRANCHENV_SANDBOX_WAIT=0", "E2E_DIR="+w.scratch, "E2E_KILL=", "E2E_PULUMI="+real,
		"PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	if dir := w.tmp(); w.scratch != base.dir {
		p.Env = append(p.Env, "TMPDIR="+dir)
	}
	p.Env = append(p.Env, w.env...)
	p.WaitDelay = 30 * time.Second
	return p, nil
}

// begin starts branchenv; it is killed when the test ends before it does.
func (w *world) begin(t testing.TB, args ...string) *process {
	t.Helper()
	p, err := w.start(args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.ProcessState == nil {
			p.kill()
			p.wait()
		}
	})
	return p
}

func (p *process) wait() result {
	p.Wait() // the exit code tells
	return result{p.ProcessState.ExitCode(), p.out.String(), p.err.String()}
}

// kill is kill -9 of the process and its group.
func (p *process) kill() { syscall.Kill(-p.Process.Pid, syscall.SIGKILL) }

// run runs branchenv to its end.
func (w *world) run(t testing.TB, args ...string) result {
	t.Helper()
	return w.begin(t, args...).wait()
}

// must runs branchenv, which must end well.
func (w *world) must(t testing.TB, args ...string) result {
	t.Helper()
	r := w.run(t, args...)
	if r.code != 0 {
		t.Fatalf("branchenv %s: exit code %d\n%s%s", strings.Join(args, " "), r.code, r.out, r.err)
	}
	return r
}

// repeat runs branchenv again until nobody holds the stack any more: a pulumi whose branchenv was killed still saves
// its state. Then it must end well.
func (w *world) repeat(t testing.TB, args ...string) result {
	t.Helper()
	var r result
	until(t, "the stack is unlocked", func() bool {
		r = w.run(t, args...)
		return !strings.Contains(r.err, "is locked by")
	})
	if r.code != 0 {
		t.Fatalf("branchenv %s, again: exit code %d\n%s%s", strings.Join(args, " "), r.code, r.out, r.err)
	}
	return r
}

// until waits for something that a process does.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain: %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// faults makes the embedded AWS misbehave from now on.
func (w *world) faults(t testing.TB, faults ...sandbox.Fault) {
	t.Helper()
	for _, name := range []string{"faults.json", "faults-met.json"} {
		if err := os.Remove(filepath.Join(w.aws(), name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if len(faults) == 0 {
		return
	}
	data, err := json.Marshal(faults)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(w.aws(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.aws(), "faults.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// met tells whether an operation has met the fault that was asked for: it was the n-th of its kind.
func (w *world) met(n int) bool {
	data, err := os.ReadFile(filepath.Join(w.aws(), "faults-met.json"))
	counts := map[string]int{}
	if err != nil || json.Unmarshal(data, &counts) != nil {
		return false
	}
	for _, count := range counts {
		return count >= n
	}
	return false
}

// pulumis are the process ids of every pulumi that was started.
func (w *world) pulumis() []int {
	data, _ := os.ReadFile(filepath.Join(w.scratch, "pids"))
	var pids []int
	for _, field := range strings.Fields(string(data)) {
		if pid, err := strconv.Atoi(field); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// killPulumi is kill -9 of the pulumi that runs now, and of its group.
func (w *world) killPulumi() {
	if pids := w.pulumis(); len(pids) > 0 {
		syscall.Kill(-pids[len(pids)-1], syscall.SIGKILL)
	}
}

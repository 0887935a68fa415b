package stacks

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/branchenv/branchenv/internal/fault"
)

// realEngine is the engine with the real pulumi over a backend in a folder, and counts the processes it starts.
func realEngine(t *testing.T, stop *Stopper) (e *engine, b *diyBackend, folder string, started func() int64) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts pulumi")
	}
	folder = t.TempDir()
	env := []string{
		"PULUMI_BACKEND_URL=file://" + folder, "PULUMI_CONFIG_PASSPHRASE=open sesame", "PULUMI_HOME=" + t.TempDir(),
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true",
	}
	p, err := pulumiAt(t.Context(), pulumiPath(t), env, stop)
	if err != nil {
		t.Fatal(err)
	}
	var n atomic.Int64
	p.started = func() { n.Add(1) }
	return &engine{pulumi: p, project: "shop", secretsProvider: "passphrase"}, openTest(t, folder), folder,
		func() int64 { return n.Swap(0) }
}

// in opens a stack, does something with it and closes it.
func in(t *testing.T, e *engine, b *diyBackend, create bool, testProgram pulumi.RunFunc, do func(*workspace) error) error {
	t.Helper()
	m := manager(t, "")
	var s state
	if f := factsOf(t, b); f != nil {
		s = f.state
	}
	c, err := m.stackConfig("x", "x", specKey, map[string]any{"greeting": "hello"}, s)
	if err != nil {
		t.Fatal(err)
	}
	if create {
		if err := b.create(t.Context(), "x", nil, func(lock) bool { return false }); err != nil {
			return err
		}
	}
	w, err := e.open(t.Context(), "x", c, testProgram)
	if err != nil {
		return err
	}
	dir := w.dir
	err = errors.Join(do(w), w.close())
	if _, gone := os.Stat(dir); !errors.Is(gone, os.ErrNotExist) {
		t.Errorf("the work directory %s is still there", dir)
	}
	return err
}

func factsOf(t *testing.T, b *diyBackend) *facts {
	t.Helper()
	f, err := b.read(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// greet is a program with a component and outputs; no provider is needed for it.
func greet(ctx *pulumi.Context) error {
	var spec struct{ Greeting string }
	if err := readSpec(ctx, specKey, &spec); err != nil {
		return err
	}
	var c pulumi.ResourceState
	if err := ctx.RegisterComponentResource("branchenv:test:Greeting", "greeting", &c); err != nil {
		return err
	}
	ctx.Export("greeting", pulumi.String(spec.Greeting))
	ctx.Export("password", pulumi.ToSecret(pulumi.String("hush")))
	return nil
}

// TestEngine takes a stack through its life with the real pulumi.
func TestEngine(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	e, b, folder, started := realEngine(t, nil)
	up := func(w *workspace) error { return w.up(ctx, nil) }

	// A preview of a stack that is made for it leaves nothing.
	p := Preview{Changes: map[string]int{}}
	err := in(t, e, b, true, greet, func(w *workspace) error { return errors.Join(w.preview(ctx, p.observe), w.remove(ctx)) })
	if err != nil || factsOf(t, b) != nil || started() != 2 { // preview, rm
		t.Fatalf("preview: %v, facts %+v", err, factsOf(t, b))
	}

	if err := in(t, e, b, true, nil, func(*workspace) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if n := started(); n != 0 {
		t.Errorf("making a stack started %d processes, want none", n)
	}
	if f := factsOf(t, b); f == nil || f.status() != StatusEmpty {
		t.Fatalf("a new stack: %+v", f)
	}
	if err := e.create(t.Context(), "x"); !errors.Is(err, errStackExists) { // pulumi sees it, too
		t.Errorf("making it again: %v, want %v", err, errStackExists)
	}
	started()

	for range 2 {
		if err := in(t, e, b, false, greet, up); err != nil {
			t.Fatal(err)
		}
		if n := started(); n != 1 {
			t.Errorf("an update started %d processes, want 1", n)
		}
		f := factsOf(t, b)
		if f.state.outputs()["greeting"] != "hello" || !f.last.succeeded() || f.last.Kind != "update" || len(f.locks) != 0 {
			t.Errorf("after an update: %+v", f)
		}
		if string(f.last.Config["shop:"+specKey]) != `{"greeting":"hello"}` {
			t.Errorf("config in the history: %s", f.last.Config)
		}
	}
	plainly(t, folder, "hush")

	// The program's own error comes through as it is: its text, code and hint, and nothing that pulumi printed around it.
	refuse := func(*pulumi.Context) error { return fault.Usagef("no zone").WithHint("make one") }
	err = in(t, e, b, false, refuse, up)
	if diff := cmp.Diff([]any{"update stack x: no zone", fault.Usage, "make one"}, []any{message(err), fault.Code(err), fault.Hint(err)}); diff != "" {
		t.Errorf("the program's error (-want +got):\n%s", diff)
	}
	if f := factsOf(t, b); f.last.succeeded() {
		t.Errorf("after a failed update: %+v", f.last)
	}

	locked(t, e, b, folder, up)
	wrongPassphrase(t, e, b, up)

	if err := in(t, e, b, false, nil, func(w *workspace) error { return w.recover(ctx, nil, recovery) }); err != nil {
		t.Error(err)
	}
	if f := factsOf(t, b); f.last.Kind != "refresh" || f.last.Message != recovery {
		t.Errorf("after a recovery: %+v", f.last)
	}
	started()
	if err := in(t, e, b, false, nil, func(w *workspace) error { return w.destroy(ctx, nil, nil) }); err != nil {
		t.Error(err)
	}
	if f := factsOf(t, b); len(f.state.Resources) != 0 || f.last.Kind != "destroy" {
		t.Errorf("after a destroy: %+v", f)
	}
	if err := in(t, e, b, false, nil, func(w *workspace) error { return w.remove(ctx) }); err != nil || factsOf(t, b) != nil {
		t.Errorf("remove: %v, %+v", err, factsOf(t, b))
	}
	if n := started(); n != 2 {
		t.Errorf("destroy and remove started %d processes, want 2", n)
	}
}

// plainly looks for a secret in every file of a backend.
func plainly(t *testing.T, folder, secret string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if strings.Contains(string(data), secret) {
			t.Errorf("%s holds the secret", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// locked updates a stack that a live process, this one, has locked.
func locked(t *testing.T, e *engine, b *diyBackend, folder string, up func(*workspace) error) {
	t.Helper()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	content, err := json.Marshal(lock{Pid: os.Getpid(), Hostname: host, Username: "ada", Timestamp: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, ".pulumi/locks/organization/shop/x/1.json"), string(content))
	fails(t, in(t, e, b, false, greet, up), fault.Failed, "stack x is locked by another process")
	if err := b.breakLock(t.Context(), factsOf(t, b).locks[0]); err != nil {
		t.Fatal(err)
	}
}

// wrongPassphrase updates a stack with another passphrase than it was made with.
func wrongPassphrase(t *testing.T, e *engine, b *diyBackend, up func(*workspace) error) {
	t.Helper()
	right := e.pulumi.env
	defer func() { e.pulumi.env = right }()
	e.pulumi.env = append(append([]string(nil), right...), "PULUMI_CONFIG_PASSPHRASE=wrong")
	err := in(t, e, b, false, greet, up)
	if !strings.HasPrefix(message(err), "update stack x: ") || strings.Contains(message(err), "\n") || !strings.Contains(message(err), "incorrect passphrase") {
		t.Errorf("error %v", err)
	}
	if hint := fault.Hint(err); !strings.HasPrefix(hint, "set PULUMI_CONFIG_PASSPHRASE ") {
		t.Errorf("hint %q", hint)
	}
}

// A stop before an operation is told as one, and nothing is started for it.
func TestEngineStopped(t *testing.T) {
	t.Parallel()
	stop := NewStopper()
	e, b, _, started := realEngine(t, stop)
	stop.Stop()
	err := in(t, e, b, true, greet, func(w *workspace) error {
		err := w.up(t.Context(), nil)
		if got, want := message(w.recover(t.Context(), nil, recovery)), "refresh of stack x: stopped on request"; got != want {
			t.Errorf("recover: %q, want %q", got, want)
		}
		return err
	})
	fails(t, err, fault.Failed, "update of stack x: stopped on request")
	if !errors.Is(err, errStopped) || started() != 0 {
		t.Errorf("error %v", err)
	}
}

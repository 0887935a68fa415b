package engine

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

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/fault/faulttest"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/internal/pulumitest"
	"github.com/branchenv/branchenv/internal/stackstest"
	"github.com/branchenv/branchenv/stacks/names"
)

// realEngine is the engine with the real pulumi over a backend in a folder, and counts the processes it starts.
func realEngine(t *testing.T, stop *operation.Stopper) (e *Engine, b backend.Backend, folder string, started func() int64) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts pulumi")
	}
	folder = t.TempDir()
	env := []string{
		"PULUMI_BACKEND_URL=file://" + folder, "PULUMI_CONFIG_PASSPHRASE=open sesame", "PULUMI_HOME=" + t.TempDir(),
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true",
	}
	p, err := checkPulumi(t.Context(), pulumitest.Path(t), env, stop)
	if err != nil {
		t.Fatal(err)
	}
	var n atomic.Int64
	p.OnStart = func() { n.Add(1) }
	b = stackstest.Open(t, folder)
	return &Engine{Pulumi: p, Project: "shop", SecretsProvider: "passphrase", LockedError: func(stack string) error { return b.Location().LockedError(stack) }}, b, folder,
		func() int64 { return n.Swap(0) }
}

// in opens a stack, does something with it and closes it.
func in(t *testing.T, e *Engine, b backend.Backend, create bool, testProgram pulumi.RunFunc, do func(*Workspace) error) error {
	t.Helper()
	var s backend.State
	if f := factsOf(t, b); f != nil {
		s = f.State
	}
	c, err := Config{Config: map[string]any{
		"aws:region": "eu-central-1", "shop:" + names.SpecKey: map[string]any{"greeting": "hello"},
	}}.WithSecretsProvider(s.SecretsProviders.Type, s.SecretsProviders.State)
	if err != nil {
		t.Fatal(err)
	}
	if create {
		if err := b.Create(t.Context(), "x", nil, func(backend.Lock) bool { return false }); err != nil {
			return err
		}
	}
	w, err := e.Open(t.Context(), "x", c, testProgram)
	if err != nil {
		return err
	}
	dir := w.dir
	err = errors.Join(do(w), w.Close())
	if _, gone := os.Stat(dir); !errors.Is(gone, os.ErrNotExist) {
		t.Errorf("the work directory %s is still there", dir)
	}
	return err
}

func factsOf(t *testing.T, b backend.Backend) *backend.Facts {
	t.Helper()
	f, err := b.Read(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// greet is a program with a component and outputs; no provider is needed for it.
func greet(ctx *pulumi.Context) error {
	var spec struct{ Greeting string }
	text, _ := ctx.GetConfig("shop:" + names.SpecKey)
	if err := json.Unmarshal([]byte(text), &spec); err != nil {
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
	up := func(w *Workspace) error { return w.Up(ctx, nil) }

	// A preview of a stack that is made for it leaves nothing.
	err := in(t, e, b, true, greet, func(w *Workspace) error { return errors.Join(w.Preview(ctx, nil), w.Remove(ctx)) })
	if err != nil || factsOf(t, b) != nil || started() != 2 { // preview, rm
		t.Fatalf("preview: %v, facts %+v", err, factsOf(t, b))
	}

	if err := in(t, e, b, true, nil, func(*Workspace) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if n := started(); n != 0 {
		t.Errorf("making a stack started %d processes, want none", n)
	}
	if f := factsOf(t, b); f == nil || f.Status() != backend.StatusEmpty {
		t.Fatalf("a new stack: %+v", f)
	}
	if err := e.Create(t.Context(), "x"); !errors.Is(err, ErrExists) { // pulumi sees it, too
		t.Errorf("making it again: %v, want %v", err, ErrExists)
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
		if f.State.Outputs()["greeting"] != "hello" || !f.LastUpdate.Succeeded() || f.LastUpdate.Kind != "update" || len(f.Locks) != 0 {
			t.Errorf("after an update: %+v", f)
		}
		if string(f.LastUpdate.Config["shop:"+names.SpecKey]) != `{"greeting":"hello"}` {
			t.Errorf("config in the history: %s", f.LastUpdate.Config)
		}
	}
	plainly(t, folder, "hush")

	// The program's own error comes through as it is: its text, code and hint, and nothing that pulumi printed around it.
	refuse := func(*pulumi.Context) error { return fault.Usagef("no zone").WithHint("make one") }
	err = in(t, e, b, false, refuse, up)
	if diff := cmp.Diff([]any{"update stack x: no zone", fault.Usage, "make one"}, []any{faulttest.Message(err), fault.Code(err), fault.Hint(err).String()}); diff != "" {
		t.Errorf("the program's error (-want +got):\n%s", diff)
	}
	if f := factsOf(t, b); f.LastUpdate.Succeeded() {
		t.Errorf("after a failed update: %+v", f.LastUpdate)
	}

	locked(t, e, b, folder, up)
	wrongPassphrase(t, e, b, up)

	if err := in(t, e, b, false, nil, func(w *Workspace) error { return w.Recover(ctx, nil, backend.RecoveryMessage) }); err != nil {
		t.Error(err)
	}
	if f := factsOf(t, b); f.LastUpdate.Kind != "refresh" || f.LastUpdate.Message != backend.RecoveryMessage {
		t.Errorf("after a recovery: %+v", f.LastUpdate)
	}
	started()
	if err := in(t, e, b, false, nil, func(w *Workspace) error { return w.Destroy(ctx, nil, nil) }); err != nil {
		t.Error(err)
	}
	if f := factsOf(t, b); len(f.State.Resources) != 0 || f.LastUpdate.Kind != "destroy" {
		t.Errorf("after a destroy: %+v", f)
	}
	if err := in(t, e, b, false, nil, func(w *Workspace) error { return w.Remove(ctx) }); err != nil || factsOf(t, b) != nil {
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
func locked(t *testing.T, e *Engine, b backend.Backend, folder string, up func(*Workspace) error) {
	t.Helper()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	content, err := json.Marshal(backend.Lock{Pid: os.Getpid(), Hostname: host, Username: "ada", Timestamp: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	pulumitest.WriteFile(t, filepath.Join(folder, ".pulumi/locks/organization/shop/x/1.json"), string(content))
	faulttest.Check(t, in(t, e, b, false, greet, up), fault.Failed, "stack x is locked by another process")
	if err := b.BreakLock(t.Context(), factsOf(t, b).Locks[0]); err != nil {
		t.Fatal(err)
	}
}

// wrongPassphrase updates a stack with another passphrase than it was made with.
func wrongPassphrase(t *testing.T, e *Engine, b backend.Backend, up func(*Workspace) error) {
	t.Helper()
	right := e.Pulumi.Env
	defer func() { e.Pulumi.Env = right }()
	e.Pulumi.Env = append(append([]string(nil), right...), "PULUMI_CONFIG_PASSPHRASE=wrong")
	err := in(t, e, b, false, greet, up)
	if !strings.HasPrefix(faulttest.Message(err), "update stack x: ") || strings.Contains(faulttest.Message(err), "\n") || !strings.Contains(faulttest.Message(err), "incorrect passphrase") {
		t.Errorf("error %v", err)
	}
	if hint := fault.Hint(err).String(); !strings.HasPrefix(hint, "set PULUMI_CONFIG_PASSPHRASE ") {
		t.Errorf("hint %q", hint)
	}
}

// A stop before an operation is told as one, and nothing is started for it.
func TestEngineStopped(t *testing.T) {
	t.Parallel()
	stop := operation.NewStopper()
	e, b, _, started := realEngine(t, stop)
	stop.Stop()
	err := in(t, e, b, true, greet, func(w *Workspace) error {
		err := w.Up(t.Context(), nil)
		if got, want := faulttest.Message(w.Recover(t.Context(), nil, backend.RecoveryMessage)), "refresh of stack x: stopped on request"; got != want {
			t.Errorf("recover: %q, want %q", got, want)
		}
		return err
	})
	faulttest.Check(t, err, fault.Failed, "update of stack x: stopped on request")
	if !errors.Is(err, operation.ErrStopped) || started() != 0 {
		t.Errorf("error %v", err)
	}
}

// The engine tells of its own errors in what it displays, and prints nothing on stderr.
func TestCauseIsKept(t *testing.T) {
	t.Parallel()
	w := &Workspace{Name: "x", engine: &Engine{}}
	faulttest.Check(t, w.explainText("refresh", errors.New("exit status 255"), "", nil), fault.Failed, "refresh stack x: exit status 255")
	shown := "Refreshing (x):\n  pulumi:pulumi:Stack (shop-x):\n    error: get application: no such stack\n    error: \nResources:\n"
	faulttest.Check(t, w.explainText("refresh", errors.New("exit status 255"), errorLines(shown), nil), fault.Failed, "refresh stack x: get application: no such stack")
}

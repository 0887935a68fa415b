package stacks

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/engine"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/internal/pulumitest"
	"github.com/branchenv/branchenv/internal/sandbox"
)

// sandboxManager is a Manager over an embedded AWS of its own and a backend in folder, with an application stack.
func sandboxManager(t *testing.T, folder string) Manager {
	t.Helper()
	if testing.Short() {
		t.Skip("starts the real engine several times: left out in -short mode")
	}
	server, err := sandbox.Start(t.Context(), sandbox.Options{Dir: t.TempDir(), Region: "eu-central-1", Waits: &sandbox.Waits{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	file, err := config.Parse("branchenv.yaml", []byte("project: shop\nregion: eu-central-1\ndomain: preview.example.com\nsource: {git: .}\n"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := Open(t.Context(), Options{
		File: file, Pulumi: pulumitest.Path(t), Extra: append(server.Env(), "PULUMI_HOME="+t.TempDir()), Backend: "file://" + folder,
		Env: func(name string) string { return map[string]string{"PATH": os.Getenv("PATH")}[name] },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := m.ApplicationUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	return m
}

// byHand runs pulumi as a person does who mends a state: in a folder of its own, which knows nothing of the stack.
func byHand(t *testing.T, m Manager, args ...string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), []byte("name: shop\nruntime: go\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(pulumitest.Path(t), append(args, "--non-interactive")...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), append(m.launcher.extra, "PULUMI_BACKEND_URL="+m.launcher.address, "PULUMI_CONFIG_PASSPHRASE=", "PULUMI_SKIP_UPDATE_CHECK=true")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("pulumi %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// TestRefreshedByHand: the documented way to mend a state leaves a history without a spec; what the environment runs is
// known all the same, and kept by an update without a version.
func TestRefreshedByHand(t *testing.T) {
	t.Parallel()
	m := sandboxManager(t, t.TempDir())
	before, err := m.Up(t.Context(), UpRequest{Branch: "feature/login", Image: "app:1", Commit: strings.Repeat("a", 40)})
	if err != nil {
		t.Fatal(err)
	}
	made, err := m.existing(t.Context(), "feature/login")
	if err != nil {
		t.Fatal(err)
	}
	byHand(t, m, "refresh", "--yes", "--skip-preview", "--stack", "organization/shop/"+before.Stack)
	refreshed, err := m.existing(t.Context(), "feature/login")
	if err != nil {
		t.Fatal(err)
	}
	if refreshed.LastUpdate.Kind != "refresh" || len(refreshed.LastUpdate.Config) > 0 {
		t.Fatalf("the last run is %+v, not a refresh without a spec", refreshed.LastUpdate)
	}
	if diff := cmp.Diff(SpecOf(&made, "shop"), SpecOf(&refreshed, "shop")); diff != "" {
		t.Errorf("the spec (-before +after the refresh):\n%s", diff)
	}
	list, err := m.List(t.Context())
	if err != nil || len(list) != 1 || list[0].Version != "app:1" || list[0].Branch != "feature/login" {
		t.Errorf("list: %+v, %v", list, err)
	}
	logs := filepath.Join(engine.Variable(m.launcher.extra, "PULUMI_HOME"), "logs")
	if kept, err := os.ReadDir(logs); err != nil || len(kept) == 0 || !strings.HasPrefix(kept[0].Name(), "organization+shop+"+before.Stack) || len(kept) > 2 {
		t.Errorf("logs: %v, %v; want those of the run by hand only", kept, err)
	}
	renamed, warned := *m.file, ""
	renamed.Project = "store"
	other, err := Open(t.Context(), Options{File: &renamed, Env: m.launcher.env, Extra: m.launcher.extra, Backend: m.launcher.address})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other = other.With(operation.Control{Observe: func(e operation.Event) {
		if e.Kind == operation.Warning {
			warned = e.Message.String()
		}
	}})
	if list, err := other.List(t.Context()); err != nil || len(list) != 0 || !strings.Contains(warned, "no stack of project store, but of shop:") {
		t.Errorf("a renamed project: %v, %v, warning %q", list, err, warned)
	}
	again, err := m.Up(t.Context(), UpRequest{Branch: "feature/login"})
	if err != nil || again.Version != "app:1" {
		t.Errorf("up without a version: %+v, %v", again, err)
	}
	if f, err := m.existing(t.Context(), "feature/login"); err != nil || SpecOf(&f, "shop").Commit != strings.Repeat("a", 40) {
		t.Errorf("the commit is lost: %+v, %v", SpecOf(&f, "shop"), err)
	}
}

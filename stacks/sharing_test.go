package stacks

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/branchenv/branchenv/internal/fault"
)

// keepApplication puts an application stack, as it is after application up, in a backend.
func keepApplication(t *testing.T, folder string, tags map[string]string) {
	t.Helper()
	s := stateIn(ApplicationStack, map[string]any{outVersionsBucket: "b"}, typeBucket)
	for _, file := range []struct {
		path string
		data any
	}{
		{"stacks/shop/application.json", map[string]any{"version": 3, "checkpoint": map[string]any{"latest": s}}},
		{"stacks/shop/application.pulumi-tags", tagsFile{tagsVersion, tags}},
	} {
		text, err := json.Marshal(file.data)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(folder, ".pulumi", file.path), string(text))
	}
	write(t, filepath.Join(folder, ".pulumi/meta.yaml"), "version: 1")
}

// A destroy of the application stack and an up that makes an environment, at once: whoever sees the other ends.
func TestApplicationIsShared(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	m := folderManager(t, folder)
	up := func() error { return m.applicationStays(t.Context(), &undertaking{before: &facts{name: "login"}}) }
	if err := up(); message(err) != "stack application was just removed by another process" || !isContended(err) {
		t.Errorf("removed: %v", err)
	}
	keepApplication(t, folder, map[string]string{tagStack: ApplicationStack})
	if err := up(); err != nil {
		t.Error(err)
	}
	before, err := m.backend.read(t.Context(), ApplicationStack)
	if err != nil {
		t.Fatal(err)
	}
	d := Destruction{before: before}
	noted := map[string]string{tagStack: ApplicationStack, tagDestroying: "x"}
	keepApplication(t, folder, noted)
	err = up()
	fails(t, err, fault.Failed, "a destroy of the application stack, which environments share, was begun by another process")
	if !isContended(err) {
		t.Error("not contended")
	}
	if err := m.applicationStays(t.Context(), &undertaking{before: &facts{state: stateOf(nil, typeBucket)}}); err != nil {
		t.Errorf("an environment that is there: %v", err)
	}

	if err := m.unchangedAtLast(t.Context(), d, noted); err != nil {
		t.Errorf("alone: %v", err)
	}
	keepBackend(t, folder, "login")
	if err := m.unchangedAtLast(t.Context(), d, noted); message(err) != "stack login was just made by another process" || !isContended(err) {
		t.Errorf("with an environment: %v", err)
	}
	if err := up(); err != nil {
		t.Errorf("after the destroy gave up: %v", err)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
}

// The engine tells of its own errors in what it displays, and prints nothing on stderr.
func TestCauseIsKept(t *testing.T) {
	t.Parallel()
	w := &workspace{name: "x", engine: &engine{}}
	fails(t, w.explainText("refresh", errors.New("exit status 255"), "", nil), fault.Failed, "refresh stack x: exit status 255")
	shown := "Refreshing (x):\n  pulumi:pulumi:Stack (shop-x):\n    error: get application: no such stack\n    error: \nResources:\n"
	fails(t, w.explainText("refresh", errors.New("exit status 255"), errorLines(shown), nil), fault.Failed, "refresh stack x: get application: no such stack")
}

//go:build linux

package stacks

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
)

// smallDisk is a file system of its own with so many bytes.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("no file system of its own can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill leaves no room in a folder's file system.
func fill(t *testing.T, folder string) (filler string) {
	t.Helper()
	filler = filepath.Join(folder, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(f, zeros{}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("fill the disk: %v", err)
	}
	return filler
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestDiskFull fills the disk between branchenv's look at it and pulumi's work. The error says what it is, and the state
// from before is there to go back to.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	folder := smallDisk(t, "64m")
	m := sandboxManager(t, folder)
	if _, err := m.Up(t.Context(), UpRequest{Branch: "topic", Image: "app:1"}); err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(folder, ".pulumi", "stacks", m.file.Project, "topic.json")
	stateCopy := filepath.Join(folder, ".branchenv", "state-copies", m.file.Project, "topic.json")
	before, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	filler := ""
	m.Observe = func(e operation.Event) {
		if e.Kind == operation.Step && e.Op == "update" {
			filler = fill(t, folder)
		}
	}
	_, err = m.Up(t.Context(), UpRequest{Branch: "topic", Image: "app:2"})
	if err == nil || !strings.Contains(err.Error(), "disk full") || !strings.Contains(fault.Hint(err).String(), "cp "+stateCopy+" "+state) {
		t.Fatalf("up on a full disk: %v, hint %q", err, fault.Hint(err).String())
	}
	m.Observe = nil
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	copied, err := os.ReadFile(stateCopy)
	if err != nil || string(copied) != string(before) {
		t.Fatalf("the copy is not the state from before: %d bytes, want %d; %v", len(copied), len(before), err)
	}
	if err := os.WriteFile(state, copied, 0o600); err != nil { // as the hint says
		t.Fatal(err)
	}
	if locks, err := filepath.Glob(filepath.Join(folder, ".pulumi", "locks", "*", "*", "topic", "*")); err == nil {
		for _, lock := range locks { // of a process that is gone; not what this test is about
			os.Remove(lock)
		}
	}
	after, err := m.Up(t.Context(), UpRequest{Branch: "topic", Image: "app:2"})
	if err != nil || after.Version != "app:2" || after.Status != backend.StatusReady {
		t.Fatalf("up with the copy put back: %+v, %v", after, err)
	}
	d, err := m.PlanDestroy(t.Context(), "topic")
	if err == nil {
		_, err = m.Destroy(t.Context(), d)
	}
	if err != nil || exists(stateCopy) {
		t.Errorf("the copy after the stack: %v, %v", exists(stateCopy), err)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

//go:build linux

package backend

import (
	"strings"
	"syscall"
	"testing"

	"github.com/branchenv/branchenv/internal/fault"
)

// TestNoRoom: what cannot end is not begun.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	if err := checkFreeSpace(smallDisk(t, "1m"), spareSpace); err == nil || !strings.Contains(err.Error(), "disk full: ") || fault.Hint(err).IsZero() {
		t.Errorf("a disk of 1 MB: %v", err)
	}
	if err := checkFreeSpace(t.TempDir(), 1); err != nil {
		t.Errorf("one byte: %v", err)
	}
}

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

package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/branchenv/branchenv/internal/fault"
)

// WorkDir is a folder in which pulumi works on one stack. It holds the stack's settings. It is locked (flock) as long as its
// process lives. So a folder that a kill -9 left behind is recognised, and the next run on the stack removes it.
type WorkDir struct {
	Path string
	held *os.File
}

// MakeWorkDir creates a work directory for a stack and removes those that were left behind. It must not be called while
// another process works on the stack: a pulumi that has outlived its branchenv still needs its folder.
func MakeWorkDir(project, stack string) (WorkDir, error) {
	if err := SweepWorkDirs(project, stack); err != nil {
		return WorkDir{}, err
	}
	prefix := workDirPrefix(project, stack)
	for {
		path, err := os.MkdirTemp("", prefix)
		if err != nil {
			return WorkDir{}, fault.Failedf("make a work directory: %w", err)
		}
		held, err := hold(path)
		if err != nil {
			return WorkDir{}, errors.Join(fault.Failedf("make a work directory: %w", err), os.RemoveAll(path))
		}
		if held != nil {
			return WorkDir{path, held}, nil
		}
	}
}

func workDirPrefix(project, stack string) string { return "branchenv." + project + "." + stack + "." }

// SweepWorkDirs removes the work directories of a stack that were left behind.
func SweepWorkDirs(project, stack string) error {
	if err := sweep(workDirPrefix(project, stack)); err != nil {
		return fault.Failedf("remove work directories left behind: %w", err)
	}
	return nil
}

// SweepDeletedStacks removes the work directories that were left behind by stacks that do not exist: nobody works on those.
func SweepDeletedStacks(project string, exists map[string]bool) error {
	entries, err := os.ReadDir(os.TempDir())
	if err != nil {
		return fault.Failedf("remove work directories left behind: %w", err)
	}
	for _, e := range entries {
		rest, ours := strings.CutPrefix(e.Name(), "branchenv."+project+".")
		stack, _, whole := strings.Cut(rest, ".")
		if ours && whole && !exists[stack] {
			if err := SweepWorkDirs(project, stack); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close removes the folder.
func (w WorkDir) Close() error { return errors.Join(os.RemoveAll(w.Path), w.held.Close()) }

// sweep removes the folders whose names begin with prefix and which no process has locked.
func sweep(prefix string) error {
	entries, err := os.ReadDir(os.TempDir())
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), prefix) {
			continue
		}
		path := filepath.Join(os.TempDir(), e.Name())
		held, err := hold(path)
		if errors.Is(err, os.ErrPermission) {
			continue // another user's
		}
		if err != nil {
			return err
		}
		if held == nil {
			continue
		}
		if err := (WorkDir{path, held}).Close(); err != nil {
			return err
		}
	}
	return nil
}

// hold locks a folder. It returns nil if another process has locked it, or removed it before.
func hold(path string) (*os.File, error) {
	f, err := os.Open(path) // a folder with a name of branchenv's
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, f.Close()
		}
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	opened, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if there, err := os.Stat(path); err != nil || !os.SameFile(opened, there) {
		return nil, f.Close()
	}
	return f, nil
}

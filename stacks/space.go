package stacks

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"syscall"

	"github.com/branchenv/branchenv/internal/fault"
	regular "github.com/branchenv/branchenv/internal/files"
)

// A disk that fills up while pulumi works on a file backend leaves a state cut short, and pulumi's own copy beside it
// (.bak) likewise (3.250, tried). So there must be room before it begins, and branchenv keeps a copy of the state as it
// was, one for each stack. Object stores replace an object whole or not at all and need neither.

// Room that must be free before pulumi works on a stack: its state as it is, its copy and what it becomes, and spare for
// the checkpoints, history and logs of the run.
const (
	spareRoom    = 32 << 20 // bytes
	statesToHold = 3
)

// stateFolder is the folder of a file backend; "" for another.
func (m *Manager) stateFolder() string {
	u, err := url.Parse(m.backendURL)
	if err != nil || u.Scheme != "file" {
		return ""
	}
	return filepath.FromSlash(u.Path)
}

// guard makes sure that there is room for a run of pulumi over a stack, and copies its state, which was read, before it.
func (m *Manager) guard(f *facts) error {
	folder := m.stateFolder()
	if folder == "" {
		return nil
	}
	state, size := m.checkpoint(f.name)
	for _, place := range []string{folder, os.TempDir()} {
		if err := room(place, spareRoom+statesToHold*uint64(size)); err != nil {
			return err
		}
	}
	if state == "" || f.state.empty() {
		return nil
	}
	data, err := regular.Read(state, size)
	if err != nil {
		return fault.Failedf("copy the state of stack %s: %w", f.name, err)
	}
	to := m.stateCopy(f.name, filepath.Ext(state))
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return fault.Failedf("copy the state of stack %s: %w", f.name, err)
	}
	if err := regular.Write(to, data, 0o600); err != nil {
		return fault.Failedf("copy the state of stack %s: %w", f.name, err)
	}
	return nil
}

// checkpoint is the file of a file backend that holds a stack's state, and its size; "" if there is none.
func (m *Manager) checkpoint(stack string) (path string, size int64) {
	for _, extension := range []string{".json", ".json.gz", ".json.zst"} {
		path := filepath.Join(m.stateFolder(), ".pulumi", "stacks", m.File.Project, stack+extension)
		if info, err := os.Stat(path); err == nil {
			return path, info.Size()
		}
	}
	return "", 0
}

// stateCopy is where a stack's state is copied to; extension is the state's.
func (m *Manager) stateCopy(stack, extension string) string {
	return filepath.Join(m.stateFolder(), ".branchenv", "state-copies", m.File.Project, stack+extension)
}

// restoring says how to put the copy of a stack's state back; "" if there is none.
func (m *Manager) restoring(stack string) string {
	state, _ := m.checkpoint(stack)
	if m.stateFolder() == "" || state == "" {
		return ""
	}
	copied := m.stateCopy(stack, filepath.Ext(state))
	if !exists(copied) {
		return ""
	}
	return fmt.Sprintf("cp %s %s", fault.ShellWord(copied), fault.ShellWord(state))
}

// forgetCopy removes the copy of a stack's state, after the stack itself.
func (m *Manager) forgetCopy(stack string) error {
	if m.stateFolder() == "" {
		return nil
	}
	var all error
	for _, extension := range []string{".json", ".gz", ".zst"} {
		if err := os.Remove(m.stateCopy(stack, extension)); !errors.Is(err, fs.ErrNotExist) {
			all = errors.Join(all, err)
		}
	}
	return all
}

// room refuses a file system that has less than need bytes free.
func room(folder string, need uint64) error {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return nil // not known: pulumi will tell
	}
	free := uint64(s.Bavail) * uint64(s.Bsize) // #nosec G115 -- a size, never negative
	if free >= need {
		return nil
	}
	return fault.Failedf("disk full: %s has %s free, and the run needs %s there", folder, megabytes(free), megabytes(need)).
		WithHint("make room there, then run the same command again; nothing was touched")
}

func megabytes(bytes uint64) string { return fmt.Sprintf("%.0f MB", float64(bytes)/(1<<20)) }

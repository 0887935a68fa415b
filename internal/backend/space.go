package backend

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/branchenv/branchenv/internal/fault"
	regular "github.com/branchenv/branchenv/internal/files"
)

// If a disk fills up while pulumi works on a file backend, the state is cut short, and so is pulumi's copy beside it (.bak;
// 3.250, tried). So branchenv first checks the free space, and keeps one copy of the previous state for each stack. Object
// stores replace an object whole or not at all and need neither.

// The space that must be free before pulumi works on a stack: for the state, its copy and the new state, and spare space for
// the checkpoints, history and logs of the run.
const (
	spareSpace   = 32 << 20 // bytes
	statesToHold = 3
)

// PrepareRun checks that there is enough disk space for a run of pulumi on a stack, and copies the state of the stack.
func (b *diyBackend) PrepareRun(f Facts) error {
	if b.root == "" {
		return nil
	}
	state, size := b.checkpointFile(f.Name)
	for _, place := range []string{b.root, os.TempDir()} {
		if err := checkFreeSpace(place, spareSpace+statesToHold*uint64(size)); err != nil {
			return err
		}
	}
	if state == "" || f.State.Empty() {
		return nil
	}
	data, err := regular.Read(state, size)
	if err != nil {
		return fault.Failedf("copy the state of stack %s: %w", f.Name, err)
	}
	to := b.stateCopy(f.Name, filepath.Ext(state))
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return fault.Failedf("copy the state of stack %s: %w", f.Name, err)
	}
	if err := regular.Write(to, data, 0o600); err != nil {
		return fault.Failedf("copy the state of stack %s: %w", f.Name, err)
	}
	return nil
}

// checkpointFile returns the file of a stack's state in a file backend, and its size; "" if there is none.
func (b *diyBackend) checkpointFile(stack string) (path string, size int64) {
	for _, extension := range []string{".json", ".json.gz", ".json.zst"} {
		path := filepath.Join(b.root, ".pulumi", "stacks", b.project, stack+extension)
		if info, err := os.Stat(path); err == nil {
			return path, info.Size()
		}
	}
	return "", 0
}

// stateCopy returns the path of the copy of a stack's state; extension is that of the state.
func (b *diyBackend) stateCopy(stack, extension string) string {
	return filepath.Join(b.root, ".branchenv", "state-copies", b.project, stack+extension)
}

// RestoreCommand returns the command that restores the copy of a stack's state; "" if there is none.
func (b *diyBackend) RestoreCommand(stack string) string {
	if b.root == "" {
		return ""
	}
	state, _ := b.checkpointFile(stack)
	if state == "" {
		return ""
	}
	copied := b.stateCopy(stack, filepath.Ext(state))
	if !exists(copied) {
		return ""
	}
	return fmt.Sprintf("cp %s %s", fault.ShellWord(copied), fault.ShellWord(state))
}

// DropStateCopy removes the copy of a stack's state. It is called after the stack was removed.
func (b *diyBackend) DropStateCopy(stack string) error {
	if b.root == "" {
		return nil
	}
	var all error
	for _, extension := range []string{".json", ".gz", ".zst"} {
		if err := os.Remove(b.stateCopy(stack, extension)); !errors.Is(err, fs.ErrNotExist) {
			all = errors.Join(all, err)
		}
	}
	return all
}

// checkFreeSpace returns an error if the file system of folder has less than need bytes free.
func checkFreeSpace(folder string, need uint64) error {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return nil // not known: pulumi will report a full disk
	}
	free := uint64(s.Bavail) * uint64(s.Bsize) // #nosec G115 -- a size, never negative
	if free >= need {
		return nil
	}
	return fault.Failedf("disk full: %s has %s free, and the run needs %s there", folder, megabytes(free), megabytes(need)).
		WithHint("make room there, then run the same command again; nothing was touched")
}

func megabytes(bytes uint64) string { return fmt.Sprintf("%.0f MB", float64(bytes)/(1<<20)) }

// PrepareRun does nothing: Pulumi Cloud keeps every version of a state.
func (b *cloudBackend) PrepareRun(Facts) error       { return nil }
func (b *cloudBackend) RestoreCommand(string) string { return "" }
func (b *cloudBackend) DropStateCopy(string) error   { return nil }

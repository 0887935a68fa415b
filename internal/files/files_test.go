package files_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/branchenv/branchenv/internal/files"
)

// strange creates one of each kind of file that is not regular.
func strange(t *testing.T, dir string) map[string]string {
	t.Helper()
	pipe, link := filepath.Join(dir, "pipe"), filepath.Join(dir, "link")
	if err := errors.Join(syscall.Mkfifo(pipe, 0o600), os.Symlink(pipe, link)); err != nil {
		t.Fatal(err)
	}
	return map[string]string{dir: "a directory", pipe: "a named pipe", link: "a named pipe", os.DevNull: "a device"}
}

// TestOnlyRegularFiles would hang if the pipe were opened like a file.
func TestOnlyRegularFiles(t *testing.T) {
	t.Parallel()
	for path, want := range strange(t, t.TempDir()) {
		_, reading := files.Read(path, 10)
		for what, err := range map[string]error{
			"Read": reading, "Append": files.Append(path, "x"), "Write": files.Write(path, []byte("x"), 0o600),
		} {
			var refused *files.NotRegularError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s of %s: %v, want %q", what, path, err, want)
			}
		}
	}
}

func TestReadIsBounded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := files.Read(path, 5); err != nil || string(data) != "12345" {
		t.Errorf("a file of the limit's size: %q, %v", data, err)
	}
	if data, err := files.Read(path, 4); !errors.Is(err, files.ErrTooLarge) || string(data) != "1234" {
		t.Errorf("a file beyond the limit: %q, %v", data, err)
	}
}

// TestWriteInOneGo checks that a reader that opened the file before sees all of the old content, and that a link stays a link.
func TestWriteInOneGo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(path, []byte("before"), 0o600), os.Symlink("file", link)); err != nil {
		t.Fatal(err)
	}
	reader, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := files.Write(link, []byte("after"), 0o644); err != nil {
		t.Fatal(err)
	}
	old := make([]byte, 10)
	n, _ := reader.Read(old)
	now, err := os.ReadFile(path)
	if string(old[:n]) != "before" || string(now) != "after" || err != nil {
		t.Errorf("before %q, after %q, %v", old[:n], now, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link: %v, %v", info, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("something was left behind: %v", entries)
	}
}

package stacks

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func nobodyDead(lock) bool { return false }

// files are a backend's files with their contents.
func files(t *testing.T, folder string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := fs.WalkDir(os.DirFS(folder), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(folder, path))
		found[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// What create writes is, byte for byte, what `pulumi stack init` writes, without the secrets provider that it adds at
// once, in a second checkpoint.
func TestCreateAsPulumi(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.run("stack", "init", "one")
	theirs := files(t, c.backend)
	checkpoint, _, found := strings.Cut(theirs[".pulumi/stacks/shop/one.json"], `,"latest":`)
	if !found {
		t.Fatalf("pulumi wrote %v", theirs)
	}
	want := map[string]string{".pulumi/meta.yaml": theirs[".pulumi/meta.yaml"], ".pulumi/stacks/shop/one.json": checkpoint + "}}"}
	folder := t.TempDir()
	b := openTest(t, folder)
	if err := b.create(t.Context(), "one", nil, nobodyDead); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, files(t, folder)); diff != "" {
		t.Errorf("files differ (-pulumi +branchenv):\n%s", diff)
	}
	if err := b.create(t.Context(), "one", nil, nobodyDead); !errors.Is(err, errStackExists) {
		t.Errorf("a second time: %v, want %v", err, errStackExists)
	}
	if diff := cmp.Diff(want, files(t, folder)); diff != "" {
		t.Errorf("files after the second time (-want +got):\n%s", diff)
	}
	if err := b.create(t.Context(), "one-more", nil, nobodyDead); err != nil {
		t.Errorf("a stack whose name begins like another's: %v", err)
	}
}

// A `pulumi stack init` that was killed between its two checkpoints has made an empty stack.
func TestHalfInit(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.run("stack", "init", "one")
	stack := filepath.Join(c.backend, ".pulumi/stacks/shop/one.json")
	if err := os.Rename(stack+".bak", stack); err != nil {
		t.Fatal(err)
	}
	f, err := openTest(t, c.backend).read(t.Context(), "one")
	if err != nil || f == nil || f.status() != StatusEmpty {
		t.Errorf("%+v, %v", f, err)
	}
}

// A stack is made only by who holds its lock; what a killed run has left behind does not keep the next from it.
func TestCreateLocked(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	b := openTest(t, folder)
	held := filepath.Join(folder, ".pulumi/locks/organization/shop/one/1.json")
	write(t, held, `{"pid":1,"username":"ada","hostname":"elsewhere"}`)
	if err := b.create(t.Context(), "one", nil, nobodyDead); !errors.Is(err, errStackLocked) {
		t.Errorf("a locked stack: %v, want %v", err, errStackLocked)
	}
	if got := files(t, folder); len(got) != 1 {
		t.Errorf("left behind beside the lock: %v", got)
	}
	if err := b.create(t.Context(), "one", nil, func(l lock) bool { return l.Hostname == "elsewhere" }); err != nil {
		t.Fatal(err)
	}
	for name := range files(t, folder) {
		if strings.Contains(name, "/locks/") {
			t.Errorf("left behind: %s", name)
		}
	}
}

// Of many that make a stack at once, one makes it.
func TestCreateAtOnce(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	var group sync.WaitGroup
	results := make([]error, 8)
	for i := range results {
		b := openTest(t, folder)
		group.Go(func() {
			for {
				if results[i] = b.create(t.Context(), "one", nil, nobodyDead); !errors.Is(results[i], errStackLocked) {
					return
				}
			}
		})
	}
	group.Wait()
	made := 0
	for _, err := range results {
		if err == nil {
			made++
		} else if !errors.Is(err, errStackExists) {
			t.Error(err)
		}
	}
	if left := len(files(t, folder)); made != 1 || left != 2 {
		t.Errorf("made %d times, want once; %d files, want 2", made, left)
	}
}

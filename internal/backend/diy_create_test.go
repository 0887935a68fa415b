package backend

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/pulumitest"
)

func nobodyDead(Lock) bool { return false }

// What create writes is, byte for byte, what `pulumi stack init` writes, without the secrets provider that it adds at
// once, in a second checkpoint.
func TestCreateAsPulumi(t *testing.T) {
	t.Parallel()
	c := pulumitest.NewCLI(t)
	c.Run("stack", "init", "one")
	theirs := pulumitest.Files(t, c.Backend)
	checkpoint, _, found := strings.Cut(theirs[".pulumi/stacks/shop/one.json"], `,"latest":`)
	if !found {
		t.Fatalf("pulumi wrote %v", theirs)
	}
	want := map[string]string{".pulumi/meta.yaml": theirs[".pulumi/meta.yaml"], ".pulumi/stacks/shop/one.json": checkpoint + "}}"}
	folder := t.TempDir()
	b := openTest(t, folder)
	if err := b.Create(t.Context(), "one", nil, nobodyDead); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, pulumitest.Files(t, folder)); diff != "" {
		t.Errorf("files differ (-pulumi +branchenv):\n%s", diff)
	}
	if err := b.Create(t.Context(), "one", nil, nobodyDead); !errors.Is(err, ErrExists) {
		t.Errorf("a second time: %v, want %v", err, ErrExists)
	}
	if diff := cmp.Diff(want, pulumitest.Files(t, folder)); diff != "" {
		t.Errorf("files after the second time (-want +got):\n%s", diff)
	}
	if err := b.Create(t.Context(), "one-more", nil, nobodyDead); err != nil {
		t.Errorf("a stack whose name begins like another's: %v", err)
	}
}

// A `pulumi stack init` that was killed between its two checkpoints has made an empty stack.
func TestHalfInit(t *testing.T) {
	t.Parallel()
	c := pulumitest.NewCLI(t)
	c.Run("stack", "init", "one")
	stack := filepath.Join(c.Backend, ".pulumi/stacks/shop/one.json")
	if err := os.Rename(stack+".bak", stack); err != nil {
		t.Fatal(err)
	}
	f, err := openTest(t, c.Backend).Read(t.Context(), "one")
	if err != nil || f == nil || f.Status() != StatusEmpty {
		t.Errorf("%+v, %v", f, err)
	}
}

// A stack is made only by who holds its lock; what a killed run has left behind does not keep the next from it.
func TestCreateLocked(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	b := openTest(t, folder)
	held := filepath.Join(folder, ".pulumi/locks/organization/shop/one/1.json")
	pulumitest.WriteFile(t, held, `{"pid":1,"username":"ada","hostname":"elsewhere"}`)
	if err := b.Create(t.Context(), "one", nil, nobodyDead); !errors.Is(err, ErrLocked) {
		t.Errorf("a locked stack: %v, want %v", err, ErrLocked)
	}
	if got := pulumitest.Files(t, folder); len(got) != 1 {
		t.Errorf("left behind beside the lock: %v", got)
	}
	if err := b.Create(t.Context(), "one", nil, func(l Lock) bool { return l.Hostname == "elsewhere" }); err != nil {
		t.Fatal(err)
	}
	for name := range pulumitest.Files(t, folder) {
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
				if results[i] = b.Create(t.Context(), "one", nil, nobodyDead); !errors.Is(results[i], ErrLocked) {
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
		} else if !errors.Is(err, ErrExists) {
			t.Error(err)
		}
	}
	if left := len(pulumitest.Files(t, folder)); made != 1 || left != 2 {
		t.Errorf("made %d times, want once; %d files, want 2", made, left)
	}
}

package engine

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What nobody holds is removed with the next work directory of the same stack; what is held, or another's, stays.
func TestWorkDirLeftBehind(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	held, err := MakeWorkDir("shop", "topic")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"branchenv.shop.topic.1", "branchenv.shop.other.1", "branchenv.shop.topic-2.1"} {
		if err := os.Mkdir(filepath.Join(os.TempDir(), name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	second, err := MakeWorkDir("shop", "topic")
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	left := func() []string {
		names := []string{}
		entries, err := os.ReadDir(os.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	want := []string{"branchenv.shop.other.1", "branchenv.shop.topic-2.1", filepath.Base(held.Path)}
	if diff := cmp.Diff(want, left()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want[:2], left()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

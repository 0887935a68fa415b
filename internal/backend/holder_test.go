package backend

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/branchenv/branchenv/internal/pulumitest"
)

// What is left of a note whose writer was killed while it wrote goes with the next run; one that is being written stays.
func TestHalfNotes(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	b := openTest(t, folder)
	notes := filepath.Join(folder, filepath.FromSlash(b.holderFolder("x")))
	dead, alive := filepath.Join(notes, "999999999-A.json.1.tmp"), filepath.Join(notes, strconv.Itoa(os.Getpid())+"-A.json.1.tmp")
	pulumitest.WriteFile(t, dead, "{")
	pulumitest.WriteFile(t, alive, "{")
	b.sweepNotes(t.Context(), "x")
	if _, err := os.Stat(dead); !os.IsNotExist(err) {
		t.Errorf("%s stayed: %v", dead, err)
	}
	if _, err := os.Stat(alive); err != nil {
		t.Error(err)
	}
}

package backend

import (
	"os"
	"path/filepath"
	"testing"
)

// A folder's name may hold what has a meaning in a URL: what is written there is read back.
func TestOddFolder(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "100% #1?")
	address, err := FolderURL(folder)
	if err != nil {
		t.Fatal(err)
	}
	b, err := openDIY(t.Context(), address, "shop")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.SetTags(t.Context(), "x", map[string]string{"a": "b"}); err != nil {
		t.Error(err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	u, err := os.ReadDir(filepath.Dir(folder))
	if err != nil || len(u) != 1 || u[0].Name() != "100% #1?" {
		t.Errorf("folders %v, %v", u, err)
	}
}

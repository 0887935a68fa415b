package stacks

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/zstd"

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/pulumitest"
	"github.com/branchenv/branchenv/internal/stackstest"
)

// What is destroyed, and what is shown of one environment, is read from where it is kept, whatever the index says; and an index that is
// damaged, or of another format, is as good as none.
func TestIndexIsNotBelieved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	long := time.Now().Add(-time.Hour)
	for i := range 32 {
		stackstest.Write(t, dir, fmt.Sprintf("s%d", i))
	}
	err := filepath.WalkDir(filepath.Join(dir, ".pulumi"), func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chtimes(path, long, long)
	})
	if err != nil {
		t.Fatal(err)
	}
	m := folderManager(t, dir)
	m.account = onceOK[string]{known: true, value: "123456789012"}
	b, index := m.backend, filepath.Join(dir, ".branchenv/index-shop.json.zst")
	honest, err := b.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := m.PlanDestroy(t.Context(), "s3")
	if err != nil {
		t.Fatal(err)
	}
	decoder, _ := zstd.NewReader(nil)
	text, err := decoder.DecodeAll(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	forged := strings.ReplaceAll(string(text), `"branchenv:branch":"s3"`, `"branchenv:branch":"s4"`)
	encoder, _ := zstd.NewWriter(nil)
	pulumitest.WriteFile(t, index, string(encoder.EncodeAll([]byte(forged), nil)))
	if listed, err := b.List(t.Context()); err != nil || cmp.Equal(told(honest), told(listed)) {
		t.Fatalf("the forged index is not even read, %v: the test tells nothing", err)
	}
	again, err := m.PlanDestroy(t.Context(), "s3")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plan, again, cmp.AllowUnexported(Destruction{}), cmpopts.IgnoreUnexported(backend.Facts{}, backend.Lock{})); diff != "" {
		t.Errorf("what would be destroyed (-by the objects +by a forged index):\n%s", diff)
	}
	if e, err := m.Show(t.Context(), "s3"); err != nil || e.Branch != "s3" {
		t.Errorf("%+v, %v", e, err)
	}
	for name, content := range map[string]string{"damaged": "rubbish", "empty": "", "another format": string(encoder.EncodeAll([]byte(strings.Replace(forged, `"format":1`, `"format":99`, 1)), nil))} {
		pulumitest.WriteFile(t, index, content)
		listed, err := b.List(t.Context())
		if diff := cmp.Diff(told(honest), told(listed)); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}

// told is what facts say, for comparing.
func told(all []backend.Facts) []string {
	var lines []string
	for _, f := range all {
		last := "-"
		if f.LastUpdate != nil {
			last = fmt.Sprint(*f.LastUpdate)
		}
		lines = append(lines, fmt.Sprintf("%s %v %v %s %v %v %v", f.Name, f.Tags, f.State, last, f.Broken, f.Unfinished, f.Locks))
	}
	return lines
}

package backend

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/pulumitest"
)

// With the index a list says what it says without, whatever has been done to the backend since the index was written: also what changes
// neither a file's size nor, beyond what its file system tells apart, its time.
func TestIndexAgrees(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pulumitest.WriteFile(t, filepath.Join(dir, ".pulumi/meta.yaml"), "version: 1")
	b := openTest(t, dir)
	choose := rand.New(rand.NewPCG(3, 4))
	clock := time.Now().Add(-time.Hour) // of the file system, and of whoever reads
	b.now = func() time.Time { return clock }
	put := func(file, content string) {
		file = filepath.Join(dir, ".pulumi", file)
		pulumitest.WriteFile(t, file, content)
		if err := os.Chtimes(file, clock, clock); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(file string) {
		if err := os.RemoveAll(filepath.Join(dir, ".pulumi", file)); err != nil {
			t.Fatal(err)
		}
	}
	mutate := func() {
		name := fmt.Sprintf("s%d", choose.IntN(40))
		digit := choose.IntN(10)
		state := fmt.Sprintf(`{"version":3,"checkpoint":{"latest":{"resources":[{"type":"pulumi:pulumi:Stack","outputs":{"url":"https://%d"}}]}}}`, digit)
		switch choose.IntN(9) {
		case 0, 1, 2:
			put("stacks/shop/"+name+".json", state)
		case 3:
			put("stacks/shop/"+name+".pulumi-tags", fmt.Sprintf(`{"version":1,"tags":{"branchenv:branch":"%d"}}`, digit))
		case 4:
			put(fmt.Sprintf("history/shop/%s/%s-%d.history.json", name, name, choose.IntN(3)), fmt.Sprintf(`{"kind":"update","result":"succeeded","endTime":%d}`, digit))
		case 5:
			remove("stacks/shop/" + name + ".pulumi-tags")
		case 6:
			remove("stacks/shop/" + name + ".json")
		case 7:
			remove("history/shop/" + name)
		case 8:
			put("stacks/shop/"+name+".json", state[:len(state)-choose.IntN(2)]) // damaged, half of the time
		}
	}
	used := 0
	for round := range 150 {
		for range choose.IntN(12) {
			mutate()
			if choose.IntN(3) == 0 {
				clock = clock.Add(time.Duration(choose.IntN(3000)) * time.Millisecond)
			}
		}
		with, err := b.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ix := b.openIndex(t.Context())
		inv, err := b.inventory(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		for name, k := range inv {
			if _, ok := ix.get(name, k); ok {
				used++
			}
		}
		kept, err := os.ReadFile(filepath.Join(dir, b.indexKey()))
		if err != nil && round > 50 {
			t.Fatal(err)
		}
		_ = os.Remove(filepath.Join(dir, b.indexKey()))
		without, err := b.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(told(without), told(with)); diff != "" {
			t.Fatalf("round %d: (-without the index +with it)\n%s", round, diff)
		}
		if kept != nil {
			pulumitest.WriteFile(t, filepath.Join(dir, b.indexKey()), string(kept))
		}
		if choose.IntN(3) > 0 {
			clock = clock.Add(time.Minute)
		}
	}
	if used < 100 {
		t.Errorf("the index told of %d stacks only: the test tells nothing", used)
	}
}

// told is what facts say, for comparing.
func told(all []Facts) []string {
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

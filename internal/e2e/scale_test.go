//go:build unix

package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/branchenv/branchenv/internal/github/githubtest"
)

// grow makes so many environments out of branch topic's, each with a state of the size that an environment leaves (112 kB), its copy, and
// three updates in its history; and says that all of it is an hour old.
func (w *world) grow(b *testing.B, environments int) []string {
	b.Helper()
	branches := w.multiply(b, environments)
	long := time.Now().Add(-time.Hour)
	for _, stack := range branches {
		state := filepath.Join(w.state(), "stacks", "shop", stack+".json")
		history := filepath.Join(w.state(), "history", "shop", stack)
		copies := []string{state + ".bak"}
		for n := 1; n <= 3; n++ {
			copies = append(copies, filepath.Join(history, fmt.Sprintf("%s-%d.checkpoint.json", stack, n)))
		}
		for _, c := range copies {
			if err := os.Link(state, c); err != nil && !os.IsExist(err) {
				b.Fatal(err)
			}
		}
		for n := 1; n <= 2; n++ {
			if err := os.WriteFile(filepath.Join(history, fmt.Sprintf("%s-%d.history.json", stack, n)), []byte("{}"), 0o600); err != nil {
				b.Fatal(err)
			}
		}
	}
	err := filepath.WalkDir(w.state(), func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chtimes(path, long, long)
	})
	if err != nil {
		b.Fatal(err)
	}
	return branches
}

// BenchmarkScale is what the commands take among 10 environments and among 2008, with states of real size on a backend in files, and 3010
// branches. "first" is without an index of the states. It reports the most memory that the process had.
func BenchmarkScale(b *testing.B) {
	for _, environments := range []int{10, 2008} {
		w := newWorld(b, "environment")
		branches := append(w.grow(b, environments), "main")
		for n := len(branches); n < 3010; n++ {
			branches = append(branches, fmt.Sprintf("more%d", n))
		}
		index := filepath.Join(filepath.Dir(w.state()), ".branchenv", "index-shop.json.zst")
		measure := func(name string, prepare func(), args ...string) {
			b.Run(fmt.Sprintf("%s/environments=%d", name, environments), func(b *testing.B) {
				peak, cpu := int64(0), time.Duration(0)
				for range b.N {
					b.StopTimer()
					prepare()
					b.StartTimer()
					p := w.begin(b, args...)
					if r := p.wait(); r.code != 0 {
						b.Fatalf("exit code %d\n%s", r.code, r.err)
					}
					peak = max(peak, p.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
					cpu += p.ProcessState.UserTime() + p.ProcessState.SystemTime()
				}
				b.ReportMetric(cpu.Seconds()/float64(b.N), "cpu-s/op") // what it takes on a machine that others use, too
				b.ReportMetric(float64(peak)/1024, "peak-MB")
			})
		}
		nothing := func() {}
		forget := func() { _ = os.Remove(index) }
		measure("list-first", forget, "list")
		measure("list", nothing, "list")
		measure("show", nothing, "show", "topic")
		measure("doctor", nothing, "doctor")
		measure("up", nothing, "up", "topic")
		measure("up-new", func() { w.must(b, "destroy", "new", "--yes") }, "up", "new", "--image", image)
		measure("destroy", func() { w.must(b, "up", "new", "--image", image) }, "destroy", "new", "--yes")
		w.asks(b, githubtest.New(b, branches...))
		time.Sleep(4 * time.Second) // what has just been written is in no index
		measure("reconcile-first", forget, "reconcile")
		measure("reconcile", nothing, "reconcile")
		measure("why", nothing, "why", "topic", "--reconcile")
	}
}

//go:build unix

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/branchenv/branchenv/internal/github/githubtest"
)

// multiply copies the stack of branch topic in the backend until there are so many environments, topic and copy1 to
// copyN, and returns their branches.
func (w *world) multiply(b *testing.B, environments int) []string {
	b.Helper()
	history, err := filepath.Glob(filepath.Join(w.state(), "history", "shop", "topic", "*.history.json"))
	if err != nil || len(history) == 0 {
		b.Fatalf("history of topic: %v, %v", history, err)
	}
	originals := []string{filepath.Join(w.state(), "stacks", "shop", "topic.json"), filepath.Join(w.state(), "stacks", "shop", "topic.pulumi-tags"), history[0]}
	branches := []string{"topic"}
	for n := 1; n < environments; n++ {
		copied := fmt.Sprintf("copy%d", n)
		branches = append(branches, copied)
		for _, original := range originals {
			data, err := os.ReadFile(original)
			if err != nil {
				b.Fatal(err)
			}
			below := strings.ReplaceAll(strings.TrimPrefix(original, w.state()), "topic", copied)
			target := filepath.Join(w.state(), below)
			if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
				b.Fatal(err)
			}
			if err := os.WriteFile(target, []byte(strings.ReplaceAll(string(data), "topic", copied)), 0o600); err != nil {
				b.Fatal(err)
			}
		}
	}
	return branches
}

// asks has the settings name a repository of GitHub as the source, and branchenv ask hub.
func (w *world) asks(b *testing.B, hub *githubtest.GitHub) {
	b.Helper()
	w.settings(b, "source:\n  git: .\n", "source:\n  github: acme/shop\n")
	w.env = append(w.env, "GITHUB_API_URL="+hub.URL, "GITHUB_TOKEN=token", "GITHUB_REPOSITORY=")
	w.must(b, "adopt", "--from", "git:"+w.dir, "--yes")
}

// pulumi runs pulumi itself over the sandbox's backend.
func (w *world) pulumi(b *testing.B, args ...string) {
	b.Helper()
	p, err := w.command()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(base.dir, "bin", "pulumi"), append([]string{"--non-interactive"}, args...)...)
	cmd.Dir, cmd.Env = w.dir, append(p.Env, "PULUMI_BACKEND_URL=file://"+filepath.Dir(w.state()), "PULUMI_CONFIG_PASSPHRASE=")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("pulumi %s: %v\n%s", args, err, out)
	}
}

// BenchmarkList200 lists 200 environments; beside it, `pulumi stack ls`, which tells less.
func BenchmarkList200(b *testing.B) {
	const environments = 200
	w := newWorld(b, "environment")
	w.multiply(b, environments)
	b.Run("branchenv", func(b *testing.B) {
		before := len(w.pulumis())
		for b.Loop() {
			if r := w.must(b, "list"); strings.Count(r.out, "\n") != environments+1 {
				b.Fatalf("%d lines", strings.Count(r.out, "\n"))
			}
		}
		b.ReportMetric(float64(len(w.pulumis())-before)/float64(b.N), "processes/op")
	})
	b.Run("pulumi", func(b *testing.B) {
		for b.Loop() {
			w.pulumi(b, "stack", "ls", "--json")
		}
		b.ReportMetric(1, "processes/op")
	})
}

// BenchmarkReconcile1000 is a reconcile with nothing to do over 1000 stacks, the application stack among them, and 1000
// branches, with the first answers of GitHub and with answers that have not changed since. Beside it, the naive way:
// pulumi is asked for each stack's tags and outputs, measured on a few and scaled; GitHub's part is left out of that.
func BenchmarkReconcile1000(b *testing.B) {
	const all, measured = 1000, 10
	w := newWorld(b, "environment")
	hub := githubtest.New(b, append(w.multiply(b, all-1), "main")...)
	w.asks(b, hub)
	run := func(b *testing.B, forget bool) {
		cache := filepath.Join(w.dir, ".branchenv", "cache")
		if !forget {
			w.must(b, "reconcile")
		}
		hub.Taken()
		before, requests, unchanged := len(w.pulumis()), 0, 0
		for b.Loop() {
			if forget {
				if err := os.RemoveAll(cache); err != nil {
					b.Fatal(err)
				}
			}
			if r := w.must(b, "reconcile"); !strings.Contains(r.err, "nothing to do") || strings.Count(r.out, "\n") != all+2 {
				b.Fatalf("%s%s", r.out[:min(len(r.out), 2000)], r.err)
			}
			asked, same := hub.Taken()
			requests, unchanged = requests+len(asked), unchanged+same
		}
		b.ReportMetric(float64(len(w.pulumis())-before)/float64(b.N), "processes/op")
		b.ReportMetric(float64(requests)/float64(b.N), "requests/op")
		b.ReportMetric(float64(unchanged)/float64(b.N), "unchanged/op")
	}
	b.Run("first", func(b *testing.B) { run(b, true) })
	b.Run("again", func(b *testing.B) { run(b, false) })
	b.Run("naive", func(b *testing.B) {
		var took time.Duration
		for b.Loop() {
			begun := time.Now()
			for n := 1; n <= measured; n++ {
				stack := fmt.Sprintf("copy%d", n)
				w.pulumi(b, "stack", "select", stack)
				w.pulumi(b, "stack", "tag", "ls", "--json")
				w.pulumi(b, "stack", "output", "--json")
			}
			took += time.Since(begun)
		}
		b.ReportMetric(0, "ns/op") // of the few; the whole is
		b.ReportMetric(took.Seconds()/float64(b.N)*all/measured, "s/1000-stacks")
		b.ReportMetric(3*all, "processes/1000-stacks")
	})
}

// BenchmarkDestroy20 is a reconcile that destroys twenty environments, each of which waits 5 s for AWS, so many at once.
// It reports the memory of all processes together at its peak: branchenv's and each pulumi's, with what they share
// counted once.
func BenchmarkDestroy20(b *testing.B) {
	const environments = 20
	made := newWorld(b, "application")
	made.git(b, "", "-c", "user.name=ada", "-c", "user.email=ada@example.com", "commit", "-q", "--allow-empty", "-m", "first")
	for n := range environments {
		made.must(b, "up", fmt.Sprintf("branch%d", n), "--image", image)
	}
	for _, parallel := range []int{1, 2, 4, 8} {
		b.Run(fmt.Sprintf("parallel=%d", parallel), func(b *testing.B) {
			peak := 0
			for range b.N {
				b.StopTimer()
				w := newWorld(b, "bare")
				if err := os.RemoveAll(w.dir); err != nil {
					b.Fatal(err)
				}
				if err := copyTree(w.dir, made.dir); err != nil {
					b.Fatal(err)
				}
				w.env = []string{"BRANCHENV_SANDBOX_WAIT=2"} // a removal waits 1 s for the environment, 1.5 s for the database
				b.StartTimer()
				p := w.begin(b, "reconcile", "--yes", "--max-destroy", strconv.Itoa(environments), "--parallel", strconv.Itoa(parallel))
				done := make(chan struct{})
				measured := make(chan int)
				go func() { measured <- w.peak(p, done) }()
				r := p.wait()
				close(done)
				peak = max(peak, <-measured)
				if r.code != 0 || strings.Count(r.out, "\ndone ") != environments {
					b.Fatalf("exit code %d\n%s%s", r.code, r.out, r.err)
				}
			}
			b.ReportMetric(float64(peak)/1024, "peak-MB")
		})
	}
}

// peak is the most memory that p and its pulumis have at a time until done, in kB.
func (w *world) peak(p *process, done <-chan struct{}) int {
	most := 0
	for {
		sum := 0
		for _, pid := range append(slices.Clone(w.pulumis()), p.Process.Pid) {
			sum += memory(pid)
		}
		most = max(most, sum)
		select {
		case <-done:
			return most
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// memory is a process's proportional set size in kB; 0 where it has ended.
func memory(pid int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		var size int
		if n, err := fmt.Sscanf(line, "Pss: %d kB", &size); n == 1 && err == nil {
			return size
		}
	}
	return 0
}

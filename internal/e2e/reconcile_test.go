//go:build unix

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/reconcile/plan"
	"github.com/branchenv/branchenv/internal/sandbox"
	"github.com/branchenv/branchenv/stacks"
	"github.com/branchenv/branchenv/stacks/names"
)

// TestReconcileRealNames takes the names of a real repository's branches, makes environments for some of the odder ones,
// deletes those branches and reconciles. One bucket was removed by hand, one is full of versions and markers, one stack
// is locked, and one destroy fails: the rest goes, and the next run does what was left. In the end nothing is there but
// what the application stack has.
func TestReconcileRealNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "application")
	names, odd := realNames(t)
	made := odd[:6]
	bucketless, full, locked := made[0], made[1], made[2]
	refs := "commit refs/heads/main\ncommitter ada <ada@example.com> 1760000000 +0000\ndata 5\nfirst\n"
	for _, name := range names {
		if name != "main" {
			refs += "reset refs/heads/" + name + "\nfrom refs/heads/main\n\n"
		}
	}
	w.git(t, refs, "fast-import", "--quiet", "--force")
	before := w.resources(t)
	for _, name := range made {
		w.must(t, "up", name, "--image", image)
	}
	if plan := w.plan(t); len(plan.Todo()) != 0 || plan.Branches < len(names) {
		t.Fatalf("%d branches, of %d: %+v", plan.Branches, len(names), plan.Todo())
	}
	environments := w.environments(t)
	bucket := environments[bucketless].Bucket
	if _, err := w.store(t).DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	w.must(t, "sandbox", "fill", environments[full].Bucket, "--versions", "300")
	lock := w.lock(t, environments[locked].Stack, 1, "elsewhere")
	w.faults(t, sandbox.Fault{On: "delete", Type: typeDatabase, Kind: sandbox.Fail})
	for _, name := range made {
		w.git(t, "", "branch", "-q", "-D", "--", name)
	}
	if diff := cmp.Diff(sorted(made[:2], made[3:]), w.doomed(t, "5")); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	r := w.run(t, "reconcile", "--yes", "--max-destroy", "5")
	if r.code != 99 || strings.Count(r.out, "\ndone ") != 4 || strings.Count(r.out, "\nFAILED ") != 1 ||
		!strings.Contains(r.out, "its branch is gone, but it is being updated") || !strings.Contains(r.err, "the sandbox was told to fail here") {
		t.Fatalf("exit code %d\n%s%s", r.code, r.out, r.err)
	}
	if left := w.environments(t); len(left) != 2 || left[locked].Stack == "" {
		t.Errorf("environments that are left: %+v", left)
	}
	if err := os.Remove(lock); err != nil {
		t.Fatal(err)
	}
	w.must(t, "reconcile", "--yes", "--max-destroy", "2")
	if diff := cmp.Diff(before, w.resources(t)); diff != "" {
		t.Errorf("left behind:\n%s", diff)
	}
	if plan := w.plan(t); len(plan.Todo()) != 0 {
		t.Errorf("a second run plans %+v", plan.Todo())
	}
}

// Two runs at once share the work: who comes second to a stack waits, decides again and finds it done.
func TestTwoReconciles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "application")
	w.settings(t, "\nbranches:\n", "\nbranches:\n  - {match: 'auto/*', create: auto, image: \"registry.example.com/shop:{sha}\"}\n")
	w.git(t, "", "-c", "user.name=ada", "-c", "user.email=ada@example.com", "commit", "-q", "--allow-empty", "-m", "first")
	branches := []string{"auto/1", "auto/2", "auto/3"}
	before := w.resources(t)
	both := func() {
		first, second := w.begin(t, "reconcile", "--yes", "--max-destroy", "3"), w.begin(t, "reconcile", "--yes", "--max-destroy", "3")
		for _, r := range []result{first.wait(), second.wait()} {
			if r.code != 0 {
				t.Errorf("exit code %d:\n%s%s", r.code, r.out, r.err)
			}
		}
	}
	for _, name := range branches {
		w.git(t, "", "branch", "-q", name)
	}
	both()
	if list := w.must(t, "list").out; strings.Count(list, "  ready  ") != len(branches) {
		t.Errorf("after two runs that create:\n%s", list)
	}
	w.git(t, "", append([]string{"branch", "-q", "-D"}, branches...)...)
	both()
	if diff := cmp.Diff(before, w.resources(t)); diff != "" {
		t.Errorf("left behind:\n%s", diff)
	}
}

// realNames are the names of a real repository's branches, and those of them whose slugs have a hash, some from
// everywhere in the list.
func realNames(t *testing.T) (all, odd []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "stacks", "names", "testdata", "branches-172.txt"))
	if err != nil {
		t.Fatal(err)
	}
	all = strings.Fields(string(text))
	for _, name := range all {
		slug, err := names.Slug(name)
		if err != nil {
			t.Fatal(err)
		}
		if slug != name && len(name)%5 == 0 {
			odd = append(odd, name)
		}
	}
	return all, odd
}

func sorted(parts ...[]string) []string {
	all := slices.Concat(parts...)
	slices.Sort(all)
	return all
}

// TestKilledInReconcile kills reconcile at many points while it destroys an environment and updates another, and repeats
// it until it has nothing to do: the end is the same as without the kill.
func TestKilledInReconcile(t *testing.T) {
	t.Parallel()
	points := slices.Concat(
		processes("before 1 destroy", "after 1 destroy", "before 2 destroy", "after 2 destroy", "before 1 stack rm", "after 1 stack rm", "before 1 up", "after 1 up"),
		clock(time.Second, 5*time.Second, 1500*time.Millisecond),
		steps(t, "delete", "topic"),
	)
	every := 1
	if os.Getenv(allPoints) == "" {
		every = (len(points) + 2) / 3
	}
	begin := func(t *testing.T) *world {
		w := newWorld(t, "environment")
		w.git(t, "", "-c", "user.name=ada", "-c", "user.email=ada@example.com", "commit", "-q", "--allow-empty", "-m", "first")
		w.git(t, "", "branch", "auto")
		w.settings(t, "\nbranches:\n", "\nbranches:\n  - {match: auto, create: auto, image: \"registry.example.com/shop:{sha}\"}\n")
		return w
	}
	for i := 0; i < len(points); i += every {
		p := points[i]
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			w := begin(t)
			w.killed(t, p, []string{"reconcile", "--yes"})
			until(t, "there is nothing to do and nobody at work", func() bool {
				r := w.run(t, "reconcile", "--yes")
				if r.code != 0 && r.code != 99 {
					t.Fatalf("exit code %d\n%s%s", r.code, r.out, r.err)
				}
				return strings.Contains(r.err, "nothing to do") && !strings.Contains(r.out, "being updated")
			})
			list := w.must(t, "list").out
			if strings.Contains(list, "topic") || strings.Count(list, "  ready  ") != 1 {
				t.Errorf("in the end:\n%s", list)
			}
			w.must(t, "destroy", "auto", "--yes")
			if diff := cmp.Diff(nothing(t), w.ending(t)); diff != "" {
				t.Errorf("-before the up +after\n%s", diff)
			}
		})
	}
}

func (w *world) git(t testing.TB, input string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", w.dir}, args...)...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v\n%s", args, err, out)
	}
}

// plan is what reconcile would do.
func (w *world) plan(t *testing.T, flags ...string) (plan plan.Plan) {
	t.Helper()
	w.decode(t, &plan, append([]string{"reconcile", "--json"}, flags...)...)
	return plan
}

// doomed are the branches whose environments reconcile would destroy, sorted; it must not want anything else.
func (w *world) doomed(t *testing.T, allow string) []string {
	t.Helper()
	names := []string{}
	for _, step := range w.plan(t, "--max-destroy", allow).Todo() {
		if step.Action != plan.Destroy {
			t.Errorf("%+v", step)
		}
		names = append(names, step.Branch)
	}
	return names
}

// environments are those that there are, by branch.
func (w *world) environments(t *testing.T) map[string]stacks.Environment {
	t.Helper()
	var list []stacks.Environment
	w.decode(t, &list, "list", "--json")
	found := map[string]stacks.Environment{}
	for _, e := range list {
		found[e.Branch] = e
	}
	return found
}

// decode runs branchenv and reads the JSON document that it prints.
func (w *world) decode(t *testing.T, into any, args ...string) {
	t.Helper()
	decode(t, []byte(w.must(t, args...).out), into)
}

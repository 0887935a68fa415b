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

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/sandbox"
	"github.com/branchenv/branchenv/stacks"
)

// TestReconcileRealNames takes the names of a real repository's branches, makes environments for some of the odder ones,
// deletes those branches and reconciles. One bucket is full of versions and markers, and one destroy fails: the rest goes, and the next run does what was left. In the end nothing is there but what the
// application stack has.
func TestReconcileRealNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "application")
	text, err := os.ReadFile(filepath.Join("..", "..", "stacks", "testdata", "branches-172.txt"))
	if err != nil {
		t.Fatal(err)
	}
	names := strings.Fields(string(text))
	var made []string
	for _, name := range names {
		slug, err := stacks.Slug(name)
		if err != nil {
			t.Fatal(err)
		}
		if slug != name && len(made) < 4 && len(name)%5 == 0 {
			made = append(made, name)
		}
	}
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
	buckets := w.buckets(t)
	w.must(t, "sandbox", "fill", buckets[made[1]], "--versions", "300")
	w.faults(t, sandbox.Fault{On: "delete", Type: "aws:rds/instance:Instance", Kind: sandbox.Fail})
	for _, name := range made {
		w.git(t, "", "branch", "-q", "-D", "--", name)
	}
	var doomed []string
	for _, step := range w.plan(t).Todo() {
		doomed = append(doomed, step.Branch)
	}
	slices.Sort(made)
	if diff := cmp.Diff(made, doomed); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	r := w.run(t, "reconcile", "--yes", "--max-destroy", "4")
	if r.code != 99 || strings.Count(r.out, "\ndone ") != 3 || strings.Count(r.out, "\nFAILED ") != 1 {
		t.Fatalf("exit code %d\n%s%s", r.code, r.out, r.err)
	}
	w.must(t, "reconcile", "--yes")
	if diff := cmp.Diff(before, w.resources(t)); diff != "" {
		t.Errorf("left behind:\n%s", diff)
	}
	if plan := w.plan(t); len(plan.Todo()) != 0 {
		t.Errorf("a second run plans %+v", plan.Todo())
	}
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
		settings, err := os.ReadFile(filepath.Join(w.dir, "branchenv.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(string(settings), "\nbranches:\n", "\nbranches:\n  - {match: auto, create: auto, image: \"registry.example.com/shop:{sha}\"}\n", 1)
		if text == string(settings) {
			t.Fatalf("no branches in the settings:\n%s", settings)
		}
		if err := os.WriteFile(filepath.Join(w.dir, "branchenv.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
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

func (w *world) git(t *testing.T, input string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", w.dir}, args...)...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v\n%s", args, err, out)
	}
}

// plan is what reconcile would do.
func (w *world) plan(t *testing.T) (plan stacks.Plan) {
	t.Helper()
	w.decode(t, &plan, "reconcile", "--json", "--max-destroy", "4")
	return plan
}

// buckets are the environments' buckets, by branch.
func (w *world) buckets(t *testing.T) map[string]string {
	t.Helper()
	var list []stacks.Environment
	w.decode(t, &list, "list", "--json")
	buckets := map[string]string{}
	for _, e := range list {
		buckets[e.Branch] = e.Bucket
	}
	return buckets
}

// decode runs branchenv and reads the JSON document that it prints.
func (w *world) decode(t *testing.T, into any, args ...string) {
	t.Helper()
	decode(t, []byte(w.must(t, args...).out), into)
}

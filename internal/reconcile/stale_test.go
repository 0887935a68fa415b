package reconcile

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/pulumitest"
	"github.com/branchenv/branchenv/internal/reconcile/plan"
	"github.com/branchenv/branchenv/internal/stackstest"
	"github.com/branchenv/branchenv/stacks"
	"github.com/branchenv/branchenv/stacks/names"
	"github.com/branchenv/branchenv/stacks/program"
)

// readHook is a backend in which something happens before one of the reads of a stack, counted from 1.
type readHook struct {
	backend.Backend
	mu    sync.Mutex
	reads int
	at    int
	do    func()
}

func (b *readHook) Read(ctx context.Context, name string) (*backend.Facts, error) {
	b.mu.Lock()
	b.reads++
	if b.reads == b.at {
		b.do()
	}
	b.mu.Unlock()
	return b.Backend.Read(ctx, name)
}

// TestNothingIsDestroyedByOldFacts: an update that ends, or a keep, before any of the reads of a stack that is to be
// destroyed is seen, the last read being right before the engine is started.
func TestNothingIsDestroyedByOldFacts(t *testing.T) {
	t.Parallel()
	keep := func(t *testing.T, folder string) {
		stackstest.Write(t, folder, "quiet", old, func(_ *program.Spec, tags map[string]string, _ *backend.Update) {
			tags[names.TagKeep] = stackstest.Noon.Add(stackstest.Day).Format(time.RFC3339)
		})
	}
	up := func(t *testing.T, folder string) { stackstest.Write(t, folder, "quiet") }
	reads, begun := destroyQuiet(t, 0, nil)
	if reads < 4 || len(begun.Kept) > 0 {
		t.Fatalf("%d reads, %+v: the test's destroy is not begun", reads, begun)
	}
	for name, meanwhile := range map[string]func(t *testing.T, folder string){"keep": keep, "up": up} {
		for at := 1; at < reads; at++ { // the last read is after pulumi has failed
			t.Run(fmt.Sprint(name, at), func(t *testing.T) {
				t.Parallel()
				if _, out := destroyQuiet(t, at, meanwhile); len(out.Kept) != 1 || len(out.Failed) > 0 {
					t.Errorf("before read %d of %d: %+v", at, reads, out)
				}
			})
		}
	}
}

// old has an update of a long time ago.
func old(_ *program.Spec, _ map[string]string, last *backend.Update) {
	last.StartTime, last.EndTime = stackstest.Noon.Add(-9*stackstest.Day).Unix(), stackstest.Noon.Add(-9*stackstest.Day).Unix()
}

// destroyQuiet carries out a plan that destroys an expired environment, with a pulumi that fails at once. meanwhile is done
// before one of the reads. It returns how many reads there were, and the outcome: a failure if pulumi was started.
func destroyQuiet(t *testing.T, at int, meanwhile func(t *testing.T, folder string)) (int, Outcome) {
	t.Helper()
	folder := t.TempDir()
	stackstest.Write(t, folder, "quiet", old)
	hook := &readHook{Backend: stackstest.Open(t, folder), at: at, do: func() { meanwhile(t, folder) }}
	m := folderManager(t, folder, func(o *stacks.Options) {
		o.State, o.Source, o.Pulumi = hook, shop{}, pulumitest.Script(t, "echo no >&2; exit 1")
	})
	held, err := readStacks(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	in := planInput(held, nil)
	in.Branches = append(in.Branches, plan.Branch{Name: "quiet", Commit: stackstest.Head, CommittedAt: stackstest.Noon.Add(-9 * stackstest.Day)})
	in.Rules, in.Now = func(string, string, string) (config.Rule, error) {
		return config.Rule{Kind: "branch", TTL: 3 * stackstest.Day}, nil
	}, stackstest.Noon
	made := plan.Make(in)
	if !slices.ContainsFunc(made.Todo(), func(s plan.Step) bool { return s.Action == plan.Destroy }) {
		t.Fatalf("%+v", made)
	}
	hook.start()
	run := &Run{Input: in, Plan: made, manager: m, source: &fakeSource{branch: func(string) (bool, error) { return true, nil }}}
	out := run.CarryOut(t.Context(), Options{Parallel: 1})
	return hook.reads, out
}

// start counts the reads from here on.
func (b *readHook) start() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reads = 0
}

// shop is a source that can be asked.
type shop struct{}

func (shop) Identity(context.Context) (names.Repository, error) {
	return names.Repository{ID: stackstest.ShopID, Name: "github.com/acme/shop", Default: "main"}, nil
}
func (shop) String() string { return "github.com/acme/shop" }

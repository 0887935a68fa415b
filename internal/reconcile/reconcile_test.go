package reconcile

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault/faulttest"
	"github.com/branchenv/branchenv/internal/reconcile/plan"
	"github.com/branchenv/branchenv/internal/stackstest"
	"github.com/branchenv/branchenv/stacks"
	"github.com/branchenv/branchenv/stacks/program"
)

// loggedBackend records that the stacks were listed.
type loggedBackend struct {
	backend.Backend
	list func()
}

func (b loggedBackend) List(ctx context.Context) ([]backend.Facts, error) {
	b.list()
	return b.Backend.List(ctx)
}

// TestPrepare: the stacks are read before the branches, and a branch that is not listed is asked for before its environment is to go.
func TestPrepare(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, branch := range []string{"gone", "hidden", "stale"} {
		stackstest.Write(t, folder, branch, func(_ *program.Spec, _ map[string]string, last *backend.Update) {
			if branch == "stale" {
				old(nil, nil, last)
			}
		})
	}
	source := &fakeSource{list: []string{"main", "stale"}}
	source.branch = func(name string) (bool, error) {
		source.asked = append(source.asked, "branch "+name)
		return name == "hidden", nil
	}
	m := folderManager(t, folder, func(o *stacks.Options) {
		o.State = loggedBackend{stackstest.Open(t, folder), func() { source.asked = append(source.asked, "stacks") }}
	})
	exactly, grace := 2, 30*time.Minute
	run, err := Prepare(t.Context(), m, source, Overrides{ExactDestroy: &exactly, Grace: &grace})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"stacks", "branches", "branch gone", "branch hidden"}, source.asked); diff != "" {
		t.Errorf("asked in this order (-want +got):\n%s", diff)
	}
	got := map[string]plan.Action{}
	for _, step := range run.Plan.Steps {
		got[step.Branch] = step.Action
	}
	// The head of stale is of noon, so the environment has not expired.
	want := map[string]plan.Action{"gone": plan.Destroy, "hidden": plan.Keep, "stale": plan.Keep, "main": plan.Create}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"hidden"}, run.Unlisted); diff != "" {
		t.Error(diff)
	}
	if run.Input.Grace != grace || *run.Input.Limits.ExactDestroy != exactly || run.Input.Limits.ExactCreate != nil {
		t.Errorf("overrides: %+v", run.Input)
	}
}

// TestPrepareFails: without an answer there is no plan, and nothing to do.
func TestPrepareFails(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	stackstest.Write(t, folder, "gone")
	source := &fakeSource{list: []string{"main"}, branch: func(string) (bool, error) { return false, errors.New("GitHub is away") }}
	run, err := Prepare(t.Context(), folderManager(t, folder), source, Overrides{})
	if faulttest.Message(err) != "GitHub is away" || run == nil {
		t.Errorf("%+v, %v", run, err)
	}
}

func TestUnsolved(t *testing.T) {
	t.Parallel()
	run := &Run{
		Plan: plan.Plan{Steps: []plan.Step{{Stack: "planned", Action: plan.Update}, {Stack: "kept", Action: plan.Keep}}},
		Input: plan.Input{Stacks: []plan.Stack{
			{Name: "good", Tag: "good"}, {Name: "planned", Incomplete: true}, {Name: "kept", Incomplete: true}, {Name: "locked", Incomplete: true, Locked: true},
			{Name: "left", Unconfirmed: "1 resource"}, {Name: "foreign", Foreign: "x"}, {Name: "broken", Unreadable: "no"}, {Name: "blank", Empty: true},
			{Name: "removed", Tag: "removed", Empty: true},
		}},
	}
	if n := run.Unsolved(); n != 5 {
		t.Errorf("%d", n)
	}
}

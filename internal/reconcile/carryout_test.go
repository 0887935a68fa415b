package reconcile

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/fault/faulttest"
	"github.com/branchenv/branchenv/internal/github"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/internal/pulumitest"
	"github.com/branchenv/branchenv/internal/reconcile/plan"
	"github.com/branchenv/branchenv/internal/stackstest"
	"github.com/branchenv/branchenv/stacks"
	"github.com/branchenv/branchenv/stacks/names"
	"github.com/branchenv/branchenv/stacks/program"
)

func TestStackFacts(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	stackstest.Write(t, folder, "good")
	stackstest.Write(t, folder, "failed", func(_ *program.Spec, tags map[string]string, last *backend.Update) {
		tags[names.TagUpdated] = stackstest.Noon.Add(-20 * time.Hour).Format(time.RFC3339)
		last.Result = "failed"
	})
	stackstest.Write(t, folder, "never-updated", func(_ *program.Spec, _ map[string]string, last *backend.Update) { last.Result = "failed" })
	stackstest.Write(t, folder, "held", func(spec *program.Spec, tags map[string]string, _ *backend.Update) {
		tags[names.TagKeep], tags[names.TagProtected], tags[names.TagLike] = stackstest.Noon.Add(time.Hour).Format(time.RFC3339), "true", "good"
		spec.Commit = ""
	})
	stackstest.Lock(t, folder, "held")
	pulumitest.WriteFile(t, filepath.Join(folder, ".pulumi/stacks/shop/new.json"), `{"version":3,"checkpoint":{}}`)
	got, err := readStacks(t.Context(), folderManager(t, folder))
	if err != nil {
		t.Fatal(err)
	}
	full := func(branch string, change func(*plan.Stack)) plan.Stack {
		s := plan.Stack{Name: branch, Tag: branch, Branch: branch, Version: stackstest.BranchSpec(t).Version.Image, Commit: stackstest.Head, UpdatedAt: stackstest.Noon.Add(-50 * time.Minute), ChangedAt: stackstest.Noon.Add(-50 * time.Minute), Source: stackstest.ShopID}
		change(&s)
		return s
	}
	want := []plan.Stack{
		full("failed", func(s *plan.Stack) { s.Incomplete, s.UpdatedAt = true, stackstest.Noon.Add(-20*time.Hour) }),
		full("good", func(*plan.Stack) {}),
		full("held", func(s *plan.Stack) {
			s.Locked, s.Protected, s.Like, s.KeepUntil, s.Commit = true, true, "good", stackstest.Noon.Add(time.Hour), ""
		}),
		full("never-updated", func(s *plan.Stack) { s.Incomplete, s.UpdatedAt = true, stackstest.Noon.Add(-90*time.Hour) }),
		{Name: "new", Empty: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestCarryOut: none of these steps gets as far as pulumi.
func TestCarryOut(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, branch := range []string{"back", "panics", "unsure", "locked", "guarded"} {
		stackstest.Write(t, folder, branch, func(_ *program.Spec, tags map[string]string, _ *backend.Update) {
			if branch == "guarded" {
				tags[names.TagProtected] = "true"
			}
		})
	}
	m := folderManager(t, folder)
	held, err := readStacks(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	for i := range held {
		held[i].Protected = false // as it was before somebody protected it
	}
	in := planInput(held, config.RulesOf(m.Settings()))
	made := plan.Make(in)
	if len(made.Todo()) != 5 {
		t.Fatalf("%+v", made)
	}
	stackstest.Lock(t, folder, "locked")
	var asked []string
	var mu sync.Mutex
	run := &Run{Input: in, Plan: made, manager: m, source: &fakeSource{branch: func(branch string) (bool, error) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, branch)
		switch branch {
		case "back":
			return true, nil
		case "panics":
			panic("no luck")
		case "unsure":
			return false, errors.New("GitHub is away")
		}
		return false, nil
	}}}
	out := run.CarryOut(t.Context(), Options{Parallel: 3, LockWait: time.Nanosecond})
	gone := func(branch string) plan.Step {
		return plan.Step{Branch: branch, Stack: branch, Action: plan.Destroy, Reason: fault.Textf("its branch is gone")}
	}
	failure := func(branch, text string) Failure {
		return Failure{gone(branch), text, fault.Command{"destroy", branch, "--yes"}}
	}
	kept := []plan.Step{gone("back"), gone("guarded")}
	kept[0].Reason = fault.Textf("it is at its branch's head, aaaaaaaa; it expires at 2026-03-04 12:00 UTC, 72h after its branch's last commit, and is gone by 2026-03-04 13:00 UTC")
	kept[1].Reason = fault.Textf("its branch is gone, but it is protected: it was protected when it was last updated")
	host, _ := os.Hostname()
	want := Outcome{Done: []plan.Step{}, NotBegun: []plan.Step{}, Kept: kept, Failed: []Failure{
		failure("locked", "stack locked is locked by ada@"+host+", process "), failure("panics", "branchenv has a bug: no luck"), failure("unsure", "GitHub is away"),
	}}
	for i, f := range out.Failed {
		if f.Branch == "locked" {
			out.Failed[i].Error, _, _ = strings.Cut(f.Error, "process ")
			out.Failed[i].Error += "process "
		}
	}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	slices.Sort(asked)
	if diff := cmp.Diff([]string{"back", "guarded", "panics", "unsure"}, asked); diff != "" {
		t.Error(diff)
	}
	if err := out.Err(); fault.Code(err) != fault.Partial || err.Error() != "3 environments of 5 failed" {
		t.Errorf("%v", err)
	}
}

// After a wish to stop nothing more is begun.
func TestCarryOutStopped(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	stackstest.Write(t, folder, "a")
	stackstest.Write(t, folder, "b")
	m := folderManager(t, folder)
	m.Stop = operation.NewStopper()
	held, err := readStacks(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	in := planInput(held, config.RulesOf(m.Settings()))
	run := &Run{Input: in, Plan: plan.Make(in), manager: m, source: &fakeSource{branch: func(string) (bool, error) {
		m.Stop.Stop()
		return false, errors.New("asked")
	}}}
	out := run.CarryOut(t.Context(), Options{Parallel: 1})
	if len(out.Failed) != 1 || len(out.NotBegun) != 1 || out.NotBegun[0].Branch != "b" {
		t.Errorf("%+v", out)
	}
	out.Failed = nil
	if err := out.Err(); fault.Code(err) != fault.Failed || err.Error() != "stopped on request: 1 step not begun" {
		t.Errorf("%v", err)
	}
	if err := (Outcome{Done: out.NotBegun}).Err(); err != nil {
		t.Error(err)
	}
}

func TestKeep(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	stackstest.Write(t, folder, "mine")
	stackstest.Write(t, folder, "other", func(_ *program.Spec, tags map[string]string, _ *backend.Update) { tags[names.TagBranch] = "Other" })
	pulumitest.WriteFile(t, filepath.Join(folder, ".pulumi/stacks/shop/new.json"), `{"version":3,"checkpoint":{}}`)
	m := folderManager(t, folder)
	until := stackstest.Noon.Add(100 * time.Hour)
	e, err := m.Keep(t.Context(), "mine", until)
	if err != nil || !e.ExpiresAt.Equal(until.Add(time.Hour)) {
		t.Errorf("%+v, %v", e, err)
	}
	held, err := readStacks(t.Context(), m)
	if err != nil || !held[0].KeepUntil.Equal(until) || held[0].Tag != "mine" {
		t.Errorf("%+v, %v", held, err)
	}
	for branch, want := range map[string]string{
		"other": `stack other belongs to branch "Other", not to "other"`, "absent": `branch "absent" has no environment`,
		"new": `the environment of branch "new" was not finished, or went away just now`,
	} {
		if _, err := m.Keep(t.Context(), branch, until); faulttest.Message(err) != want {
			t.Errorf("%s: %v, want %s", branch, err, want)
		}
	}
}

func TestHeartbeat(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	var clock time.Time
	m := folderManager(t, folder, func(o *stacks.Options) { o.Now = func() time.Time { return clock } })
	beat := func(at time.Time, problem error) Heartbeat {
		clock = at
		if err := Beat(t.Context(), m, problem); err != nil {
			t.Fatal(err)
		}
		h, err := ReadHeartbeat(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	first, err := ReadHeartbeat(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	got := []Heartbeat{first, beat(stackstest.Noon, errors.New("no luck")), beat(stackstest.Noon.Add(time.Hour), nil), beat(stackstest.Noon.Add(2*time.Hour), errors.New(strings.Repeat("x", 200)))}
	pulumitest.WriteFile(t, filepath.Join(folder, ".branchenv/heartbeat-shop.json"), "{")
	if _, err := ReadHeartbeat(t.Context(), m); fault.Hint(err).IsZero() {
		t.Errorf("damaged: %v, want a hint", err)
	}
	got = append(got, beat(stackstest.Noon.Add(3*time.Hour), errors.New("again")))
	want := []Heartbeat{
		{}, {Run: stackstest.Noon, Problem: "no luck"}, {Run: stackstest.Noon.Add(time.Hour), Good: stackstest.Noon.Add(time.Hour)},
		{Run: stackstest.Noon.Add(2 * time.Hour), Good: stackstest.Noon.Add(time.Hour), Problem: strings.Repeat("x", 100) + "…"},
		{Run: stackstest.Noon.Add(3 * time.Hour), Problem: "again"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// folderManager is a Manager over a backend in a folder. Its AWS knows whose the credentials are, and nothing else.
func folderManager(t *testing.T, folder string, change ...func(*stacks.Options)) stacks.Manager {
	t.Helper()
	file, err := config.Parse("branchenv.yaml", []byte("project: shop\nregion: eu-central-1\ndomain: preview.example.com\nsource: {git: .}\n"+
		"kinds: {branch: {create: auto, image: 'registry.example.com/app:{sha}'}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	o := stacks.Options{
		File: file, Env: func(string) string { return "" }, Now: func() time.Time { return stackstest.Noon },
		Backend: "file://" + folder, Extra: stackstest.ServeAWS(t, "123456789012"),
	}
	for _, c := range change {
		c(&o)
	}
	m, err := stacks.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// fakeSource is a source of the branches that branch reports, and of those in the list. Each head is stackstest.Head, of noon.
type fakeSource struct {
	list   []string
	branch func(name string) (bool, error) // reports whether a single branch exists
	asked  []string                        // the calls, if a test looks at them
}

func (f *fakeSource) String() string { return "github.com/acme/shop" }

func (f *fakeSource) Branches(context.Context) (github.List, error) {
	f.asked = append(f.asked, "branches")
	list := github.List{Identity: github.Identity{ID: stackstest.ShopID}, Default: "main"}
	for _, name := range f.list {
		list.Branches = append(list.Branches, github.Branch{Name: name, Commit: stackstest.Head})
	}
	return list, nil
}

func (f *fakeSource) Branch(_ context.Context, name string) (github.Branch, bool, error) {
	exists, err := f.branch(name)
	return github.Branch{Name: name, Commit: stackstest.Head}, exists, err
}

func (f *fakeSource) Dates(_ context.Context, commits []string) (map[string]time.Time, error) {
	dates := map[string]time.Time{}
	for _, commit := range commits {
		dates[commit] = stackstest.Noon
	}
	return dates, nil
}

// planInput is what a plan is made from; main is there, and no other branch.
func planInput(held []plan.Stack, rules config.Rules) plan.Input {
	return plan.Input{
		Source: "github.com/acme/shop", SourceID: stackstest.ShopID, Default: "main", Branches: []plan.Branch{{Name: "main", Commit: stackstest.Head}},
		Stacks: held, Rules: rules, Limits: plan.Limits{MaxDestroy: 5, Share: 1, MaxCreate: 5}, Now: stackstest.Noon, Interval: time.Hour, Grace: 10 * time.Minute,
	}
}

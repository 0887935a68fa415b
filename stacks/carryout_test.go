package stacks

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/fault"
)

// keepBackend writes a stack of a branch into the folder of a backend: it has a bucket and was updated at noon.
func keepBackend(t *testing.T, folder, branch string, change ...func(spec *Spec, tags map[string]string, last *update)) {
	t.Helper()
	slug, err := Slug(branch)
	if err != nil {
		t.Fatal(err)
	}
	spec := branchSpec()
	spec.Branch, spec.Stack, spec.Commit = branch, slug, headA
	tags := map[string]string{tagBranch: BranchTag(branch), tagSource: shopID, tagCreated: noon.Add(-90 * time.Hour).Format(time.RFC3339)}
	last := updated(t, nil)
	for _, c := range change {
		c(&spec, tags, last)
	}
	text := func(v any) string {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	last.Config = map[string]json.RawMessage{"shop:" + specKey: json.RawMessage(text(spec))}
	pulumi := filepath.Join(folder, ".pulumi")
	write(t, filepath.Join(pulumi, "meta.yaml"), "version: 1")
	write(t, filepath.Join(pulumi, "stacks/shop", slug+".json"), `{"version":3,"checkpoint":{"latest":`+text(stateIn(slug, nil, typeBucket))+`}}`)
	write(t, filepath.Join(pulumi, "stacks/shop", slug+".pulumi-tags"), text(tagsFile{tagsVersion, tags}))
	write(t, filepath.Join(pulumi, "history/shop", slug, slug+"-1.history.json"), text(last))
}

// holdStack locks a stack as a process that is alive.
func holdStack(t *testing.T, folder, stack string) {
	t.Helper()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(lock{Pid: os.Getpid(), Hostname: host, Username: "ada", Timestamp: noon.Add(-time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, ".pulumi/locks/organization/shop", stack, "1.json"), string(text))
}

// folderManager is a Manager over a backend in a folder; it has no AWS and must not get as far as asking it.
func folderManager(t *testing.T, folder string) *Manager {
	t.Helper()
	m := manager(t, "kinds: {branch: {create: auto, image: 'registry.example.com/app:{sha}'}}\n")
	m.backend, m.backendURL = openTest(t, folder), "file://"+folder
	return m
}

func TestStackFacts(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	keepBackend(t, folder, "good")
	keepBackend(t, folder, "failed", func(_ *Spec, tags map[string]string, last *update) {
		tags[tagUpdated] = noon.Add(-20 * time.Hour).Format(time.RFC3339)
		last.Result = "failed"
	})
	keepBackend(t, folder, "never-updated", func(_ *Spec, _ map[string]string, last *update) { last.Result = "failed" })
	keepBackend(t, folder, "held", func(spec *Spec, tags map[string]string, _ *update) {
		tags[tagKeep], tags[tagProtected], tags[tagLike] = noon.Add(time.Hour).Format(time.RFC3339), "true", "good"
		spec.Commit = ""
	})
	holdStack(t, folder, "held")
	write(t, filepath.Join(folder, ".pulumi/stacks/shop/new.json"), `{"version":3,"checkpoint":{}}`)
	got, err := StackFacts(t.Context(), folderManager(t, folder))
	if err != nil {
		t.Fatal(err)
	}
	full := func(branch string, change func(*StackFact)) StackFact {
		s := StackFact{Name: branch, Tag: branch, Branch: branch, Version: branchSpec().Version.Image, Commit: headA, UpdatedAt: noon.Add(-50 * time.Minute), ChangedAt: noon.Add(-50 * time.Minute), Source: shopID}
		change(&s)
		return s
	}
	want := []StackFact{
		full("failed", func(s *StackFact) { s.Incomplete, s.UpdatedAt = true, noon.Add(-20*time.Hour) }),
		full("good", func(*StackFact) {}),
		full("held", func(s *StackFact) {
			s.Locked, s.Protected, s.Like, s.KeepUntil, s.Commit = true, true, "good", noon.Add(time.Hour), ""
		}),
		full("never-updated", func(s *StackFact) { s.Incomplete, s.UpdatedAt = true, noon.Add(-90*time.Hour) }),
		{Name: "new", Empty: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestAgain: what a step becomes when it is decided once more with what is true right before it begins.
func TestAgain(t *testing.T) {
	t.Parallel()
	gone := fact(t, "gone", time.Hour)
	kept := fact(t, "gone", 100*time.Hour, func(s *StackFact) { s.KeepUntil = planNow.Add(day) })
	locked := fact(t, "gone", time.Hour, func(s *StackFact) { s.Locked = true })
	other := fact(t, "gone", time.Hour, func(s *StackFact) { s.Tag, s.Branch = "Gone", "Gone" })
	auto := fact(t, "auto", time.Hour)
	destroy := PlanStep{Branch: "gone", Stack: "gone", Action: ActionDestroy}
	update := PlanStep{Branch: "auto", Stack: "auto", Action: ActionUpdate}
	create := PlanStep{Branch: "auto", Stack: "auto", Action: ActionCreate}
	tests := map[string]struct {
		step  PlanStep
		head  *PlanBranch
		stack *StackFact
		want  Action
	}{
		"still gone":                      {destroy, nil, &gone, ActionDestroy},
		"it came back":                    {destroy, &PlanBranch{Name: "gone", Commit: headA}, &gone, ActionKeep},
		"it came back, and is expired":    {destroy, &PlanBranch{Name: "gone", Commit: headA, CommittedAt: ago(90 * day)}, ptr(fact(t, "gone", 100*time.Hour)), ActionDestroy},
		"it came back, and is to be kept": {destroy, &PlanBranch{Name: "gone", Commit: headA, CommittedAt: ago(90 * day)}, &kept, ActionKeep},
		"somebody works on it":            {destroy, nil, &locked, ActionKeep},
		"another branch's by now":         {destroy, nil, &other, ActionUnmanaged},
		"destroyed meanwhile":             {destroy, nil, nil, ActionSkip},
		"to be updated":                   {update, &PlanBranch{Name: "auto", Commit: headB, CommittedAt: ago(time.Hour)}, &auto, ActionUpdate},
		"updated meanwhile":               {update, &PlanBranch{Name: "auto", Commit: headA, CommittedAt: ago(time.Hour)}, &auto, ActionKeep},
		"its branch went":                 {update, nil, &auto, ActionDestroy},
		"to be made":                      {create, &PlanBranch{Name: "auto", Commit: headB, CommittedAt: ago(time.Hour)}, nil, ActionCreate},
		"made meanwhile":                  {create, &PlanBranch{Name: "auto", Commit: headA, CommittedAt: ago(time.Hour)}, &auto, ActionKeep},
		"never to be made":                {create, nil, nil, ActionSkip},
	}
	for name, test := range tests {
		in := planInput([]PlanBranch{{Name: "auto", Commit: headA, CommittedAt: ago(time.Hour)}}, []StackFact{fact(t, "other", time.Hour), gone})
		before := len(in.Branches)
		var head PlanBranch
		if test.head != nil {
			head = *test.head
		}
		if got := in.again(test.step, head, test.head != nil, test.stack); got.Action != test.want || got.Reason == "" {
			t.Errorf("%s: %+v, want %s", name, got, test.want)
		}
		if len(in.Branches) != before || in.Branches[1].Name != "auto" {
			t.Errorf("%s: the input was changed: %+v", name, in.Branches)
		}
	}
}

func ptr[T any](v T) *T { return &v }

// TestCarryOut: none of these steps gets as far as pulumi.
func TestCarryOut(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, branch := range []string{"back", "panics", "unsure", "locked", "guarded"} {
		keepBackend(t, folder, branch, func(_ *Spec, tags map[string]string, _ *update) {
			if branch == "guarded" {
				tags[tagProtected] = "true"
			}
		})
	}
	m := folderManager(t, folder)
	held, err := StackFacts(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	for i := range held {
		held[i].Protected = false // as it was before somebody protected it
	}
	in := planInput(nil, held)
	in.Rules = RulesOf(m.File)
	made := MakePlan(in)
	if len(made.Todo()) != 5 {
		t.Fatalf("%+v", made)
	}
	holdStack(t, folder, "locked")
	var asked []string
	var mu sync.Mutex
	out := Run(t.Context(), m, in, made, CarryOut{Parallel: 3, LockWait: time.Nanosecond, Head: func(_ context.Context, branch string) (PlanBranch, bool, error) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, branch)
		switch branch {
		case "back":
			return PlanBranch{Name: branch, Commit: headA, CommittedAt: noon}, true, nil
		case "panics":
			panic("no luck")
		case "unsure":
			return PlanBranch{}, false, errors.New("GitHub is away")
		}
		return PlanBranch{}, false, nil
	}})
	gone := func(branch string) PlanStep {
		return PlanStep{Branch: branch, Stack: branch, Action: ActionDestroy, Reason: "its branch is gone"}
	}
	failure := func(branch, text string) Failure {
		return Failure{gone(branch), text, "branchenv destroy " + branch + " --yes"}
	}
	kept := []PlanStep{gone("back"), gone("guarded")}
	kept[0].Reason = "it is at its branch's head, aaaaaaaa; it expires at 2026-03-04 12:00 UTC, 72h after its branch's last commit, and is gone by 2026-03-04 13:00 UTC"
	kept[1].Reason = "its branch is gone, but it is protected: it was protected when it was last updated"
	host, _ := os.Hostname()
	want := Outcome{Done: []PlanStep{}, Left: []PlanStep{}, Kept: kept, Failed: []Failure{
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
	keepBackend(t, folder, "a")
	keepBackend(t, folder, "b")
	m := folderManager(t, folder)
	m.Stop = NewStopper()
	held, err := StackFacts(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	in := planInput(nil, held)
	in.Rules = RulesOf(m.File)
	out := Run(t.Context(), m, in, MakePlan(in), CarryOut{Parallel: 1, Head: func(context.Context, string) (PlanBranch, bool, error) {
		m.Stop.Stop()
		return PlanBranch{}, false, errors.New("asked")
	}})
	if len(out.Failed) != 1 || len(out.Left) != 1 || out.Left[0].Branch != "b" {
		t.Errorf("%+v", out)
	}
	out.Failed = nil
	if err := out.Err(); fault.Code(err) != fault.Failed || err.Error() != "stopped on request: 1 step not begun" {
		t.Errorf("%v", err)
	}
	if err := (Outcome{Done: out.Left}).Err(); err != nil {
		t.Error(err)
	}
}

func TestKeep(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	keepBackend(t, folder, "mine")
	keepBackend(t, folder, "other", func(_ *Spec, tags map[string]string, _ *update) { tags[tagBranch] = "Other" })
	write(t, filepath.Join(folder, ".pulumi/stacks/shop/new.json"), `{"version":3,"checkpoint":{}}`)
	m := folderManager(t, folder)
	until := noon.Add(100 * time.Hour)
	e, err := m.Keep(t.Context(), "mine", until)
	if err != nil || !e.ExpiresAt.Equal(until.Add(time.Hour)) {
		t.Errorf("%+v, %v", e, err)
	}
	held, err := StackFacts(t.Context(), m)
	if err != nil || !held[0].KeepUntil.Equal(until) || held[0].Tag != "mine" {
		t.Errorf("%+v, %v", held, err)
	}
	for branch, want := range map[string]string{
		"other": `stack other belongs to branch "Other", not to "other"`, "absent": `branch "absent" has no environment`,
		"new": `the environment of branch "new" was not finished, or went away just now`,
	} {
		if _, err := m.Keep(t.Context(), branch, until); message(err) != want {
			t.Errorf("%s: %v, want %s", branch, err, want)
		}
	}
}

func TestHeartbeat(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	m := folderManager(t, folder)
	beat := func(at time.Time, problem error) Heartbeat {
		m.now = func() time.Time { return at }
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
	got := []Heartbeat{first, beat(noon, errors.New("no luck")), beat(noon.Add(time.Hour), nil), beat(noon.Add(2*time.Hour), errors.New(strings.Repeat("x", 200)))}
	write(t, filepath.Join(folder, ".branchenv/heartbeat-shop.json"), "{")
	if _, err := ReadHeartbeat(t.Context(), m); fault.Hint(err) == "" {
		t.Errorf("damaged: %v, want a hint", err)
	}
	got = append(got, beat(noon.Add(3*time.Hour), errors.New("again")))
	want := []Heartbeat{
		{}, {Run: noon, Problem: "no luck"}, {Run: noon.Add(time.Hour), Good: noon.Add(time.Hour)},
		{Run: noon.Add(2 * time.Hour), Good: noon.Add(time.Hour), Problem: strings.Repeat("x", 100) + "…"},
		{Run: noon.Add(3 * time.Hour), Problem: "again"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

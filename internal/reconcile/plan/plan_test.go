package plan

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/stacks/names"
)

var (
	planNow  = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	headA    = strings.Repeat("a", 40)
	headB    = strings.Repeat("b", 40)
	longName = strings.Repeat("long/", 60) + "end"
)

// ago is a time before planNow.
func ago(d time.Duration) time.Time { return planNow.Add(-d) }

const day = 24 * time.Hour

// shopID is the identity of the source in these tests.
const shopID = "github:1296269"

// planRules are rules by the beginning of the branch's name: auto, manual, skip, guarded, broken; forever has no ttl. 日本
// is automatic, and nothing of it can stand in an image's tag.
func planRules(branch, like, stack string) (config.Rule, error) {
	if like != "" {
		branch = like
	}
	rule := config.Rule{Kind: "branch", TTL: 3 * day}
	switch {
	case strings.HasPrefix(branch, "broken"):
		return config.Rule{}, fault.Usagef("spot and several instances")
	case strings.HasPrefix(branch, "auto"):
		rule.Auto, rule.Image = true, "registry.example.com/app:{sha}"
	case strings.HasPrefix(branch, "日本"):
		rule.Auto, rule.Image = true, "registry.example.com/app:{branch}"
	case strings.HasPrefix(branch, "bundle"):
		rule.Auto = true
	case strings.HasPrefix(branch, "skip"):
		rule.Skipped = `it matches "skip*" of the settings' skip`
	case strings.HasPrefix(branch, "guarded"), stack == "guarded-stack":
		rule.Protected = `it matches "guarded*" of the settings' protected`
	case strings.HasPrefix(branch, "forever"), branch == "main":
		rule.TTL = 0
	}
	return rule, nil
}

// fact is a healthy stack of branch, last updated so long ago.
func fact(t testing.TB, branch string, updated time.Duration, change ...func(*Stack)) Stack {
	t.Helper()
	slug, err := names.Slug(branch)
	if err != nil {
		t.Fatal(err)
	}
	s := Stack{Name: slug, Tag: names.BranchTag(branch), Branch: branch, UpdatedAt: ago(updated), ChangedAt: ago(updated), Source: shopID, SourceName: "github.com/acme/shop", Commit: headA, Version: "registry.example.com/app:" + headA}
	for _, c := range change {
		c(&s)
	}
	return s
}

func planInput(branches []Branch, stacks []Stack) Input {
	return Input{
		Source: "github.com/acme/shop", SourceID: shopID, Default: "main", Branches: append([]Branch{{Name: "main", Commit: headA}}, branches...), Stacks: stacks,
		Rules: planRules, Limits: Limits{MaxDestroy: 5, Share: 1, MaxCreate: 5}, Now: planNow, Interval: time.Hour, Grace: 10 * time.Minute,
	}
}

// TestDecisions: one branch, one stack, or both, and what follows.
func TestDecisions(t *testing.T) {
	t.Parallel()
	at := func(name string, age time.Duration) *Branch {
		return &Branch{Name: name, Commit: headA, CommittedAt: ago(age)}
	}
	moved := func(name string, age time.Duration) *Branch {
		return &Branch{Name: name, Commit: headB, CommittedAt: ago(age)}
	}
	undated := func(name string) *Branch { return &Branch{Name: name, Commit: headA} }
	stack := func(branch string, updated time.Duration, change ...func(*Stack)) *Stack {
		s := fact(t, branch, updated, change...)
		return &s
	}
	locked := func(s *Stack) { s.Locked = true }
	incomplete := func(s *Stack) { s.Incomplete = true }
	empty := func(s *Stack) { s.Empty = true }
	untagged := func(s *Stack) { s.Tag, s.Branch = "", "" }
	unrecorded := func(s *Stack) { s.Commit = "" }
	kept := func(d time.Duration) func(*Stack) { return func(s *Stack) { s.KeepUntil = planNow.Add(d) } }
	tests := []struct {
		what   string
		branch *Branch
		stack  *Stack
		want   Action
		reason string // a part of it
	}{
		{"gone", nil, stack("x", day), Destroy, "its branch is gone"},
		{"gone, of another repository", nil, stack("x", day, func(s *Stack) { s.Source, s.SourceName = "github:2", "github.com/acme/shop" }), Unmanaged, "it follows the branches of another source, github.com/acme/shop (github:2)"},
		{"listed, of another repository", at("auto/x", day), stack("auto/x", day, func(s *Stack) { s.Source, s.SourceName = "git:/srv/shop.git", "/srv/shop.git" }), Unmanaged, "it follows the branches of another source, git:/srv/shop.git"},
		{"gone, not known of which repository", nil, stack("x", day, func(s *Stack) { s.Source = "" }), Keep, "its branch is gone in github.com/acme/shop, but its stack does not record which repository its branch is of: record it with branchenv up x, or for all such stacks with branchenv adopt"},
		{"expired, not known of which repository", at("x", 9*day), stack("x", 9*day, func(s *Stack) { s.Source = "" }), Keep, "does not record which repository"},
		{"gone, made just now", nil, stack("x", 9*time.Minute), Keep, "its branch is gone, but it was worked on at 2026-03-10 11:51 UTC, less than 10m ago: a later run looks again"},
		{"gone, made a while ago", nil, stack("x", 10*time.Minute), Destroy, "its branch is gone"},
		{"gone, an update failed just now", nil, stack("x", day, func(s *Stack) { s.Incomplete, s.ChangedAt = true, ago(time.Minute) }), Keep, "it was worked on at 2026-03-10 11:59 UTC"},
		{"expired, an update failed just now", at("x", 9*day), stack("x", 9*day, func(s *Stack) { s.Incomplete, s.ChangedAt = true, ago(time.Minute) }), Keep, "it was worked on at 2026-03-10 11:59 UTC"},
		{"gone, worked on by a clock that is a little ahead", nil, stack("x", day, func(s *Stack) { s.ChangedAt = ago(-5 * time.Minute) }), Keep, "it was worked on"},
		{"gone, worked on by a clock that is far ahead", nil, stack("x", day, func(s *Stack) { s.ChangedAt = ago(-90 * day) }), Destroy, "its branch is gone"},
		{"gone, long name", nil, stack(longName, day), Destroy, "its branch is gone"},
		{"gone, long name that is not known", nil, stack(longName, day, func(s *Stack) { s.Branch = "" }), Unmanaged, "only the beginning of its branch's name"},
		{"gone, another branch in the state", nil, stack("x", day, func(s *Stack) { s.Branch = "y" }), Unmanaged, "its tag and its state name different branches, x and y"},
		{"listed, another branch in the state", at("x", day), stack("x", 9*day, func(s *Stack) { s.Branch = "y" }), Unmanaged, "its tag and its state name different branches, x and y"},
		{"gone, name from the tag", nil, stack("x/y", day, func(s *Stack) { s.Branch = "" }), Destroy, "its branch is gone"},
		{"gone, protected branch", nil, stack("guarded/x", day), Keep, `its branch is gone, but it is protected: it matches "guarded*"`},
		{"gone, protected stack", nil, stack("guarded-stack", day), Keep, "its branch is gone, but it is protected"},
		{"gone, protected when updated", nil, stack("x", day, func(s *Stack) { s.Protected = true }), Keep, "it was protected when it was last updated"},
		{"gone, being updated", nil, stack("x", day, locked), Keep, "its branch is gone, but it is being updated"},
		{"gone, incomplete", nil, stack("x", day, incomplete), Destroy, "its branch is gone"},
		{"gone, empty", nil, stack("x", day, empty), Destroy, "its branch is gone"},
		{"commit from the future", &Branch{Name: "x", Commit: headA, CommittedAt: planNow.Add(9 * day)}, stack("x", 4*day), Destroy, "it expired at 2026-03-09 12:00 UTC, 72h after its last update"},
		{"commit from a clock that is wrong", &Branch{Name: "x", Commit: headA, CommittedAt: planNow.Add(time.Hour)}, stack("x", 4*day), Keep, "it expires at 2026-03-13 13:00 UTC, 72h after its branch's last commit"},
		{"new, commit from the future", &Branch{Name: "auto/x", Commit: headA, CommittedAt: planNow.Add(9 * day)}, nil, Skip, "its head's commit is dated in the future"},
		{"new, not UTF-8", &Branch{Name: "auto/\xff", Commit: headA, CommittedAt: planNow}, nil, Skip, "it can have no environment: it is not UTF-8"},
		{"new, a line break of YAML", &Branch{Name: "auto/\u0085", Commit: headA, CommittedAt: planNow}, nil, Skip, "it can have no environment: it has the control character U+0085"},
		{"gone, something left behind", nil, stack("x", day, empty, func(s *Stack) { s.Unconfirmed = "1 resource: db" }), Keep, "its branch is gone, but an earlier destroy could not confirm that this is gone: 1 resource: db; look for it in AWS, then: branchenv destroy x"},
		{"gone, kept for a while", nil, stack("x", day, kept(day)), Destroy, "its branch is gone"},
		{"gone, settings contradict", nil, stack("broken", day), Keep, "its settings contradict each other: spot"},
		{"untagged", nil, stack("x", day, untagged), Unmanaged, "branchenv did not make it"},
		{"untagged of a listed branch", at("x", day), stack("x", day, untagged), Unmanaged, "branchenv did not make it"},
		{"untagged and empty", nil, stack("x", day, untagged, empty), Unmanaged, "what an interruption leaves"},
		{"tag of another branch", nil, stack("x", day, func(s *Stack) { s.Tag, s.Branch = "y", "y" }), Unmanaged, "its tag names branch y, whose stack is called y"},
		{"resources of another stack", nil, stack("x", day, func(s *Stack) { s.Foreign = "y" }), Unmanaged, "its state has resources of stack y"},
		{"application", nil, &Stack{Name: names.ApplicationStack, Tag: "gone"}, Keep, "what environments share"},

		{"listed", at("x", 10*day), stack("x", day), Keep, "its branch exists; it expires at 2026-03-12 12:00 UTC, 72h after its last update, and is gone by 2026-03-12 13:00 UTC"},
		{"listed, long name", at(longName, day), stack(longName, day), Keep, "its branch exists"},
		{"expired", at("x", 10*day), stack("x", 4*day), Destroy, "it expired at 2026-03-09 12:00 UTC, 72h after its last update"},
		{"expired to the second", at("x", 10*day), stack("x", 3*day), Destroy, "it expired at 2026-03-10 12:00 UTC"},
		{"not yet", at("x", 10*day), stack("x", 3*day-time.Second), Keep, "it expires at 2026-03-10 12:00 UTC"},
		{"pushed since", at("x", day), stack("x", 4*day), Keep, "72h after its branch's last commit"},
		{"commit time not known", undated("x"), stack("x", 4*day), Keep, "the time of its branch's last commit is not known"},
		{"update time not known", at("x", 10*day), stack("x", day, func(s *Stack) { s.UpdatedAt = time.Time{} }), Keep, "the time of its last update is not known"},
		{"expired, being updated", at("x", 10*day), stack("x", 4*day, locked), Keep, "it expired at 2026-03-09 12:00 UTC, 72h after its last update, but it is being updated"},
		{"expired, kept", at("x", 10*day), stack("x", 4*day, kept(day)), Keep, "it is kept until 2026-03-11 12:00 UTC and gone by 2026-03-11 13:00 UTC"},
		{"kept for less than ttl", at("x", 10*day), stack("x", day, kept(time.Hour)), Keep, "it expires at 2026-03-12 12:00 UTC"},
		{"kept until now", at("x", 10*day), stack("x", 4*day, kept(0)), Destroy, "it expired"},
		{"old, protected", at("guarded/x", 10*day), stack("guarded/x", 40*day), Keep, "it is protected"},
		{"old, no ttl", at("forever", 90*day), stack("forever", 90*day), Keep, "it never expires: ttl is 0"},
		{"a copy has the ttl of its model", at("x", 10*day), stack("x", 4*day, func(s *Stack) { s.Like = "forever" }), Keep, "it never expires"},
		{"incomplete by hand", at("x", day), stack("x", day, incomplete), Keep, "its last update failed or was interrupted"},
		{"skipped later", at("skip/x", day), stack("skip/x", day), Keep, "it is not updated any more: it matches"},
		{"skipped later and expired", at("skip/x", 10*day), stack("skip/x", 4*day), Destroy, "it expired"},

		{"automatic, at the head", at("auto/x", day), stack("auto/x", day), Keep, "it is at its branch's head, aaaaaaaa"},
		{"automatic, moved", moved("auto/x", day), stack("auto/x", day), Update, "its branch's head moved from aaaaaaaa to bbbbbbbb"},
		{"automatic, moved, being updated", moved("auto/x", day), stack("auto/x", day, locked), Keep, "it is being updated"},
		{"automatic, moved, expired", moved("auto/x", 5*day), stack("auto/x", 4*day), Destroy, "it expired"},
		{"automatic, another version by hand", at("auto/x", day), stack("auto/x", day, func(s *Stack) { s.Version = "other" }), Keep, "it is at its branch's head"},
		{"automatic, commit not recorded, moved", moved("auto/x", day), stack("auto/x", day, unrecorded), Update, "it does not run its branch's head, bbbbbbbb"},
		{"automatic, commit not recorded", at("auto/x", day), stack("auto/x", day, unrecorded), Keep, "it runs its branch's head, aaaaaaaa"},
		{"automatic, no image", moved("bundle/x", day), stack("bundle/x", day), Keep, "the settings name no image"},
		{"automatic, no image tag", moved("日本", day), stack("日本", day), Keep, `there is no image for its branch's head: the image "registry.example.com/app:" of branch "日本" is not an image reference`},
		{"automatic, no image tag, incomplete", at("日本", day), stack("日本", day, incomplete), Keep, "there is no image for its branch's head"},
		{"automatic, no image tag, empty", at("日本", day), stack("日本", day, empty), Keep, "its stack is empty, and there is no image"},
		{"automatic, no image tag, expired", at("日本", 5*day), stack("日本", 4*day), Destroy, "it expired"},
		{"new, no image tag", at("日本", day), nil, Skip, "it has no environment, and there is no image for its branch's head"},
		{"automatic, incomplete", at("auto/x", day), stack("auto/x", day, incomplete), Update, "its last update failed or was interrupted"},
		{"automatic, empty", at("auto/x", day), stack("auto/x", day, empty), Create, "its stack is empty, and kind branch is made automatically"},
		{"automatic, empty, old commit", at("auto/x", 10*day), stack("auto/x", day, empty), Keep, "older than ttl"},

		{"new by hand", at("x", time.Hour), nil, Skip, "environments of kind branch are made by hand"},
		{"new", at("auto/x", time.Hour), nil, Create, "it has no environment, and kind branch is made automatically"},
		{"no push since it expired", at("auto/x", 3*day), nil, Skip, "its head's commit of 2026-03-07 12:00 UTC is older than ttl, 72h"},
		{"new, commit time not known", undated("auto/x"), nil, Skip, "the time of its head's commit is not known"},
		{"skipped", at("skip/x", time.Hour), nil, Skip, `it matches "skip*"`},
		{"new, settings contradict", at("broken", time.Hour), nil, Skip, "its settings contradict each other"},
		{"no name for a branch", at("a..b", time.Hour), nil, Skip, "git takes no such name: it has two dots"},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			t.Parallel()
			in := planInput(nil, nil)
			if test.branch != nil {
				in.Branches = append(in.Branches, *test.branch)
			}
			if test.stack != nil {
				in.Stacks = []Stack{*test.stack}
			}
			made := Make(in)
			i := slices.IndexFunc(made.Steps, func(s Step) bool {
				return test.stack != nil && s.Stack == test.stack.Name || test.stack == nil && s.Branch == test.branch.Name
			})
			if i < 0 || made.Steps[i].Action != test.want || !strings.Contains(made.Steps[i].Reason.String(), test.reason) {
				t.Fatalf("steps %+v; want %s, %q", made.Steps, test.want, test.reason)
			}
			name := made.Steps[i].Branch
			if name == "" {
				name = made.Steps[i].Stack
			}
			if why := in.Why(name); !slices.Contains(plain(why), fmt.Sprintf("so: %s: %s", made.Steps[i].Action, made.Steps[i].Reason)) {
				t.Errorf("the trace does not end in the decision: %q", why)
			}
		})
	}
}

func TestBrake(t *testing.T) {
	t.Parallel()
	exactly := func(n int) *int { return &n }
	gone := func(n int) []Stack {
		var out []Stack
		for i := range n {
			out = append(out, fact(t, fmt.Sprintf("gone%d", i), day))
		}
		return out
	}
	living := func(n int) (branches []Branch, stacks []Stack) {
		for i := range n {
			name := fmt.Sprintf("living%d", i)
			branches, stacks = append(branches, Branch{Name: name, Commit: headA}), append(stacks, fact(t, name, day))
		}
		return branches, stacks
	}
	tests := []struct {
		what         string
		gone, living int
		limits       Limits
		want         string
	}{
		{"none", 0, 3, Limits{}, ""},
		{"at the number", 5, 10, Limits{MaxDestroy: 5, Share: 0.5}, ""},
		{"past the number", 6, 10, Limits{MaxDestroy: 5, Share: 0.5}, "it would destroy 6 environments, and maxDestroy allows 5: if that is right, repeat it with --max-destroy 6"},
		{"at the share", 2, 2, Limits{MaxDestroy: 5, Share: 0.5}, ""},
		{"past the share", 3, 2, Limits{MaxDestroy: 5, Share: 0.5}, "it would destroy 3 environments of 5, and maxDestroyShare allows 2: if that is right, repeat it with --max-destroy 3"},
		{"the only one", 1, 0, Limits{MaxDestroy: 5, Share: 0.5}, ""},
		{"share 0", 1, 9, Limits{MaxDestroy: 5, Share: 0}, "it would destroy 1 environment of 10, and maxDestroyShare allows 0: if that is right, repeat it with --max-destroy 1"},
		{"number 0", 1, 9, Limits{MaxDestroy: 0, Share: 1}, "it would destroy 1 environment, and maxDestroy allows 0: if that is right, repeat it with --max-destroy 1"},
		{"share of thirds", 1, 2, Limits{MaxDestroy: 5, Share: 1.0 / 3}, ""},
		{"exactly", 12, 1, Limits{MaxDestroy: 5, Share: 0.5, ExactDestroy: exactly(12)}, ""},
		{"fewer than exactly", 11, 1, Limits{MaxDestroy: 5, Share: 0.5, ExactDestroy: exactly(12)}, "it would destroy 11 environments: --max-destroy must be exactly 11"},
		{"more than exactly", 13, 1, Limits{MaxDestroy: 5, Share: 0.5, ExactDestroy: exactly(12)}, "it would destroy 13 environments, and --max-destroy allows 12"},
		{"fewer, and few", 1, 3, Limits{MaxDestroy: 5, Share: 0.5, ExactDestroy: exactly(12)}, ""},
		{"exactly none", 1, 3, Limits{MaxDestroy: 5, Share: 0.5, ExactDestroy: exactly(0)}, "it would destroy 1 environment, and --max-destroy allows 0"},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			t.Parallel()
			branches, stacks := living(test.living)
			in := planInput(branches, append(stacks, gone(test.gone)...))
			// What is not an environment of branchenv does not make the share smaller.
			in.Stacks = append(in.Stacks, Stack{Name: "foreign"}, Stack{Name: names.ApplicationStack})
			in.Limits = test.limits
			made := Make(in)
			if made.Refused.String() != test.want {
				t.Errorf("refused: %q; want %q", made.Refused, test.want)
			}
			if todo := made.Todo(); len(todo) != test.gone && test.want == "" || len(todo) != 0 && test.want != "" {
				t.Errorf("to do: %+v", todo)
			}
		})
	}
}

// TestBrakeOnCreation: a repository of 3000 branches with create: auto must not cost 3000 environments.
func TestBrakeOnCreation(t *testing.T) {
	t.Parallel()
	two := 2
	for _, test := range []struct {
		branches int
		limits   Limits
		want     string
	}{
		{3, Limits{MaxCreate: 3}, ""},
		{4, Limits{MaxCreate: 3}, "it would create 4 environments, and maxCreate allows 3: if that is right, repeat it with --max-create 4"},
		{1, Limits{}, "it would create 1 environment, and maxCreate allows 0: if that is right, repeat it with --max-create 1"},
		{2, Limits{MaxCreate: 1, ExactCreate: &two}, ""},
		{3, Limits{MaxCreate: 9, ExactCreate: &two}, "it would create 3 environments, and --max-create allows 2"},
		{3000, Limits{MaxCreate: 20}, "it would create 3,000 environments, and maxCreate allows 20: if that is right, repeat it with --max-create 3000"},
	} {
		in := planInput(nil, nil)
		for i := range test.branches {
			in.Branches = append(in.Branches, Branch{Name: fmt.Sprintf("auto/%d", i), Commit: headA, CommittedAt: ago(time.Hour)})
		}
		in.Limits = test.limits
		if made := Make(in); made.Refused.String() != test.want || (len(made.Todo()) == 0) != (test.want != "") {
			t.Errorf("refused %q, want %q; to do: %d", made.Refused, test.want, len(made.Todo()))
		}
	}
}

// TestDistrust: a list that cannot be right decides nothing at all, whatever the limits.
func TestDistrust(t *testing.T) {
	t.Parallel()
	one := 1
	lists := map[string]func(*Input){
		"the list of branches is empty":                       func(in *Input) { in.Branches = nil },
		"the default branch is not known":                     func(in *Input) { in.Default = "" },
		"the list of branches lacks the default branch, Main": func(in *Input) { in.Default = "Main" },
		"the environments of this project follow git:/srv/shop.git, and source is github.com/acme/shop (github:1296269): set source back, or move them on purpose with branchenv adopt --from git:/srv/shop.git": func(in *Input) {
			in.Stacks = append(in.Stacks, Stack{Name: names.ApplicationStack, Source: "git:/srv/shop.git", SourceName: "/srv/shop.git"})
		},
	}
	for want, change := range lists {
		in := planInput([]Branch{{Name: "auto/new", Commit: headA, CommittedAt: planNow}}, []Stack{fact(t, "x", 9*day)})
		in.Limits.ExactDestroy = &one
		change(&in)
		made := Make(in)
		if made.Refused.String() != want || made.Todo() != nil {
			t.Errorf("refused %q, to do %+v; want %q", made.Refused, made.Todo(), want)
		}
		for _, s := range made.Steps {
			if s.Stack == names.ApplicationStack {
				continue
			}
			if s.Action != Keep && s.Action != Skip || s.Reason.String() != "nothing is decided: "+want {
				t.Errorf("%s: step %+v", want, s)
			}
		}
	}
}

// TestPlanJSON keeps the form in which machines read a plan, and its order.
func TestPlanJSON(t *testing.T) {
	t.Parallel()
	in := planInput(
		[]Branch{{"auto/new", headA, ago(time.Hour)}, {"auto/moved", headB, ago(time.Hour)}, {"by-hand", headA, time.Time{}}, {"quiet", headA, ago(9 * day)}},
		[]Stack{fact(t, "zz-gone", day), fact(t, "aa-gone", day), fact(t, "auto/moved", day), fact(t, "main", day), fact(t, "quiet", 8*day), {Name: "foreign"}},
	)
	got, err := json.MarshalIndent(Make(in), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	checkGolden(t, filepath.Join("testdata", "plan.golden.json"), append(got, '\n'))
	empty, err := json.Marshal(Make(Input{}))
	if want := `{"source":"","branches":0,"stacks":0,"steps":[],"refused":"the list of branches is empty"}`; err != nil || string(empty) != want {
		t.Errorf("%s, %v; want %s", empty, err, want)
	}
}

func checkGolden(t *testing.T, path string, got []byte) {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestWhy(t *testing.T) {
	t.Parallel()
	in := planInput([]Branch{{"auto/x", headB, ago(time.Hour)}}, []Stack{fact(t, "auto/x", day), fact(t, "gone", day)})
	want := []string{
		"stack auto-x-" + names.Digest("auto/x", 10) + " carries the branch's tag",
		"it is of kind branch, which is made automatically; ttl 72h",
		"github.com/acme/shop lists the branch at commit bbbbbbbb",
		"it expires at 2026-03-13 11:00 UTC, 72h after its branch's last commit, and is gone by 2026-03-13 12:00 UTC",
		"so: update: its branch's head moved from aaaaaaaa to bbbbbbbb",
	}
	if diff := cmp.Diff(want, plain(in.Why("auto/x"))); diff != "" {
		t.Errorf("auto/x (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"github.com/acme/shop lists no branch nobody, and no stack belongs to one"}, plain(in.Why("nobody"))); diff != "" {
		t.Errorf("nobody (-want +got):\n%s", diff)
	}
	in.Limits = Limits{}
	if why := plain(in.Why("gone")); !strings.HasPrefix(why[len(why)-1], "but nothing is carried out: it would destroy 1 environment") {
		t.Errorf("a plan that is refused: %q", why)
	}
}

// TestReasonsNameCommands: the commands that a plan names are data, each with the branch as one argument.
func TestReasonsNameCommands(t *testing.T) {
	t.Parallel()
	mark := func(c fault.Command) string { return fmt.Sprintf("%q", []string(c)) }
	in := planInput(nil, []Stack{
		fact(t, "$(x)", day, func(s *Stack) { s.Source = "" }), fact(t, "a&b", day, func(s *Stack) { s.Unconfirmed = "1 resource" }),
		{Name: names.ApplicationStack, Source: shopID},
	})
	got := map[string]string{}
	for _, step := range Make(in).Steps {
		got[step.Branch] = step.Reason.Render(mark)
	}
	in.Stacks[2].Source = "git:/srv/a b.git"
	got["refused"] = Make(in).Refused.Render(mark)
	why := in.Why("a&b")
	got["traced"] = why[len(why)-1].Render(mark)
	want := map[string]string{
		"":     "it holds what environments share",
		"main": "environments of kind branch are made by hand",
		"$(x)": `its branch is gone in github.com/acme/shop, but its stack does not record which repository its branch is of: record it with ["up" "$(x)"], or for all such stacks with ["adopt"]`,
		"a&b":  `its branch is gone, but an earlier destroy could not confirm that this is gone: 1 resource; look for it in AWS, then: ["destroy" "a&b"]`,
		"refused": `the environments of this project follow git:/srv/a b.git, and source is github.com/acme/shop (github:1296269): set source back, ` +
			`or move them on purpose with ["adopt" "--from" "git:/srv/a b.git"]`,
	}
	want["traced"] = "but nothing is carried out: " + want["refused"]
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// plain returns the plain strings of texts.
func plain(texts []fault.Text) []string {
	var lines []string
	for _, t := range texts {
		lines = append(lines, t.String())
	}
	return lines
}

func TestUndated(t *testing.T) {
	t.Parallel()
	commit := func(name string) string { return names.Digest(name, 40) }
	var branches []Branch
	for _, name := range []string{"fresh", "stale", "auto/new", "auto/moved", "by-hand", "skip/x", "guarded/x"} {
		branches = append(branches, Branch{Name: name, Commit: commit(name)})
	}
	in := planInput(branches, []Stack{fact(t, "fresh", day), fact(t, "stale", 4*day), fact(t, "auto/moved", day), fact(t, "guarded/x", 90*day), fact(t, "gone", 9*day)})
	want := []string{commit("auto/new"), commit("stale")}
	slices.Sort(want)
	if diff := cmp.Diff(want, in.Undated()); diff != "" {
		t.Errorf("undated (-want +got):\n%s", diff)
	}
	dated := in.Dated(map[string]time.Time{commit("stale"): ago(9 * day), commit("auto/new"): ago(day)})
	if got := dated.Undated(); len(got) != 0 {
		t.Errorf("still undated: %q", got)
	}
	var todo []Step
	for _, s := range Make(dated).Todo() {
		todo = append(todo, Step{Branch: s.Branch, Action: s.Action})
	}
	wantTodo := []Step{{Branch: "gone", Action: Destroy}, {Branch: "stale", Action: Destroy}, {Branch: "auto/new", Action: Create}, {Branch: "auto/moved", Action: Update}}
	if diff := cmp.Diff(wantTodo, todo); diff != "" {
		t.Errorf("to do (-want +got):\n%s", diff)
	}
}

func TestRulesOf(t *testing.T) {
	t.Parallel()
	file, err := config.Parse("branchenv.yaml", []byte(`
project: shop
region: eu-central-1
domain: example.com
source: {github: acme/shop}
protected: [main, keep-*]
kinds:
  branch: {create: auto, image: "registry.example.com/app:{sha}"}
branches:
  - {match: main, kind: production}
  - {match: "slow/*", ttl: 10d}
`))
	if err != nil {
		t.Fatal(err)
	}
	rules := config.RulesOf(file)
	branch := config.Rule{Kind: "branch", Auto: true, TTL: 3 * day, Image: "registry.example.com/app:{sha}"}
	slow, skipped, stack := branch, branch, branch
	slow.TTL = 10 * day
	copied := branch // of production: neither protected nor for ever
	copied.Image = ""
	skipped.Skipped = `it matches "**/*-no-infra" of the settings' skip`
	stack.Protected = `it matches "keep-*" of the settings' protected`
	tests := []struct {
		branch, like, stack string
		want                config.Rule
	}{
		{"x", "", "x", branch},
		{"slow/x", "", "slow-x", slow},
		{"x", "slow/y", "x", branch},
		{"a/x-no-infra", "", "", skipped},
		{"x", "", "keep-x", stack},
		{"main", "", "main", config.Rule{Kind: "production", Protected: `it matches "main" of the settings' protected`}},
		{"y", "main", "y", copied},
	}
	for _, test := range tests {
		for range 2 { // from the file, and from memory
			got, err := rules(test.branch, test.like, test.stack)
			if err != nil || got != test.want {
				t.Errorf("%q like %q, stack %q: %+v, %v; want %+v", test.branch, test.like, test.stack, got, err, test.want)
			}
		}
	}
}

// world draws branches and stacks, with everything that can be odd about them.
func world(t *rapid.T) Input {
	anyName := rapid.SampledFrom([]string{
		"main", "x", "y", "x/y", "X", "auto/1", "auto/2", "auto/3", "bundle/1", "skip/1", "guarded/1", "guarded-stack", "forever", "broken",
		"application", "a..b", longName, longName + "2", "ü",
	})
	age := rapid.Map(rapid.IntRange(-10, 150), func(h int) time.Time { return ago(time.Duration(h) * time.Hour) })
	maybe := rapid.OneOf(age, rapid.Just(time.Time{}))
	commits := rapid.SampledFrom([]string{headA, headB})
	in := Input{
		Source: "source", SourceID: shopID, Grace: rapid.SampledFrom([]time.Duration{0, 2 * time.Hour}).Draw(t, "grace"), Default: rapid.SampledFrom([]string{"main", "main", "main", "main", "main", "main", "x", ""}).Draw(t, "default"), Rules: planRules, Now: planNow, Interval: time.Hour,
		Limits: Limits{
			MaxDestroy: rapid.SampledFrom([]int{100, 100, 100, 3, 0}).Draw(t, "max"),
			Share:      rapid.SampledFrom([]float64{1, 1, 1, 0.5, 0}).Draw(t, "share"),
			MaxCreate:  rapid.SampledFrom([]int{100, 100, 100, 1, 0}).Draw(t, "max created"),
		},
	}
	if rapid.IntRange(0, 4).Draw(t, "overridden") == 4 {
		exact := rapid.IntRange(0, 6).Draw(t, "exact")
		in.Limits.ExactDestroy = &exact
	}
	listed := rapid.SliceOfNDistinct(anyName, 0, 12, rapid.ID[string]).Draw(t, "branches")
	if rapid.IntRange(0, 9).Draw(t, "lists main") < 9 && !slices.Contains(listed, "main") {
		listed = append(listed, "main")
	}
	for _, name := range listed {
		in.Branches = append(in.Branches, Branch{Name: name, Commit: commits.Draw(t, "head"), CommittedAt: maybe.Draw(t, "committed")})
	}
	for _, name := range rapid.SliceOfNDistinct(anyName, 0, 12, rapid.ID[string]).Draw(t, "stacks") {
		slug, err := names.Slug(name)
		if err != nil {
			continue
		}
		s := Stack{
			Name: slug, Tag: names.BranchTag(name), Branch: name, Commit: rapid.SampledFrom([]string{headA, headB, ""}).Draw(t, "commit"),
			UpdatedAt: maybe.Draw(t, "updated"), KeepUntil: rapid.OneOf(rapid.Just(time.Time{}), age).Draw(t, "kept"),
			ChangedAt: maybe.Draw(t, "changed"), Source: shopID,
		}
		switch rapid.IntRange(0, 16).Draw(t, "oddity") {
		case 0:
			s.Tag, s.Branch = "", ""
		case 1:
			s.Branch = ""
		case 2:
			s.Locked = true
		case 3:
			s.Incomplete = true
		case 4:
			s.Empty = true
		case 5:
			s.Protected = true
		case 6:
			s.Like = anyName.Draw(t, "like")
		case 7:
			s.Tag = names.BranchTag(anyName.Draw(t, "tag"))
		case 8:
			s.Tag, s.Branch, s.Empty = "", "", true
		case 9:
			s.Branch = anyName.Draw(t, "branch in the state")
		case 10:
			s.Foreign = "another"
		case 11:
			s.Unconfirmed, s.Empty = "1 resource: db", true
		case 12:
			s.Source = ""
		case 13:
			s.Source = "github:2"
		}
		in.Stacks = append(in.Stacks, s)
	}
	if rapid.Bool().Draw(t, "application") {
		follows := rapid.SampledFrom([]string{shopID, shopID, shopID, shopID, "", "github:2"}).Draw(t, "the application's source")
		in.Stacks = append(in.Stacks, Stack{Name: names.ApplicationStack, Source: follows})
	}
	return in
}

// TestPlansDestroyNothingElse: what a plan destroys is tagged with a branch whose stack it is, unprotected, not being
// updated, and its branch is gone or it has expired, each judged here from the facts alone.
func TestPlansDestroyNothingElse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := world(t)
		made := Make(in)
		destroyed, created := 0, 0
		for _, step := range made.Todo() {
			if step.Action == Create {
				created++
			}
			if step.Action != Destroy {
				continue
			}
			destroyed++
			i := slices.IndexFunc(in.Stacks, func(s Stack) bool { return s.Name == step.Stack })
			s := in.Stacks[i]
			rule, err := planRules(step.Branch, s.Like, s.Name)
			slug, _ := names.Slug(step.Branch)
			switch {
			case s.Tag == "" || s.Tag != names.BranchTag(step.Branch) || s.Branch != "" && s.Branch != step.Branch || slug != s.Name || s.Name == names.ApplicationStack:
				t.Fatalf("not the branch's own: %+v by %+v", s, step)
			case s.Unconfirmed != "":
				t.Fatalf("something left behind would be forgotten: %+v by %+v", s, step)
			case s.Foreign != "":
				t.Fatalf("resources of another stack: %+v by %+v", s, step)
			case s.Protected || rule.Protected != "" || err != nil:
				t.Fatalf("protected: %+v by %+v", s, step)
			case s.Locked:
				t.Fatalf("being updated: %+v by %+v", s, step)
			case s.Source != in.SourceID:
				t.Fatalf("of another source, or not known of which: %+v by %+v", s, step)
			case step.Branch == in.Default:
				t.Fatalf("the default branch's: %+v by %+v", s, step)
			case s.ChangedAt.After(planNow.Add(-in.Grace)) && !s.ChangedAt.After(planNow.Add(in.Grace)):
				t.Fatalf("worked on just now: %+v by %+v", s, step)
			case slices.ContainsFunc(in.Stacks, func(s Stack) bool { return s.Name == names.ApplicationStack && s.Source == "github:2" }):
				t.Fatalf("the project follows another source: %+v", step)
			}
			j := slices.IndexFunc(in.Branches, func(b Branch) bool { return b.Name == step.Branch })
			if j < 0 {
				continue // gone
			}
			for _, active := range []time.Time{s.UpdatedAt, in.Branches[j].CommittedAt} {
				if active.After(planNow.Add(24 * time.Hour)) {
					continue // nobody commits tomorrow
				}
				if active.IsZero() || rule.TTL == 0 || active.Add(rule.TTL).After(planNow) || s.KeepUntil.After(planNow) {
					t.Fatalf("listed and not expired: %+v by %+v", s, step)
				}
			}
		}
		listed := func(b Branch) bool { return b.Name == in.Default }
		limit := in.Limits.MaxDestroy
		if in.Limits.ExactDestroy != nil {
			limit = max(limit, *in.Limits.ExactDestroy)
		}
		if destroyed > limit || destroyed > 0 && !slices.ContainsFunc(in.Branches, listed) {
			t.Fatalf("%d destroyed past the brake: %+v", destroyed, in.Limits)
		}
		if created > in.Limits.MaxCreate {
			t.Fatalf("%d created past the brake: %+v", created, in.Limits)
		}
	})
}

// TestPlansAreComplete: every branch and every stack has a step with a reason, and none has two.
func TestPlansAreComplete(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := world(t)
		made := Make(in)
		branches, stacks := map[string]int{}, map[string]int{}
		for _, s := range made.Steps {
			if s.Reason.IsZero() || strings.Contains(s.Reason.String(), "\n") || !slices.Contains(actions[:], s.Action) {
				t.Fatalf("step %+v", s)
			}
			if s.Action != Unmanaged {
				branches[s.Branch]++
			}
			if s.Action != Create {
				stacks[s.Stack]++
			}
		}
		for _, b := range in.Branches {
			if branches[b.Name] != 1 {
				t.Fatalf("branch %q has %d steps: %+v", b.Name, branches[b.Name], made.Steps)
			}
		}
		for _, s := range in.Stacks {
			creates := slices.ContainsFunc(made.Steps, func(p Step) bool { return p.Stack == s.Name && p.Action == Create })
			if stacks[s.Name] > 1 || stacks[s.Name] == 0 && !creates {
				t.Fatalf("stack %q has %d steps: %+v", s.Name, stacks[s.Name], made.Steps)
			}
		}
	})
}

func TestPlansDoNotDependOnOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := world(t)
		want := Make(in)
		in.Branches = rapid.Permutation(in.Branches).Draw(t, "branches in another order")
		in.Stacks = rapid.Permutation(in.Stacks).Draw(t, "stacks in another order")
		if diff := cmp.Diff(want, Make(in)); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestPlansCarriedOutLeaveNothing: after a plan was carried out, the next one, made at the same time or at the next
// sweep before anything else expires, changes nothing.
func TestPlansCarriedOutLeaveNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := world(t)
		made := Make(in)
		for _, step := range made.Todo() {
			carryOut(t, &in, step)
		}
		if !made.Refused.IsZero() {
			return
		}
		if again := Make(in); len(again.Todo()) != 0 || !again.Refused.IsZero() {
			t.Fatalf("after %+v\nagain %+v, refused %q", made.Todo(), again.Todo(), again.Refused)
		}
	})
}

// carryOut is what a step does to the facts.
func carryOut(t *rapid.T, in *Input, step Step) {
	i := slices.IndexFunc(in.Stacks, func(s Stack) bool { return s.Name == step.Stack })
	if step.Action == Destroy {
		in.Stacks = slices.Delete(slices.Clone(in.Stacks), i, i+1)
		return
	}
	b := in.Branches[slices.IndexFunc(in.Branches, func(b Branch) bool { return b.Name == step.Branch })]
	s := Stack{Name: step.Stack, Tag: names.BranchTag(b.Name), Branch: b.Name, Source: shopID, ChangedAt: in.Now}
	switch {
	case i >= 0 && in.Stacks[i].Tag == "" && !in.Stacks[i].Empty, i < 0 && step.Action == Update:
		t.Fatalf("%+v cannot be carried out", step)
	case i >= 0:
		s.Like, s.KeepUntil, s.Protected = in.Stacks[i].Like, in.Stacks[i].KeepUntil, in.Stacks[i].Protected
		in.Stacks = slices.Delete(slices.Clone(in.Stacks), i, i+1)
	}
	s.Commit, s.Version, s.UpdatedAt = b.Commit, "registry.example.com/app:"+b.Commit, in.Now
	in.Stacks = append(slices.Clone(in.Stacks), s)
}

// BenchmarkPlan10000 plans 10,000 branches against 10,000 stacks, by the rules of a settings file: half of them of the
// same branches, a quarter of each without the other.
func BenchmarkPlan10000(b *testing.B) {
	file, err := config.Parse("branchenv.yaml", []byte(`
project: shop
region: eu-central-1
domain: example.com
source: {github: acme/shop}
protected: [main, staging, "release/**"]
kinds:
  branch: {create: auto, image: "registry.example.com/app:{sha}"}
branches:
  - {match: main, kind: production}
  - {match: staging, kind: staging}
  - {match: "ui/**", database: {engine: none}}
`))
	if err != nil {
		b.Fatal(err)
	}
	in := planInput(nil, nil)
	in.Limits.MaxDestroy, in.Limits.MaxCreate = 10000, 10000
	random := rand.New(rand.NewPCG(1, 2))
	name := func(i int) string {
		return fmt.Sprintf("%s/JIRA-%d-something", []string{"feature", "ui", "fix"}[i%3], i)
	}
	for i := range 9999 {
		in.Branches = append(in.Branches, Branch{Name: name(i), Commit: headA, CommittedAt: ago(time.Duration(random.IntN(100)) * time.Hour)})
	}
	for i := range 10000 {
		in.Stacks = append(in.Stacks, fact(b, name(i+3333), time.Duration(random.IntN(100))*time.Hour))
	}
	for b.Loop() {
		in.Rules = config.RulesOf(file)
		if made := Make(in); !made.Refused.IsZero() || len(made.Steps) != 13334 {
			b.Fatalf("%d steps, refused %q", len(made.Steps), made.Refused)
		}
	}
}

// TestRedecide: what a step becomes when it is decided once more with what is true right before it begins.
func TestRedecide(t *testing.T) {
	t.Parallel()
	gone := fact(t, "gone", time.Hour)
	kept := fact(t, "gone", 100*time.Hour, func(s *Stack) { s.KeepUntil = planNow.Add(day) })
	locked := fact(t, "gone", time.Hour, func(s *Stack) { s.Locked = true })
	other := fact(t, "gone", time.Hour, func(s *Stack) { s.Tag, s.Branch = "Gone", "Gone" })
	auto := fact(t, "auto", time.Hour)
	destroy := Step{Branch: "gone", Stack: "gone", Action: Destroy}
	update := Step{Branch: "auto", Stack: "auto", Action: Update}
	create := Step{Branch: "auto", Stack: "auto", Action: Create}
	tests := map[string]struct {
		step  Step
		head  *Branch
		stack *Stack
		want  Action
	}{
		"still gone":                      {destroy, nil, &gone, Destroy},
		"it came back":                    {destroy, &Branch{Name: "gone", Commit: headA}, &gone, Keep},
		"it came back, and is expired":    {destroy, &Branch{Name: "gone", Commit: headA, CommittedAt: ago(90 * day)}, ptr(fact(t, "gone", 100*time.Hour)), Destroy},
		"it came back, and is to be kept": {destroy, &Branch{Name: "gone", Commit: headA, CommittedAt: ago(90 * day)}, &kept, Keep},
		"somebody works on it":            {destroy, nil, &locked, Keep},
		"another branch's by now":         {destroy, nil, &other, Unmanaged},
		"destroyed meanwhile":             {destroy, nil, nil, Skip},
		"to be updated":                   {update, &Branch{Name: "auto", Commit: headB, CommittedAt: ago(time.Hour)}, &auto, Update},
		"updated meanwhile":               {update, &Branch{Name: "auto", Commit: headA, CommittedAt: ago(time.Hour)}, &auto, Keep},
		"its branch went":                 {update, nil, &auto, Destroy},
		"to be made":                      {create, &Branch{Name: "auto", Commit: headB, CommittedAt: ago(time.Hour)}, nil, Create},
		"made meanwhile":                  {create, &Branch{Name: "auto", Commit: headA, CommittedAt: ago(time.Hour)}, &auto, Keep},
		"never to be made":                {create, nil, nil, Skip},
	}
	for name, test := range tests {
		in := planInput([]Branch{{Name: "auto", Commit: headA, CommittedAt: ago(time.Hour)}}, []Stack{fact(t, "other", time.Hour), gone})
		before := len(in.Branches)
		var head Branch
		if test.head != nil {
			head = *test.head
		}
		if got := in.Redecide(test.step, head, test.head != nil, test.stack); got.Action != test.want || got.Reason.IsZero() {
			t.Errorf("%s: %+v, want %s", name, got, test.want)
		}
		if len(in.Branches) != before || in.Branches[1].Name != "auto" {
			t.Errorf("%s: the input was changed: %+v", name, in.Branches)
		}
	}
}

func ptr[T any](v T) *T { return &v }

// The default branch never expires.
func TestDefaultBranchIsKept(t *testing.T) {
	t.Parallel()
	in := planInput(nil, []Stack{fact(t, "main", 90*day)})
	in.Branches[0].CommittedAt = ago(90 * day)
	in.Rules = func(string, string, string) (config.Rule, error) {
		return config.Rule{Kind: "branch", TTL: 3 * day}, nil
	}
	if made := Make(in); len(made.Todo()) > 0 || !strings.Contains(made.Steps[0].Reason.String(), "it is of the default branch of github.com/acme/shop") {
		t.Errorf("%+v", made)
	}
}

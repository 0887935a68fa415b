package stacks

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/fault"
)

// shop is a source for tests: the identity that it answers with, or the error.
type shop struct {
	id  Identity
	err error
}

func (s shop) Identity(context.Context) (Identity, error) { return s.id, s.err }
func (s shop) String() string                             { return "github.com/acme/shop" }

var acmeShop = Identity{ID: shopID, Name: "github.com/acme/shop", Default: "main"}

// TestFollowed: which stacks a command may work on, by the source that they follow and the answer of the settings' one.
func TestFollowed(t *testing.T) {
	t.Parallel()
	away := errors.New("no answer")
	same := map[string]string{tagSource: shopID, tagSourceName: "github.com/acme/shop"}
	other := map[string]string{tagSource: "github:2", tagSourceName: "github.com/acme/shop"}
	renamed := map[string]string{tagSource: shopID, tagSourceName: "github.com/acme/store"}
	adopt := "set source back, or give this repository another project; if its environments are to follow the new source: branchenv adopt --from github:2"
	for name, test := range map[string]struct {
		tags       map[string]string
		source     Source
		want, hint string
	}{
		"the same":                         {same, shop{id: acmeShop}, "", ""},
		"renamed":                          {renamed, shop{id: acmeShop}, "", ""},
		"not recorded":                     {nil, shop{id: acmeShop}, "", ""},
		"another of the same name":         {other, shop{id: acmeShop}, "stack x follows the branches of github.com/acme/shop (github:2), and source is now github.com/acme/shop (github:1296269)", adopt},
		"cannot be asked, the same name":   {same, shop{err: away}, "", ""},
		"cannot be asked, another name":    {renamed, shop{err: away}, "stack x follows the branches of github.com/acme/store (github:1296269), and source names github.com/acme/shop, which cannot be asked whether it is the same: no answer", "run it again when github.com/acme/shop can be asked"},
		"cannot be asked, not recorded":    {nil, shop{err: away}, "", ""},
		"an answer that is not to believe": {same, shop{err: fault.Refusedf("it has no id").WithHint("look")}, "it has no id", "look"},
		"no source":                        {other, nil, "", ""},
	} {
		m := manager(t, "")
		m.Source = test.source
		_, err := m.followed(t.Context(), &facts{name: "x", project: "shop", tags: test.tags})
		if got := message(err); got != test.want || fault.Hint(err) != test.hint || err != nil && fault.Code(err) != fault.Refused {
			t.Errorf("%s: got %q, code %d, hint %q\nwant %q, hint %q", name, got, fault.Code(err), fault.Hint(err), test.want, test.hint)
		}
	}
}

// Every command that changes something refuses a stack of another source, and changes nothing.
func TestOtherSourceIsRefused(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	keepBackend(t, folder, "x", func(_ *Spec, tags map[string]string, _ *update) { tags[tagSource] = "github:2" })
	write(t, filepath.Join(folder, ".pulumi/stacks/shop/application.json"), `{"version":3,"checkpoint":{"latest":{"resources":[{"type":"pulumi:pulumi:Stack","outputs":{"versionsBucket":"b"}}]}}}`)
	write(t, filepath.Join(folder, ".pulumi/stacks/shop/application.pulumi-tags"), `{"version":1,"tags":{"branchenv:stack":"application","branchenv:source":"github:2"}}`)
	m := folderManager(t, folder)
	m.account, m.Source = "123456789012", shop{id: acmeShop}
	before := files(t, folder)
	for name, do := range map[string]func() error{
		"up":                   func() error { _, err := m.Up(t.Context(), UpRequest{Branch: "x", Image: "a:1"}); return err },
		"up of another branch": func() error { _, err := m.Up(t.Context(), UpRequest{Branch: "y", Image: "a:1"}); return err },
		"preview":              func() error { _, err := m.Preview(t.Context(), UpRequest{Branch: "x", Image: "a:1"}); return err },
		"destroy":              func() error { _, err := m.PlanDestroy(t.Context(), "x"); return err },
		"keep":                 func() error { _, err := m.Keep(t.Context(), "x", noon); return err },
		"application up":       func() error { _, err := m.ApplicationUp(t.Context()); return err },
		"application preview":  func() error { _, err := m.ApplicationPreview(t.Context()); return err },
	} {
		if err := do(); fault.Code(err) != fault.Refused || !strings.Contains(message(err), "follows the branches of github:2, and source is now github.com/acme/shop (github:1296269)") {
			t.Errorf("%s: %v, code %d", name, err, fault.Code(err))
		}
	}
	if diff := cmp.Diff(before, files(t, folder)); diff != "" {
		t.Errorf("it was changed:\n%s", diff)
	}
}

func TestAdoptSource(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for branch, source := range map[string]string{"a": "github:2", "b": "github:2", "old": "", "ours": shopID, "third": "github:3"} {
		keepBackend(t, folder, branch, func(_ *Spec, tags map[string]string, _ *update) { tags[tagSource] = source })
	}
	write(t, filepath.Join(folder, ".pulumi/stacks/shop/new.json"), `{"version":3,"checkpoint":{}}`)
	write(t, filepath.Join(folder, ".pulumi/stacks/shop/application.json"), `{"version":3,"checkpoint":{}}`)
	write(t, filepath.Join(folder, ".pulumi/stacks/shop/application.pulumi-tags"), `{"version":1,"tags":{"branchenv:source":"github:2"}}`)
	m := folderManager(t, folder)
	m.Source = shop{id: acmeShop}
	follow := func() map[string]string {
		all, err := m.backend.list(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		of := map[string]string{}
		for _, f := range all {
			of[f.name] = f.tags[tagSource]
		}
		return of
	}
	for _, test := range []struct {
		from           string
		stacks, others []string
	}{
		{"", []string{"old"}, []string{"github:2", "github:3"}},
		{"github:2", []string{"a", "application", "b"}, []string{"github:3"}},
	} {
		a, err := m.PlanAdopt(t.Context(), test.from)
		if diff := cmp.Diff(Adoption{Source: acmeShop, ID: shopID, Stacks: test.stacks, Others: test.others}, a); err != nil || diff != "" {
			t.Errorf("from %q: %v\n%s", test.from, err, diff)
		}
		if err := m.Adopt(t.Context(), a, test.from); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{"a": shopID, "application": shopID, "b": shopID, "new": "", "old": shopID, "ours": shopID, "third": "github:3"}
	if diff := cmp.Diff(want, follow()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := m.PlanAdopt(t.Context(), shopID); fault.Code(err) != fault.Usage {
		t.Errorf("from itself: %v", err)
	}
	m.source, m.Source = Identity{}, shop{err: errors.New("no answer")}
	if _, err := m.PlanAdopt(t.Context(), "github:3"); message(err) != "no answer" {
		t.Errorf("a source that cannot be asked: %v", err)
	}
}

// The default branch's environment is protected whatever the settings say of it.
func TestDefaultBranchIsNotDestroyed(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	keepBackend(t, folder, "main")
	m := folderManager(t, folder)
	m.Source = shop{id: acmeShop}
	_, err := m.PlanDestroy(t.Context(), "main")
	fails(t, err, fault.Refused, "environment main is protected: main is the default branch of github.com/acme/shop")
	in := planInput(nil, []StackFact{fact(t, "main", 90*day)})
	in.Branches[0].CommittedAt = ago(90 * day)
	in.Rules = func(string, string, string) (Rule, error) { return Rule{Kind: "branch", TTL: 3 * day}, nil }
	if made := MakePlan(in); len(made.Todo()) > 0 || !strings.Contains(made.Steps[0].Reason, "it is of the default branch of github.com/acme/shop") {
		t.Errorf("%+v", made)
	}
}

// A source that does not say which branch is its default one (an outage, a token that may not read) takes no protection
// away: what was recorded counts, and if nothing was, main and master may be it.
func TestDefaultBranchIsRemembered(t *testing.T) {
	t.Parallel()
	away := shop{err: errors.New("no answer")}
	silent := shop{id: Identity{ID: shopID, Name: "github.com/acme/shop"}}
	for name, test := range map[string]struct {
		branch, recorded, ofProject string
		source                      Source
		want                        string
	}{
		"recorded":                  {"trunk", "trunk", "", away, "environment trunk is protected: trunk is the default branch of github.com/acme/shop"},
		"recorded, of no default":   {"trunk", "trunk", "", silent, "environment trunk is protected: trunk is the default branch of github.com/acme/shop"},
		"recorded of the project":   {"trunk", "", "trunk", silent, "environment trunk is protected: trunk is the default branch of github.com/acme/shop"},
		"another is recorded":       {"x", "main", "", away, ""},
		"another of the project is": {"main", "", "trunk", away, ""},
		"nothing is, main":          {"main", "", "", away, "environment main may be that of the default branch of github.com/acme/shop, which cannot be asked now"},
		"nothing is":                {"x", "", "", silent, ""},
		"the source says another":   {"trunk", "trunk", "trunk", shop{id: acmeShop}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			keepBackend(t, folder, test.branch, func(_ *Spec, tags map[string]string, _ *update) {
				tags[tagDefault], tags[tagSourceName] = test.recorded, "github.com/acme/shop"
			})
			write(t, filepath.Join(folder, ".pulumi/stacks/shop/application.json"), `{"version":3,"checkpoint":{}}`)
			write(t, filepath.Join(folder, ".pulumi/stacks/shop/application.pulumi-tags"), `{"version":1,"tags":{"branchenv:default":"`+test.ofProject+`"}}`)
			m := folderManager(t, folder)
			m.account, m.Source = "123456789012", test.source
			if _, err := m.PlanDestroy(t.Context(), test.branch); message(err) != test.want || err != nil && fault.Code(err) != fault.Refused {
				t.Errorf("%v, code %d; want %q", err, fault.Code(err), test.want)
			}
		})
	}
	for name, test := range map[string]struct {
		before map[string]string
		source Source
		want   string
	}{
		"it is":                         {nil, shop{id: acmeShop}, "true"},
		"it is another":                 {map[string]string{tagProtected: "true", tagDefault: "main"}, shop{id: Identity{ID: shopID, Default: "trunk"}}, "false"},
		"it cannot be asked":            {map[string]string{tagProtected: "true"}, away, "true"},
		"it is recorded":                {map[string]string{tagDefault: "main"}, silent, "true"},
		"it cannot be asked, never was": {nil, away, "false"},
	} {
		m := manager(t, "")
		m.Source = test.source
		before := &facts{name: "main", project: "shop", tags: test.before}
		u := &undertaking{before: before}
		var err error
		if u.origin, err = m.followed(t.Context(), before); err != nil {
			t.Fatal(err)
		}
		if err := m.specify(u, UpRequest{Branch: "main", Image: "a:1"}, "main", nil, "main"); err != nil || u.tags[tagProtected] != test.want {
			t.Errorf("%s: protected %q, want %q (%v)", name, u.tags[tagProtected], test.want, err)
		}
	}
}

// The doctor tells of stacks that reconcile leaves alone because of their source.
func TestExamineSource(t *testing.T) {
	t.Parallel()
	tags := func(source string) map[string]string { return map[string]string{tagStack: "x", tagSource: source} }
	for name, test := range map[string]struct {
		facts facts
		want  Ailment
	}{
		"the same":     {facts{name: "x", tags: tags(shopID)}, Ailment{}},
		"not recorded": {facts{name: "x", tags: tags("")}, Ailment{Kind: AilmentSource, Stack: "x", What: "it records no repository that its branch is of: reconcile does not destroy it", Remedy: "its next up records it; or for all such stacks: branchenv adopt"}},
		"another":      {facts{name: "x", tags: tags("github:2")}, Ailment{Kind: AilmentSource, Stack: "x", What: "it follows the branches of another repository, github:2: nothing is done with it", Remedy: "if it is to follow github.com/acme/shop from now on: branchenv adopt --from github:2"}},
		"nobody's":     {facts{name: "x"}, Ailment{}},
		"unreadable":   {facts{name: "x", tags: tags("github:2"), broken: errors.New("no")}, Ailment{}},
	} {
		got, found := examineSource(test.facts, acmeShop)
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(Ailment{}, lock{})); diff != "" || found != (test.want.Kind != "") {
			t.Errorf("%s: %v\n%s", name, found, diff)
		}
	}
}

// readHook is a backend in which something happens before one of the reads of a stack, counted from 1.
type readHook struct {
	backend
	mu    sync.Mutex
	reads int
	at    int
	do    func()
}

func (b *readHook) read(ctx context.Context, name string) (*facts, error) {
	b.mu.Lock()
	b.reads++
	if b.reads == b.at {
		b.do()
	}
	b.mu.Unlock()
	return b.backend.read(ctx, name)
}

// TestNothingIsDestroyedByOldFacts: an update that ends, or a keep, before any of the reads of a stack that is to be
// destroyed is seen, the last read being right before the engine is started.
func TestNothingIsDestroyedByOldFacts(t *testing.T) {
	t.Parallel()
	keep := func(t *testing.T, folder string) {
		keepBackend(t, folder, "quiet", old, func(_ *Spec, tags map[string]string, _ *update) {
			tags[tagKeep] = noon.Add(day).Format(time.RFC3339)
		})
	}
	up := func(t *testing.T, folder string) { keepBackend(t, folder, "quiet") }
	reads, begun := destroyQuiet(t, 0, nil)
	if reads < 5 || len(begun.Kept) > 0 {
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
func old(_ *Spec, _ map[string]string, last *update) {
	last.StartTime, last.EndTime = noon.Add(-9*day).Unix(), noon.Add(-9*day).Unix()
}

// destroyQuiet carries out a plan that destroys an expired environment, with a pulumi that fails at once. meanwhile is done
// before one of the reads. It returns how many reads there were, and the outcome: a failure if pulumi was started.
func destroyQuiet(t *testing.T, at int, meanwhile func(t *testing.T, folder string)) (int, Outcome) {
	t.Helper()
	folder := t.TempDir()
	keepBackend(t, folder, "quiet", old)
	m := folderManager(t, folder)
	m.account, m.Source, m.pulumi = "123456789012", shop{id: acmeShop}, player(t, nil, "echo no >&2; exit 1")
	stacks, err := StackFacts(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	in := planInput([]PlanBranch{{Name: "quiet", Commit: headA, CommittedAt: noon.Add(-9 * day)}}, stacks)
	in.Rules, in.Now = func(string, string, string) (Rule, error) { return Rule{Kind: "branch", TTL: 3 * day}, nil }, noon
	made := MakePlan(in)
	if !slices.ContainsFunc(made.Todo(), func(s PlanStep) bool { return s.Action == ActionDestroy }) {
		t.Fatalf("%+v", made)
	}
	hook := &readHook{backend: m.backend, at: at, do: func() { meanwhile(t, folder) }}
	m.backend = hook
	out := Run(t.Context(), m, in, made, CarryOut{Parallel: 1, Head: func(_ context.Context, branch string) (PlanBranch, bool, error) {
		return in.Branches[1], true, nil
	}})
	return hook.reads, out
}

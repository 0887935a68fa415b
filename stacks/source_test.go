package stacks

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/fault/faulttest"
	"github.com/branchenv/branchenv/internal/pulumitest"
	"github.com/branchenv/branchenv/internal/stackstest"
	"github.com/branchenv/branchenv/stacks/names"
	"github.com/branchenv/branchenv/stacks/program"
)

// shop is a source for tests: the identity that it answers with, or the error.
type shop struct {
	id  names.Repository
	err error
}

func (s shop) Identity(context.Context) (names.Repository, error) { return s.id, s.err }
func (s shop) String() string                                     { return "github.com/acme/shop" }

var acmeShop = names.Repository{ID: stackstest.ShopID, Name: "github.com/acme/shop", Default: "main"}

// TestCheckSource: which stacks a command may work on, by the source that they follow and the answer of the settings' one.
func TestCheckSource(t *testing.T) {
	t.Parallel()
	away := errors.New("no answer")
	same := map[string]string{names.TagSource: stackstest.ShopID, names.TagSourceName: "github.com/acme/shop"}
	other := map[string]string{names.TagSource: "github:2", names.TagSourceName: "github.com/acme/shop"}
	renamed := map[string]string{names.TagSource: stackstest.ShopID, names.TagSourceName: "github.com/acme/store"}
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
		m.source.Source = test.source
		_, err := m.checkSource(t.Context(), &backend.Facts{Name: "x", Project: "shop", Tags: test.tags})
		if got := faulttest.Message(err); got != test.want || fault.Hint(err).String() != test.hint || err != nil && fault.Code(err) != fault.Refused {
			t.Errorf("%s: got %q, code %d, hint %q\nwant %q, hint %q", name, got, fault.Code(err), fault.Hint(err).String(), test.want, test.hint)
		}
	}
}

// Every command that changes something refuses a stack of another source, and changes nothing.
func TestOtherSourceIsRefused(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	stackstest.Write(t, folder, "x", func(_ *program.Spec, tags map[string]string, _ *backend.Update) { tags[names.TagSource] = "github:2" })
	pulumitest.WriteFile(t, filepath.Join(folder, ".pulumi/stacks/shop/application.json"), `{"version":3,"checkpoint":{"latest":{"resources":[{"type":"pulumi:pulumi:Stack","outputs":{"versionsBucket":"b"}}]}}}`)
	pulumitest.WriteFile(t, filepath.Join(folder, ".pulumi/stacks/shop/application.pulumi-tags"), `{"version":1,"tags":{"branchenv:stack":"application","branchenv:source":"github:2"}}`)
	m := folderManager(t, folder)
	m.account, m.source.Source = onceOK[string]{known: true, value: "123456789012"}, shop{id: acmeShop}
	before := pulumitest.Files(t, folder)
	for name, do := range map[string]func() error{
		"up":                   func() error { _, err := m.Up(t.Context(), UpRequest{Branch: "x", Image: "a:1"}); return err },
		"up of another branch": func() error { _, err := m.Up(t.Context(), UpRequest{Branch: "y", Image: "a:1"}); return err },
		"preview":              func() error { _, err := m.Preview(t.Context(), UpRequest{Branch: "x", Image: "a:1"}); return err },
		"destroy":              func() error { _, err := m.PlanDestroy(t.Context(), "x"); return err },
		"keep":                 func() error { _, err := m.Keep(t.Context(), "x", stackstest.Noon); return err },
		"application up":       func() error { _, err := m.ApplicationUp(t.Context()); return err },
		"application preview":  func() error { _, err := m.ApplicationPreview(t.Context()); return err },
	} {
		if err := do(); fault.Code(err) != fault.Refused || !strings.Contains(faulttest.Message(err), "follows the branches of github:2, and source is now github.com/acme/shop (github:1296269)") {
			t.Errorf("%s: %v, code %d", name, err, fault.Code(err))
		}
	}
	if diff := cmp.Diff(before, pulumitest.Files(t, folder)); diff != "" {
		t.Errorf("it was changed:\n%s", diff)
	}
}

func TestAdoptSource(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for branch, source := range map[string]string{"a": "github:2", "b": "github:2", "old": "", "ours": stackstest.ShopID, "third": "github:3"} {
		stackstest.Write(t, folder, branch, func(_ *program.Spec, tags map[string]string, _ *backend.Update) { tags[names.TagSource] = source })
	}
	pulumitest.WriteFile(t, filepath.Join(folder, ".pulumi/stacks/shop/new.json"), `{"version":3,"checkpoint":{}}`)
	pulumitest.WriteFile(t, filepath.Join(folder, ".pulumi/stacks/shop/application.json"), `{"version":3,"checkpoint":{}}`)
	pulumitest.WriteFile(t, filepath.Join(folder, ".pulumi/stacks/shop/application.pulumi-tags"), `{"version":1,"tags":{"branchenv:source":"github:2"}}`)
	m := folderManager(t, folder)
	m.source.Source = shop{id: acmeShop}
	follow := func() map[string]string {
		all, err := m.backend.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		of := map[string]string{}
		for _, f := range all {
			of[f.Name] = f.Tags[names.TagSource]
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
		if diff := cmp.Diff(Adoption{Source: acmeShop, ID: stackstest.ShopID, Stacks: test.stacks, Others: test.others}, a); err != nil || diff != "" {
			t.Errorf("from %q: %v\n%s", test.from, err, diff)
		}
		if err := m.Adopt(t.Context(), a, test.from); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{"a": stackstest.ShopID, "application": stackstest.ShopID, "b": stackstest.ShopID, "new": "", "old": stackstest.ShopID, "ours": stackstest.ShopID, "third": "github:3"}
	if diff := cmp.Diff(want, follow()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := m.PlanAdopt(t.Context(), stackstest.ShopID); fault.Code(err) != fault.Usage {
		t.Errorf("from itself: %v", err)
	}
	m.source.known, m.source.Source = names.Repository{}, shop{err: errors.New("no answer")}
	if _, err := m.PlanAdopt(t.Context(), "github:3"); faulttest.Message(err) != "no answer" {
		t.Errorf("a source that cannot be asked: %v", err)
	}
}

// The default branch's environment is protected whatever the settings say of it.
func TestDefaultBranchIsNotDestroyed(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	stackstest.Write(t, folder, "main")
	m := folderManager(t, folder)
	m.source.Source = shop{id: acmeShop}
	_, err := m.PlanDestroy(t.Context(), "main")
	faulttest.Check(t, err, fault.Refused, "environment main is protected: main is the default branch of github.com/acme/shop")
}

// A source that does not say which branch is its default one (an outage, a token that may not read) takes no protection
// away: what was recorded counts, and if nothing was, main and master may be it.
func TestDefaultBranchIsRemembered(t *testing.T) {
	t.Parallel()
	away := shop{err: errors.New("no answer")}
	silent := shop{id: names.Repository{ID: stackstest.ShopID, Name: "github.com/acme/shop"}}
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
			stackstest.Write(t, folder, test.branch, func(_ *program.Spec, tags map[string]string, _ *backend.Update) {
				tags[names.TagDefault], tags[names.TagSourceName] = test.recorded, "github.com/acme/shop"
			})
			pulumitest.WriteFile(t, filepath.Join(folder, ".pulumi/stacks/shop/application.json"), `{"version":3,"checkpoint":{}}`)
			pulumitest.WriteFile(t, filepath.Join(folder, ".pulumi/stacks/shop/application.pulumi-tags"), `{"version":1,"tags":{"branchenv:default":"`+test.ofProject+`"}}`)
			m := folderManager(t, folder)
			m.account, m.source.Source = onceOK[string]{known: true, value: "123456789012"}, test.source
			if _, err := m.PlanDestroy(t.Context(), test.branch); faulttest.Message(err) != test.want || err != nil && fault.Code(err) != fault.Refused {
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
		"it is another":                 {map[string]string{names.TagProtected: "true", names.TagDefault: "main"}, shop{id: names.Repository{ID: stackstest.ShopID, Default: "trunk"}}, "false"},
		"it cannot be asked":            {map[string]string{names.TagProtected: "true"}, away, "true"},
		"it is recorded":                {map[string]string{names.TagDefault: "main"}, silent, "true"},
		"it cannot be asked, never was": {nil, away, "false"},
	} {
		m := manager(t, "")
		m.source.Source = test.source
		before := &backend.Facts{Name: "main", Project: "shop", Tags: test.before}
		from, err := m.checkSource(t.Context(), before)
		if err != nil {
			t.Fatal(err)
		}
		u, err := buildSpec(m.file, UpRequest{Branch: "main", Image: "a:1"}, updateFacts{stack: "main", before: before, repository: from, host: "main", suffix: "newnew"})
		if err != nil || u.tags[names.TagProtected] != test.want {
			t.Errorf("%s: protected %q, want %q (%v)", name, u.tags[names.TagProtected], test.want, err)
		}
	}
}

// The doctor tells of stacks that reconcile leaves alone because of their source.
func TestDiagnoseSource(t *testing.T) {
	t.Parallel()
	tags := func(source string) map[string]string {
		return map[string]string{names.TagStack: "x", names.TagSource: source}
	}
	for name, test := range map[string]struct {
		facts backend.Facts
		want  Problem
	}{
		"the same":     {backend.Facts{Name: "x", Tags: tags(stackstest.ShopID)}, Problem{}},
		"not recorded": {backend.Facts{Name: "x", Tags: tags("")}, Problem{Kind: ProblemSource, Stack: "x", What: "it records no repository that its branch is of: reconcile does not destroy it", Remedy: fault.Textf("its next up records it; or for all such stacks: %s", fault.Command{"adopt"})}},
		"another":      {backend.Facts{Name: "x", Tags: tags("github:2")}, Problem{Kind: ProblemSource, Stack: "x", What: "it follows the branches of another repository, github:2: nothing is done with it", Remedy: fault.Textf("if it is to follow %s from now on: %s", "github.com/acme/shop", fault.Command{"adopt", "--from", "github:2"})}},
		"nobody's":     {backend.Facts{Name: "x"}, Problem{}},
		"unreadable":   {backend.Facts{Name: "x", Tags: tags("github:2"), Broken: errors.New("no")}, Problem{}},
	} {
		got, found := diagnoseSource(test.facts, acmeShop)
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(Problem{}, backend.Lock{})); diff != "" || found != (test.want.Kind != "") {
			t.Errorf("%s: %v\n%s", name, found, diff)
		}
	}
}

package github

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/fault"
)

// TestIdentityOfGitHub checks that the numeric id counts: another repository of the same name differs, a renamed one does not.
func TestIdentityOfGitHub(t *testing.T) {
	t.Parallel()
	f := newFake(t, many(3)...)
	server := strings.TrimPrefix(f.URL, "http://")
	check := func(id, name string) {
		t.Helper()
		a := f.open(nil)
		want := Identity{ID: "github:" + server + ":" + id, Name: server + "/" + name, Default: "main"}
		got, err := a.Identity(t.Context())
		list, listErr := a.Branches(t.Context())
		if diff := cmp.Diff([]Identity{want, want}, []Identity{got, list.Identity}); diff != "" || err != nil || listErr != nil {
			t.Errorf("%v, %v; identity and list's identity (-want +got):\n%s", err, listErr, diff)
		}
	}
	check("1296269", "acme/shop")
	f.FullName, f.Moved = "acme/store", "acme/shop"
	check("1296269", "acme/store")
	f.FullName, f.Moved, f.ID, f.Fork = "acme/shop", "", 77, true
	check("77", "acme/shop")
	f.FullName, f.Moved = "evil/other", "acme/shop"
	check("77", "evil/other")
}

func TestIdentityOfGitHubFaults(t *testing.T) {
	t.Parallel()
	asJSON := map[string]string{"Content-Type": "application/json"}
	actions := map[string]string{"GITHUB_REPOSITORY": "Acme/Shop", "GITHUB_REPOSITORY_ID": "42"}
	tests := map[string]struct {
		meddle func(http.ResponseWriter, *http.Request, int) bool
		env    map[string]string
		code   int    // of the error, 0 for none
		want   string // the id without the server, or a part of the error
	}{
		"zero id":                 {answerWith(0, "/shop", 200, asJSON, `{"id":0,"full_name":"acme/shop","default_branch":"main"}`), actions, fault.Refused, "gives no id"},
		"no id":                   {answerWith(0, "/shop", 200, asJSON, `{"full_name":"acme/shop","default_branch":"main"}`), actions, fault.Refused, "gives no id"},
		"401":                     {answerWith(0, "/shop", 401, asJSON, `{"message":"Bad credentials"}`), nil, fault.Failed, "answered 401"},
		"401 in Actions":          {answerWith(0, "/shop", 401, asJSON, `{"message":"Bad credentials"}`), actions, 0, "42"},
		"404 in Actions":          {answerWith(0, "/shop", 404, asJSON, `{"message":"Not Found"}`), actions, 0, "42"},
		"500 in Actions":          {answerWith(0, "/shop", 500, nil, ""), actions, 0, "42"},
		"limited in Actions":      {answerWith(0, "/shop", 429, map[string]string{"Retry-After": "9"}, ""), actions, 0, "42"},
		"of another repository":   {answerWith(0, "/shop", 500, nil, ""), map[string]string{"GITHUB_REPOSITORY": "acme/other", "GITHUB_REPOSITORY_ID": "42"}, fault.Failed, "answered 500"},
		"of no number":            {answerWith(0, "/shop", 500, nil, ""), map[string]string{"GITHUB_REPOSITORY": "acme/shop", "GITHUB_REPOSITORY_ID": "x"}, fault.Failed, "answered 500"},
		"of another server":       {answerWith(0, "/shop", 500, nil, ""), map[string]string{"GITHUB_REPOSITORY": "acme/shop", "GITHUB_REPOSITORY_ID": "42", "GITHUB_SERVER_URL": "https://github.com"}, fault.Failed, "answered 500"},
		"a lie is no outage":      {answerWith(0, "/shop", 200, nil, "<html>"), actions, fault.Refused, "not JSON"},
		"GitHub counts, if it is": {nil, actions, 0, "1296269"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, many(3)...)
			f.Meddle = test.meddle
			a := f.open(func(o *Options) {
				env := o.Env
				o.Env = func(name string) string { return test.env[name] + env(name) }
			})
			id, err := a.Identity(t.Context())
			switch {
			case test.code == 0:
				if want := "github:" + strings.TrimPrefix(f.URL, "http://") + ":" + test.want; err != nil || id.ID != want {
					t.Errorf("%+v, %v; want %s", id, err, want)
				}
			case fault.Code(err) != test.code || !strings.Contains(err.Error(), test.want) || id != (Identity{}):
				t.Errorf("%+v, error %v; want %q, code %d", id, err, test.want, test.code)
			}
			if test.env != nil && test.code == 0 && test.meddle != nil {
				if _, err := a.Branches(t.Context()); err == nil {
					t.Error("the list of branches came from variables")
				}
			}
		})
	}
}

// TestPublicIdentity checks that github.com is github:NUMBER, however its API's address is written.
func TestPublicIdentity(t *testing.T) {
	t.Parallel()
	for api, want := range map[string]string{
		"": "github:7", "https://API.github.com:443/": "github:7", "https://ghe.example.com:8443/api/v3": "github:ghe.example.com:8443:7",
	} {
		parsed, err := parseAPI(api)
		if err != nil {
			t.Fatal(err)
		}
		h := &hub{transport: &transport{api: parsed}}
		if got := h.identity(7, "x", "").ID; got != want {
			t.Errorf("%q: %s; want %s", api, got, want)
		}
	}
}

func TestIdentityOfAddress(t *testing.T) {
	t.Parallel()
	same := map[string][]string{
		"git:git.example.com/acme/shop": {
			"https://git.example.com/acme/shop", "https://git.example.com/acme/shop.git", "https://git.example.com/acme/shop.git/",
			"https://GIT.Example.com:443/acme//shop/", "http://git.example.com:80/acme/shop", "https://x:secret@git.example.com/acme/shop",
			"ssh://git@git.example.com/acme/shop.git", "ssh://git.example.com:22/acme/shop", "git://git.example.com:9418/acme/shop",
			"git@git.example.com:acme/shop.git", "git.example.com:acme/shop", "git@GIT.example.com:/acme/shop/", "https://secret@git.example.com./acme/shop",
		},
		"git:git.example.com:8443/acme/shop":  {"https://git.example.com:8443/acme/shop"},
		"git:git.example.com/Acme/shop":       {"https://git.example.com/Acme/shop"},
		"git:git.example.com/acme/shop.x":     {"https://git.example.com/acme/shop.x"},
		"git:alice@git.example.com/acme/shop": {"alice@git.example.com:acme/shop"}, // in her home
		"git:bob@git.example.com/acme/shop":   {"bob@git.example.com:acme/shop"},
		"git:[2001:db8::1]/x":                 {"https://[2001:DB8::1]/x.git"},
	}
	for want, addresses := range same {
		for _, address := range addresses {
			got, err := normalRemote(address)
			if err != nil || "git:"+got != want {
				t.Errorf("%s: git:%s, %v; want %s", address, got, err, want)
			}
		}
	}
}

// TestIdentityOfPath checks that a repository has one identity, however it is named, and that a clone has another.
func TestIdentityOfPath(t *testing.T) {
	t.Parallel()
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	origin, _ := repositoryWith(t, "main")
	gitRun(t, base, "clone", "--quiet", "--bare", origin, "clone.git")
	gitRun(t, base, "init", "--quiet", "--initial-branch=trunk", "work")
	work := filepath.Join(base, "work")
	gitRun(t, work, "commit", "--quiet", "--allow-empty", "-m", "first")
	gitRun(t, work, "worktree", "add", "--quiet", "-b", "side", "../side")
	gitRun(t, base, "init", "--quiet", "--bare", "--initial-branch=later", "empty")
	if err := os.Symlink(work, filepath.Join(base, "link")); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ address, dir, id, head string }{
		{work, "", "git:" + work, "trunk"},
		{work + "/", "", "git:" + work, "trunk"},
		{work + "/.git", "", "git:" + work, "trunk"},
		{"file://" + work, "", "git:" + work, "trunk"},
		{"file://" + strings.ReplaceAll(work, "work", "%77ork"), "", "git:" + work, "trunk"},
		{".", work, "git:" + work, "trunk"},
		{"../work", work, "git:" + work, "trunk"},
		{filepath.Join(base, "link"), "", "git:" + work, "trunk"},
		{filepath.Join(base, "side"), "", "git:" + work, "side"},
		{filepath.Join(base, "clone"), "", "git:" + base + "/clone.git", "main"},
		{filepath.Join(base, "clone.git"), "", "git:" + base + "/clone.git", "main"},
		{filepath.Join(base, "empty"), "", "git:" + base + "/empty", "later"},
		{filepath.Join(base, "missing"), "", "git:" + base + "/missing", ""},
	}
	for _, test := range tests {
		got, err := openGit(t, test.address, func(o *Options) { o.Dir = test.dir }).Identity(t.Context())
		if err != nil || got.ID != test.id || got.Default != test.head {
			t.Errorf("%s in %q: %+v, %v; want %s, %s", test.address, test.dir, got, err, test.id, test.head)
		}
	}
}

// TestIdentityOfUnreachable checks that the identity is the address alone, without credentials.
func TestIdentityOfUnreachable(t *testing.T) {
	t.Parallel()
	var logged []string
	s := openGit(t, "http://user:secret@127.0.0.1:1/x.git", func(o *Options) { o.Log = func(s string) { logged = append(logged, s) } })
	got, err := s.Identity(t.Context())
	want := Identity{ID: "git:127.0.0.1:1/x", Name: "http://127.0.0.1:1/x.git"}
	if err != nil || got != want || len(logged) != 1 || strings.Contains(logged[0], "secret") {
		t.Errorf("%+v, %v, logged %q; want %+v", got, err, logged, want)
	}
}

func TestIdentityIsLimited(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", 300)
	a := Identity{ID: "git:" + long + "a", Name: long}.limited()
	b := Identity{ID: "git:" + long + "b", Name: long}.limited()
	if a.ID == b.ID || len(a.ID) > maxIdentity || len(a.Name) > maxIdentity || !strings.HasPrefix(a.ID, "git:üüü") {
		t.Errorf("%d and %d bytes: %+v, %+v", len(a.ID), len(a.Name), a, b)
	}
	short := Identity{ID: "git:/x", Name: "/x", Default: "main"}
	if short.limited() != short {
		t.Errorf("%+v became %+v", short, short.limited())
	}
}

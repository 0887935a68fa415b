package cli

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/ci"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/github/githubtest"
)

func TestInferBranch(t *testing.T) {
	t.Parallel()
	detached := errors.New("detached")
	tests := map[string]struct {
		build              ci.Build
		checkout           string
		want, where, fails string
	}{
		"checkout": {checkout: "ui/new", want: "ui/new", where: "the checkout"},
		"neither":  {fails: "detached"},
		"CI wins":  {build: ci.Build{System: "CircleCI", Branch: "a", From: "CIRCLE_BRANCH (CircleCI)"}, checkout: "b", want: "a", where: "CIRCLE_BRANCH (CircleCI)"},
		// The checkout of a scheduled build is at the default branch, which nobody meant.
		"CI knows none": {build: ci.Build{System: "GitHub Actions", Unclear: "it is a schedule", Advice: fault.Textf("name it")}, checkout: "main", fails: "no branch given, and it is a schedule"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, where, err := inferBranch(test.build, func() (string, error) {
				if test.checkout == "" {
					return "", detached
				}
				return test.checkout, nil
			})
			if got != test.want || where != test.where || (err == nil) != (test.fails == "") || err != nil && err.Error() != test.fails {
				t.Errorf("got %q from %q, error %v; want %q from %q, error %q", got, where, err, test.want, test.where, test.fails)
			}
		})
	}
}

const testSettings = `project: shop
region: eu-central-1
domain: preview.example.com
source: {github: acme/shop}
branches:
  - match: main
    kind: production
`

// settingsFile is a settings file of testSettings in a folder of its own.
func settingsFile(t *testing.T) *config.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "branchenv.yaml")
	if err := os.WriteFile(path, []byte(testSettings), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// A fork's code is let in by name only, and never to an environment that is protected.
func TestCheckFork(t *testing.T) {
	t.Parallel()
	file := settingsFile(t)
	fork := ci.Build{System: "GitHub Actions", Origin: ci.Fork, Fork: "mallory/shop"}
	for name, test := range map[string]struct {
		branch, fork, allowed, err string
	}{
		"not allowed":       {"topic", "mallory/shop", "", `this build of GitHub Actions runs the code of another repository, mallory/shop: it may not touch the environment of branch "topic"`},
		"another allowed":   {"topic", "mallory/shop", "eve/shop", `this build of GitHub Actions runs the code of another repository, mallory/shop: it may not touch the environment of branch "topic"`},
		"allowed":           {"topic", "mallory/shop", "Mallory/shop", ""},
		"gone":              {"topic", "", "", `this build of GitHub Actions runs the code of another repository, which is gone: it may not touch the environment of branch "topic"`},
		"allowed, to main":  {"main", "mallory/shop", "mallory/shop", `the environment of branch "main" is protected, and this build runs the code of another repository, mallory/shop`},
		"no branch by name": {"a..b", "mallory/shop", "mallory/shop", `"a..b" is not a branch name: it has two dots in a row`},
	} {
		build := fork
		build.Fork = test.fork
		err := (&session{}).checkFork(file, test.branch, build, test.allowed)
		if test.err == "" && err != nil || test.err != "" && (err == nil || name != "no branch by name" && (err.Error() != test.err || fault.Code(err) != fault.Refused || fault.Hint(err).IsZero())) {
			t.Errorf("%s: error %v, code %d, hint %q", name, err, fault.Code(err), fault.Hint(err).String())
		}
	}
}

// askingSession is a session that asks a GitHub of the test's own, which has the branches.
func askingSession(t *testing.T, branches ...string) (*session, *githubtest.GitHub) {
	t.Helper()
	hub := githubtest.New(t, branches...)
	env := map[string]string{"GITHUB_API_URL": hub.URL}
	return &session{env: func(name string) string { return env[name] }, err: &printer{to: io.Discard}}, hub
}

// A pull request that may be anybody's is the repository's own if its commit is the head of the branch there.
func TestCheckOwnCommit(t *testing.T) {
	t.Parallel()
	file := settingsFile(t)
	s, _ := askingSession(t, "main", "topic")
	build := ci.Build{System: "Woodpecker CI", Origin: ci.Unknown, Doubt: "it does not say"}
	for name, test := range map[string]struct {
		branch, commit, err string
	}{
		"its own":        {"topic", githubtest.CommitOf("topic"), ""},
		"a fork's":       {"main", githubtest.CommitOf("fork"), `branch "main" of `},
		"another branch": {"main", githubtest.CommitOf("topic"), `branch "main" of `},
		"no such branch": {"gone", githubtest.CommitOf("fork"), ` has no branch "gone"`},
		"no commit":      {"topic", "", "nothing tells which commit it is"},
	} {
		build.Commit = test.commit
		err := s.checkOwnCommit(t.Context(), file, test.branch, build)
		if (err == nil) != (test.err == "") || err != nil && (fault.Code(err) != fault.Refused || fault.Hint(err).IsZero() || !strings.Contains(err.Error(), test.err)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A branch is taken from a build of the source's own repository only. What cannot be compared passes.
func TestCheckRepository(t *testing.T) {
	t.Parallel()
	s, hub := askingSession(t, "main", "topic")
	server := strings.Split(strings.TrimPrefix(hub.URL, "http://"), ":")[0]
	hub.FullName, hub.Moved = "acme/store", "acme/shop" // the settings have the old name
	unasked := &session{env: func(string) string { return "" }, err: s.err}
	hubID := strconv.FormatInt(hub.ID, 10)
	byHub := func() *config.File { return settingsFile(t) }
	byGit := func(remote string) func() *config.File {
		return func() *config.File {
			file := settingsFile(t)
			file.Source.GitHub, file.Source.Git = "", remote
			return file
		}
	}
	for name, test := range map[string]struct {
		session *session
		file    func() *config.File
		runs    ci.Repository
		allowed string
		refused bool
	}{
		"nothing said":                     {s, byHub, ci.Repository{}, "", false},
		"the same name":                    {s, byHub, ci.Repository{Host: server, Path: "Acme/shop", ID: hubID}, "", false},
		"renamed, the same id":             {s, byHub, ci.Repository{Host: server, Path: "acme/store", ID: hubID}, "", false},
		"renamed, no id":                   {s, byHub, ci.Repository{Path: "acme/store"}, "", false},
		"another repository":               {s, byHub, ci.Repository{Host: server, Path: "mallory/shop", ID: "2"}, "", true},
		"another repository, no server":    {s, byHub, ci.Repository{Path: "mallory/shop", ID: "2"}, "", true},
		"another repository, no id":        {s, byHub, ci.Repository{Path: "mallory/shop"}, "", true},
		"another id, the new name":         {s, byHub, ci.Repository{Path: "acme/store", ID: "2"}, "", true},
		"another repository, allowed":      {s, byHub, ci.Repository{Path: "mallory/shop", ID: "2"}, "Mallory/shop", false},
		"another repository allowed":       {s, byHub, ci.Repository{Path: "mallory/shop", ID: "2"}, "eve/shop", true},
		"another server":                   {s, byHub, ci.Repository{Host: "gitlab.com", Path: "mirrors/shop"}, "", false},
		"github.com":                       {unasked, byHub, ci.Repository{Host: "github.com", Path: "acme/shop"}, "", false},
		"git remote":                       {unasked, byGit("git@example.com:acme/shop.git"), ci.Repository{Host: "example.com", Path: "acme/shop"}, "", false},
		"git remote of another":            {unasked, byGit("git@example.com:acme/shop.git"), ci.Repository{Host: "example.com", Path: "mallory/shop"}, "", true},
		"git remote, another server":       {unasked, byGit("https://example.com/acme/shop"), ci.Repository{Host: "mirror.example.com", Path: "a/b"}, "", false},
		"git remote, no server":            {unasked, byGit("https://example.com/acme/shop"), ci.Repository{Path: "mallory/shop"}, "", false},
		"a folder":                         {unasked, byGit("./shop"), ci.Repository{Host: "example.com", Path: "mallory/shop"}, "", false},
		"the repository of GitHub Actions": {unasked, byGit(""), ci.Repository{Host: "github.com", Path: "mallory/shop"}, "", false},
	} {
		build := ci.Build{System: "GitHub Actions", Branch: "topic", Repository: test.runs}
		err := test.session.checkRepository(t.Context(), test.file(), "topic", build, test.allowed)
		if (err != nil) != test.refused || err != nil && (fault.Code(err) != fault.Refused || !strings.Contains(fault.Hint(err).String(), "--allow-fork "+test.runs.Path)) {
			t.Errorf("%s: error %v, hint %q", name, err, fault.Hint(err).String())
		}
	}
}

// Names that CI systems make up are refused where the source has no such branch. Other names ask nobody anything.
func TestCheckInvented(t *testing.T) {
	t.Parallel()
	file := settingsFile(t)
	s, hub := askingSession(t, "main", "origin/kept")
	got := map[string]string{}
	for _, branch := range []string{"topic", "main", "pull/335", "origin/topic", "origin/kept"} {
		err := s.checkInvented(t.Context(), file, branch)
		if requests, _ := hub.Taken(); (len(requests) > 0) != strings.Contains(branch, "/") {
			t.Errorf("%s: requests to the source: %q", branch, requests)
		}
		if err != nil {
			got[branch] = fault.Hint(err).String()
			if fault.Code(err) != fault.Refused {
				t.Errorf("%s: %v", branch, err)
			}
		}
	}
	want := map[string]string{"pull/335": "name the branch that is to have the environment", "origin/topic": "branchenv up topic"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// repository is a git repository whose commands fail the test.
func repository(t *testing.T) (dir string, git func(args ...string) string) {
	t.Helper()
	dir = t.TempDir()
	return dir, func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com",
			"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
		output, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, output)
		}
		return strings.TrimSpace(string(output))
	}
}

func TestCheckoutBranch(t *testing.T) {
	dir, git := repository(t)
	check := func(wantBranch, wantErr string) {
		t.Helper()
		branch, err := checkoutBranch(t.Context(), dir)
		text := ""
		if err != nil {
			text = err.Error()
			if fault.Code(err) != fault.Usage || fault.Hint(err).IsZero() {
				t.Errorf("%v: exit code %d, hint %q", err, fault.Code(err), fault.Hint(err).String())
			}
		}
		if diff := cmp.Diff([]string{wantBranch, wantErr}, []string{branch, text}); diff != "" {
			t.Error(diff)
		}
	}
	check("", "no branch given, and "+dir+" is not in a git checkout")
	git("init", "--quiet", "--initial-branch=ui/new$(x)")
	check("ui/new$(x)", "")
	git("commit", "--quiet", "--allow-empty", "--message=first")
	git("tag", "ui/new$(x)") // git would shorten the branch's name to heads/…
	check("ui/new$(x)", "")
	git("checkout", "--quiet", "--detach")
	check("", "no branch given, and the checkout is at no branch (detached HEAD)")
}

// The head of a branch is what the CI system says, or what git has under the branch's name. It is never read off what is
// checked out: GitHub Actions checks out the merge of a pull request, and the head may itself be a merge of main, whose
// second parent is main's commit.
func TestHeadCommit(t *testing.T) {
	dir, git := repository(t)
	check := func(what string, build ci.Build, branch, wantCommit, wantUnknown string) {
		t.Helper()
		commit, unknown := headCommit(t.Context(), build, dir, branch)
		if commit != wantCommit || !strings.HasPrefix(unknown, wantUnknown) || (unknown == "") != (wantUnknown == "") {
			t.Errorf("%s: %q, unknown %q; want %q, %q", what, commit, unknown, wantCommit, wantUnknown)
		}
	}
	check("no repository", ci.Build{}, "topic", "", "git: not a git repository")
	git("init", "--quiet", "--initial-branch=main")
	git("commit", "--quiet", "--allow-empty", "--message=first")
	git("checkout", "--quiet", "-b", "topic")
	git("commit", "--quiet", "--allow-empty", "--message=work")
	git("checkout", "--quiet", "main")
	git("commit", "--quiet", "--allow-empty", "--message=second")
	onMain := git("rev-parse", "HEAD")
	git("checkout", "--quiet", "topic")
	git("merge", "--quiet", "--no-ff", "--no-edit", "main")
	head := git("rev-parse", "HEAD")
	if second := git("rev-parse", "HEAD^2"); second != onMain {
		t.Fatalf("the head's second parent is %s, not main's %s", second, onMain)
	}

	actions := ci.Build{System: "GitHub Actions", Branch: "topic", Commit: head}
	silent := actions
	silent.Commit = ""
	check("local branch", ci.Build{}, "topic", head, "")
	check("no such branch", ci.Build{}, "absent", "", "the git checkout has no such branch")
	// As CI systems do: the commit is checked out, and no branch.
	git("checkout", "--quiet", "--detach")
	git("branch", "--quiet", "-D", "topic")
	check("the CI system says it", actions, "topic", head, "")
	check("the CI system does not say it", silent, "topic", "", "GitHub Actions does not say it, and the git checkout has no such branch")
	check("another branch than the build's", actions, "other", "", "this build of GitHub Actions is not of that branch, and the git checkout has no such branch")
	git("update-ref", "refs/remotes/origin/topic", head)
	check("the remote's branch", silent, "topic", head, "")
	git("branch", "--quiet", "topic", onMain) // left over from an earlier job
	check("the remote's before an old one", silent, "topic", head, "")
	check("a person's own branch before the remote's", ci.Build{}, "topic", onMain, "")
}

package github

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/git"
)

// gitRun runs git in dir and returns its output.
func gitRun(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
	cmd.Env = append(git.Environment(os.Environ()), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com",
		"GIT_COMMITTER_DATE=2024-05-06T07:08:09Z", "GIT_AUTHOR_DATE=2020-01-01T00:00:00Z")
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, output)
	}
	return strings.TrimSpace(string(output))
}

// repositoryWith creates a git repository with the branches, all at one commit. The default branch is main.
func repositoryWith(t *testing.T, branches ...string) (dir, commit string) {
	t.Helper()
	dir = t.TempDir()
	gitRun(t, dir, "init", "--quiet", "--bare", "--initial-branch=main", ".")
	tree := gitRun(t, dir, "hash-object", "-t", "tree", "-w", "--stdin")
	commit = gitRun(t, dir, "commit-tree", "-m", "first", tree)
	for _, name := range branches {
		gitRun(t, dir, "update-ref", heads+name, commit)
	}
	return dir, commit
}

func openGit(t *testing.T, address string, change func(*Options)) Source {
	t.Helper()
	o := Options{Git: address, Env: func(string) string { return "" }}
	if change != nil {
		change(&o)
	}
	source, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// gitOdd are odd names that git can store together on disk.
var gitOdd = slices.DeleteFunc(slices.Clone(odd), func(name string) bool { return name == "-" })

func TestRemote(t *testing.T) {
	t.Parallel()
	names := append(slices.Clone(gitOdd), "b\xff\xfe", "x/HEAD", "x/refs/heads/main", strings.Repeat("long/", 40)+"end")
	dir, commit := repositoryWith(t, names...)
	gitRun(t, dir, "update-ref", "refs/tags/v1", commit)
	gitRun(t, dir, "update-ref", "refs/remotes/other/refs/heads/tricky", commit)
	want := List{Default: "main"}
	for _, name := range slices.Sorted(slices.Values(names)) {
		want.Branches = append(want.Branches, Branch{Name: name, Commit: commit})
	}
	addresses := map[string]string{dir: "", "file://" + dir: "", "file://localhost" + dir: "", filepath.Base(dir): filepath.Dir(dir)}
	for address, base := range addresses {
		s := openGit(t, address, func(o *Options) { o.Dir = base })
		got, err := s.Branches(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want.Repository = s.String()
		want.Identity = Identity{ID: "git:" + dir, Name: s.String(), Default: "main"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", address, diff)
		}
		for _, name := range names {
			b, found, err := s.Branch(t.Context(), name)
			if err != nil || !found || b != (Branch{Name: name, Commit: commit}) {
				t.Errorf("%s: branch %q: %+v, %t, %v", address, name, b, found, err)
			}
		}
		for _, name := range []string{"gone", "login", "feature", "tricky", "HEAD"} {
			if b, found, err := s.Branch(t.Context(), name); found || err != nil {
				t.Errorf("%s: branch %q: %+v, %t, %v; want none", address, name, b, found, err)
			}
		}
	}
}

func TestRemoteFaults(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	gitRun(t, empty, "init", "--quiet", "--bare", ".")
	unborn, _ := repositoryWith(t, "other")
	detached, commit := repositoryWith(t, "main")
	gitRun(t, detached, "update-ref", "--no-deref", "HEAD", commit)
	tests := map[string]struct {
		address string
		code    int
		want    string
	}{
		"empty":      {empty, fault.Refused, "has no commit on its default branch"},
		"unborn":     {unborn, fault.Refused, "has no commit on its default branch"},
		"detached":   {detached, fault.Refused, "has no default branch"},
		"missing":    {filepath.Join(empty, "missing"), fault.Failed, "does not appear to be a git repository"},
		"no server":  {"http://user:secret@127.0.0.1:1/x.git", fault.Failed, "git: "},
		"not a name": {"origin", fault.Failed, "does not appear to be a git repository"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openGit(t, test.address, func(o *Options) { o.Dir = empty })
			list, err := s.Branches(t.Context())
			_, found, single := s.Branch(t.Context(), "x")
			for _, err := range []error{err, single} {
				if err == nil || !strings.Contains(err.Error(), test.want) || fault.Code(err) != test.code || found || !cmp.Equal(list, List{}) {
					t.Errorf("error %v, code %d; want %q, code %d", err, fault.Code(err), test.want, test.code)
				}
				if all := err.Error() + fault.Hint(err).String() + s.String(); strings.Contains(all, "secret") || strings.Contains(all, "\n") {
					t.Errorf("not clean: %q", all)
				}
			}
		})
	}
}

func TestRemoteDates(t *testing.T) {
	t.Parallel()
	dir, commit := repositoryWith(t, "main")
	want := map[string]time.Time{commit: time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)}
	cacheDir := t.TempDir()
	for range 2 {
		got, err := openGit(t, "file://"+dir, func(o *Options) { o.CacheDir = cacheDir }).Dates(t.Context(), []string{commit, commit})
		if err != nil || !cmp.Equal(want, got) {
			t.Fatalf("%v, %v; want %v", got, err, want)
		}
		if err := os.Rename(dir, dir+"-gone"); err == nil { // the second time nobody is asked
			defer func() { _ = os.RemoveAll(dir + "-gone") }()
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		options Options
		env     map[string]string
		want    string
	}{
		"nothing":           {Options{}, nil, "no source of branches is set"},
		"both":              {Options{GitHub: "a/b", Git: "x"}, nil, "source has both github and git"},
		"no owner":          {Options{GitHub: "shop"}, nil, `"shop" is not a GitHub repository`},
		"a URL":             {Options{GitHub: "https://github.com/a/b"}, nil, "is not a GitHub repository"},
		"dots":              {Options{GitHub: "a/.."}, nil, "is not a GitHub repository"},
		"from variable":     {Options{}, map[string]string{"GITHUB_REPOSITORY": "a b/c"}, `"a b/c" is not a GitHub repository`},
		"API":               {Options{GitHub: "a/b"}, map[string]string{"GITHUB_API_URL": "ghe.example.com"}, "GITHUB_API_URL is not the address of an API"},
		"API with secret":   {Options{GitHub: "a/b"}, map[string]string{"GITHUB_API_URL": "https://x:secret@h/"}, "GITHUB_API_URL is not the address of an API"},
		"token, two lines":  {Options{GitHub: "a/b"}, map[string]string{"GITHUB_TOKEN": "secret\n"}, "GITHUB_TOKEN holds a line break"},
		"token, no ASCII":   {Options{GitHub: "a/b"}, map[string]string{"GITHUB_TOKEN": "secret\u2026"}, "GITHUB_TOKEN holds a line break"},
		"token in plain":    {Options{GitHub: "a/b"}, map[string]string{"GITHUB_TOKEN": "secret", "GITHUB_API_URL": "http://ghe.example.com/api/v3"}, "GITHUB_API_URL is http://ghe.example.com: anybody on the network could read GITHUB_TOKEN"},
		"a name like an IP": {Options{GitHub: "a/b"}, map[string]string{"GITHUB_TOKEN": "secret", "GITHUB_API_URL": "http://127.0.0.1.example.com/"}, "anybody on the network"},
		"option":            {Options{Git: "--upload-pack=touch x"}, nil, "is not a git remote"},
		"program":           {Options{Git: "ext::sh -c x"}, nil, "is not a git remote of a supported kind"},
		"scheme":            {Options{Git: "gopher://x/y"}, nil, "is not a git remote of a supported kind"},
		"two lines":         {Options{Git: "a\nb"}, nil, "is not a git remote"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.options.Env = func(name string) string { return test.env[name] }
			_, err := Open(test.options)
			if err == nil || !strings.Contains(err.Error(), test.want) || fault.Code(err) != fault.Usage || strings.Contains(err.Error(), "secret") {
				t.Errorf("error %v, code %d; want %q", err, fault.Code(err), test.want)
			}
		})
	}
}

// TestPlainHTTP checks that without TLS a token goes to this machine only. Requests without a token may go anywhere.
func TestPlainHTTP(t *testing.T) {
	t.Parallel()
	for _, env := range []map[string]string{
		{"GITHUB_TOKEN": "secret", "GITHUB_API_URL": "http://127.0.0.1:8080"}, {"GITHUB_TOKEN": "secret", "GITHUB_API_URL": "http://[::1]:8080"},
		{"GITHUB_TOKEN": "secret", "GITHUB_API_URL": "http://LOCALHOST/"}, {"GITHUB_API_URL": "http://ghe.example.com"},
		{"GITHUB_TOKEN": "secret", "GITHUB_API_URL": "https://ghe.example.com"},
	} {
		if _, err := Open(Options{GitHub: "a/b", Env: func(name string) string { return env[name] }}); err != nil {
			t.Errorf("%v: %v", env, err)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	tests := []struct{ git, github, api, want string }{
		{github: "a/b", want: "github.com/a/b"},
		{github: "a/b", api: "https://ghe.example.com/api/v3", want: "ghe.example.com/a/b"},
		{git: "https://token@example.com/a.git", want: "https://example.com/a.git"},
		{git: "git@example.com:a/b.git", want: "git@example.com:a/b.git"},
		{git: "/srv/a.git", want: "/srv/a.git"},
		{git: "a.git", want: "/base/a.git"},
	}
	for _, test := range tests {
		s, err := Open(Options{Git: test.git, GitHub: test.github, Dir: "/base", Env: func(name string) string {
			return map[string]string{"GITHUB_API_URL": test.api}[name]
		}})
		if err != nil || s.String() != test.want {
			t.Errorf("%+v: %v, %v", test, s, err)
		}
	}
}

func TestSilentRemote(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	address := "git://" + listener.Addr().String() + "/x.git" // the kernel takes the connection, and nobody answers
	s := openGit(t, address, func(o *Options) { o.Timeout = 100 * time.Millisecond })
	if _, err := s.Branches(t.Context()); err == nil || !strings.Contains(err.Error(), "gave no answer in 100ms") {
		t.Errorf("a silent remote: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Branches(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled call: %v", err)
	}
}

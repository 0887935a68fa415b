package github

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/branchenv/branchenv/internal/fault"
)

// TestCopies checks that a copy of another repository is refused, and that the error names the other one.
func TestCopies(t *testing.T) {
	t.Parallel()
	origin, _ := repositoryWith(t, "main", "feature")
	tests := map[string]struct {
		make [][]string // git commands, in the folder that has the repository x
		want string     // "" if it is a source
	}{
		"no remote":        {[][]string{{"init", "--quiet", "-b", "main", "x"}, {"-C", "x", "commit", "--quiet", "--allow-empty", "-m", "1"}}, ""},
		"bare, no remote":  {[][]string{{"clone", "--quiet", "--bare", origin, "x"}, {"-C", "x", "remote", "remove", "origin"}}, ""},
		"bare, push only":  {[][]string{{"clone", "--quiet", "--bare", origin, "x"}, {"-C", "x", "remote", "rename", "origin", "backup"}}, `is a bare repository with a remote, "backup", which may have`},
		"bare, no refspec": {[][]string{{"clone", "--quiet", "--bare", "--origin=upstream", origin, "x"}}, `is a bare repository with a remote, "upstream", which may have`},
		"clone":            {[][]string{{"clone", "--quiet", origin, "x"}}, `is a checkout with a remote, "origin", whose branches are not its own`},
		"clone, its .git":  {[][]string{{"clone", "--quiet", "--separate-git-dir=y", origin, "x"}}, `is a checkout with a remote`},
		"another name":     {[][]string{{"clone", "--quiet", "--origin=theirs", origin, "x"}}, `is a checkout with a remote, "theirs"`},
		"bare clone":       {[][]string{{"clone", "--quiet", "--bare", origin, "x"}}, `is a bare repository with a remote, "origin"`},
		"mirror":           {[][]string{{"clone", "--quiet", "--mirror", origin, "x"}}, "is a mirror, as old as its last fetch"},
		"mirror by hand":   {[][]string{{"clone", "--quiet", "--bare", "--origin=up", origin, "x"}, {"-C", "x", "config", "remote.up.fetch", "+refs/heads/*:refs/heads/*"}}, "is a mirror"},
		"single branch":    {[][]string{{"clone", "--quiet", "--single-branch", origin, "x"}}, "is a clone of single branches"},
		"shallow":          {[][]string{{"clone", "--quiet", "--depth=1", "file://" + origin, "x"}}, "is a shallow clone"},
		"shallow, all":     {[][]string{{"clone", "--quiet", "--depth=1", "--no-single-branch", "file://" + origin, "x"}}, "is a shallow clone"},
		"bare and shallow": {[][]string{{"clone", "--quiet", "--bare", "--depth=1", "file://" + origin, "x"}, {"-C", "x", "remote", "remove", "origin"}}, "is a shallow clone"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, args := range test.make {
				gitRun(t, dir, args...)
			}
			for _, address := range []string{filepath.Join(dir, "x"), "file://" + filepath.Join(dir, "x")} {
				s := openGit(t, address, nil)
				_, err := s.Branches(t.Context())
				_, found, single := s.Branch(t.Context(), "gone")
				if id, err := s.Identity(t.Context()); err != nil || id.ID == "" {
					t.Errorf("identity %+v, %v", id, err)
				}
				for _, err := range []error{err, single} {
					if found || fault.Code(err) != map[bool]int{true: 0, false: fault.Refused}[test.want == ""] || err != nil && !strings.Contains(err.Error(), test.want) {
						t.Errorf("%s: %t, %v; want %q", address, found, err, test.want)
					}
					if test.want != "" && name != "bare and shallow" && !strings.Contains(fault.Hint(err).String(), origin+"} in the settings") {
						t.Errorf("hint %q", fault.Hint(err).String())
					}
				}
			}
		})
	}
}

// TestRemoteToName checks that the advice is valid in the settings and has no credentials.
func TestRemoteToName(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"git@github.com:acme/shop.git":            "source: {github: acme/shop}",
		"https://x:secret@example.com/a/shop.git": "source: {git: https://example.com/a/shop.git}",
		"../shop.git":            "source: {git: /src/shop.git}",
		"git@example.com:a/shop": "source: {git: git@example.com:a/shop}",
	} {
		if got := (&remote{path: "/src/work"}).settingFor(url); got != want {
			t.Errorf("%s: %s; want %s", url, got, want)
		}
	}
}

// TestHookOfAnotherRepository checks that a hook's variables do not make another repository the source.
func TestHookOfAnotherRepository(t *testing.T) {
	here, _ := repositoryWith(t, "main", "here")
	other, _ := repositoryWith(t, "main", "other")
	for name, value := range map[string]string{
		"GIT_DIR": other, "GIT_COMMON_DIR": other, "GIT_WORK_TREE": other, "GIT_NAMESPACE": "x", "GIT_OBJECT_DIRECTORY": filepath.Join(other, "objects"),
	} {
		t.Setenv(name, value)
	}
	s := openGit(t, here, nil)
	list, err := s.Branches(t.Context())
	if err != nil || len(list.Branches) != 2 || list.Branches[0].Name != "here" || list.Identity.ID != "git:"+here {
		t.Errorf("%+v, %v; want the branches of %s", list, err, here)
	}
	if value := os.Getenv("GIT_DIR"); value != other {
		t.Errorf("GIT_DIR is %q now", value)
	}
}

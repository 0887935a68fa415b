package github

import (
	"slices"
	"testing"
)

// TestDefaultOfAWorkTree checks that a branch is not the default branch because somebody has checked it out.
func TestDefaultOfAWorkTree(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		branches []string
		out      string // checked out
		config   string // init.defaultBranch
		want     string
	}{
		"main is checked out":          {[]string{"main", "x"}, "main", "", "main"},
		"another is":                   {[]string{"main", "x"}, "x", "", "main"},
		"master":                       {[]string{"master", "x"}, "x", "", "master"},
		"as git makes the first":       {[]string{"trunk", "main", "x"}, "x", "trunk", "trunk"},
		"git would make one not there": {[]string{"main", "x"}, "x", "trunk", "main"},
		"none of the usual":            {[]string{"develop", "x"}, "x", "", "x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			gitRun(t, dir, "init", "--quiet", "--initial-branch="+test.branches[0], ".")
			gitRun(t, dir, "config", "init.defaultBranch", test.config)
			gitRun(t, dir, "commit", "--quiet", "--allow-empty", "-m", "first")
			for _, branch := range test.branches[1:] {
				gitRun(t, dir, "branch", branch)
			}
			gitRun(t, dir, "checkout", "--quiet", test.out)
			source := openGit(t, dir, nil)
			list, err := source.Branches(t.Context())
			if err != nil || list.Default != test.want || list.Identity.Default != test.want || len(list.Branches) != len(test.branches) {
				t.Errorf("%+v, %v; want %s", list, err, test.want)
			}
			if id, err := source.Identity(t.Context()); err != nil || id.Default != test.want {
				t.Errorf("%+v, %v", id, err)
			}
		})
	}
	bare, _ := repositoryWith(t, "main", "x")
	gitRun(t, bare, "symbolic-ref", "HEAD", "refs/heads/x")
	if list, err := openGit(t, bare, nil).Branches(t.Context()); err != nil || list.Default != "x" || !slices.ContainsFunc(list.Branches, func(b Branch) bool { return b.Name == "main" }) {
		t.Errorf("of a bare repository it is HEAD's: %+v, %v", list, err)
	}
}

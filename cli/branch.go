package cli

import (
	"context"
	"errors"
	"os/exec"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/git"
)

// ciVariable is an environment variable in which a CI system names the branch it builds.
type ciVariable struct {
	name   string
	system string
	// Where only is set, the variable counts only if the variable of that name has the value is.
	only, is string
}

// ciVariables is read from top to bottom; the first that is set wins. Of a pull request it is the branch it comes from.
// Sources: the lists of predefined variables in the documentation of each system. GITHUB_REF_NAME is a tag's name in a
// build of a tag, and so is BUILDKITE_BRANCH.
var ciVariables = [...]ciVariable{
	{name: "CIRCLE_BRANCH", system: "CircleCI"},
	{name: "GITHUB_HEAD_REF", system: "GitHub Actions"},
	{name: "GITHUB_REF_NAME", system: "GitHub Actions", only: "GITHUB_REF_TYPE", is: "branch"},
	{name: "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", system: "GitLab CI"},
	{name: "CI_COMMIT_BRANCH", system: "GitLab CI"},
	{name: "BITBUCKET_BRANCH", system: "Bitbucket Pipelines"},
	{name: "BUILDKITE_BRANCH", system: "Buildkite", only: "BUILDKITE_TAG", is: ""},
}

// inferBranch tells which branch a command without one is about, and where that came from: the CI system's variable,
// else the checkout's branch, which checkout returns.
func inferBranch(env func(string) string, checkout func() (string, error)) (branch, from string, err error) {
	for _, v := range ciVariables {
		value := env(v.name)
		if value == "" || v.only != "" && env(v.only) != v.is {
			continue
		}
		return value, v.name + " (" + v.system + ")", nil
	}
	branch, err = checkout()
	if err != nil {
		return "", "", err
	}
	return branch, "the checkout", nil
}

// checkoutBranch is the branch that is checked out in the git work tree around dir.
func checkoutBranch(ctx context.Context, dir string) (string, error) {
	hint := "name the branch on the command line"
	// The full name is read: git shortens a branch that shares its name with a tag to heads/NAME.
	ref, err := git.Line(ctx, dir, "symbolic-ref", "--quiet", "HEAD")
	var failure *git.Failure
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case errors.Is(err, exec.ErrNotFound):
		return "", fault.Usagef("no branch given, and git is not installed to ask for the checkout's").WithHint("%s", hint)
	case errors.As(err, &failure) && failure.Code == 1:
		return "", fault.Usagef("no branch given, and the checkout is at no branch (detached HEAD)").WithHint("%s", hint)
	case err != nil:
		return "", fault.Usagef("no branch given, and %s is not in a git checkout", dir).WithHint("%s", hint)
	case !strings.HasPrefix(ref, "refs/heads/"):
		return "", fault.Usagef("no branch given, and the checkout is at %s, which is not a branch", ref).WithHint("%s", hint)
	default:
		return strings.TrimPrefix(ref, "refs/heads/"), nil
	}
}

// checkoutCommit is the commit at the head of branch as the git work tree around dir knows it, or "" where it does not.
// head is where a branch that was inferred is; "" for one that was named.
func checkoutCommit(ctx context.Context, dir, branch, head string) string {
	refs := []string{"refs/heads/" + branch, "refs/remotes/origin/" + branch}
	if head != "" {
		refs = append([]string{head}, refs...)
	}
	for _, ref := range refs {
		if commit, err := git.Line(ctx, dir, "rev-parse", "--verify", "--quiet", ref+"^{commit}"); err == nil {
			return commit
		}
	}
	return ""
}

// headOf is where the branch that c is about is checked out, if it was inferred. A CI system checks out the commit it
// builds, often without a branch; GitHub Actions builds a pull request's merge, whose second parent is the branch's head.
func (s *session) headOf(c *urfave.Context) string {
	switch {
	case c.Args().Present():
		return ""
	case s.env("GITHUB_HEAD_REF") != "":
		return "HEAD^2"
	}
	return "HEAD"
}

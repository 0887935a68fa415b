package cli

import (
	"context"
	"errors"
	"os/exec"
	"strings"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/ci"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/files"
	"github.com/branchenv/branchenv/internal/git"
	"github.com/branchenv/branchenv/internal/text"
)

// maxEvent bounds the file of an event, in bytes. GitHub's payloads have at most 25 MB.
// Source: docs.github.com, Webhook events and payloads.
const maxEvent = 32 << 20

// build returns the build of the CI system that runs this process.
func (s *session) build() ci.Build {
	return ci.Read(s.env, func(path string) ([]byte, error) { return files.Read(path, maxEvent) })
}

// branch returns the branch that was given, else the inferred one, with a message that says where that came from. A full ref is
// refused. The exception is a branch whose own name looks like a full ref: refs/heads/refs/heads/x names refs/heads/x.
func (s *session) branch(ctx context.Context, file *config.File, given string) (string, error) {
	if given != "" {
		name, full := strings.CutPrefix(given, "refs/heads/")
		if full && !strings.HasPrefix(name, "refs/heads/") {
			return "", fault.Usagef("%s is a full ref", given).WithHint("give the branch's name alone: %s", text.ShellWord(name))
		}
		return name, nil
	}
	branch, from, err := inferBranch(s.build(), func() (string, error) { return checkoutBranch(ctx, file.Dir) })
	if err != nil {
		return "", err
	}
	s.say("branch %s, from %s", branch, from)
	return branch, nil
}

// inferBranch returns the branch for a command line without one, and where that came from: the CI system, else the checkout, whose
// branch checkout returns. If the CI system builds no branch, the checkout's branch does not count: it is mostly the default branch.
func inferBranch(build ci.Build, checkout func() (string, error)) (branch, from string, err error) {
	switch {
	case build.Unclear != "":
		return "", "", fault.Usagef("no branch given, and %s", build.Unclear).WithHint("%s", build.Advice)
	case build.Branch != "":
		return build.Branch, build.From, nil
	}
	branch, err = checkout()
	if err != nil {
		return "", "", err
	}
	return branch, "the checkout", nil
}

// checkInvented refuses a name that CI systems or git make up, unless the source has a branch of that name.
func (s *session) checkInvented(ctx context.Context, file *config.File, branch string) error {
	instead, invented := ci.Invented(branch)
	if !invented {
		return nil
	}
	source, err := s.source(file, commandWait)
	if err != nil {
		return err
	}
	_, found, err := source.Branch(ctx, branch)
	if err != nil || found {
		return err
	}
	hint := fault.Textf("name the branch that is to have the environment")
	if instead != "" {
		hint = fault.Textf("%s", fault.Command{"up", instead})
	}
	return fault.Refusedf("%s has no branch %q: CI systems and git make such names up", source, branch).WithHint("%s", hint)
}

// checkoutBranch returns the branch that is checked out in the git work tree around dir.
func checkoutBranch(ctx context.Context, dir string) (string, error) {
	hint := "name the branch on the command line"
	// The full name: git shortens a branch that has the same name as a tag to heads/NAME.
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

// headCommit returns the commit at the head of branch: the CI system's if it builds that branch, else the one that the git work tree
// around dir has under the branch's name. What is checked out does not count: it may be a merge. If the commit is not known, unknown
// says why.
func headCommit(ctx context.Context, build ci.Build, dir, branch string) (commit, unknown string) {
	about := ""
	switch {
	case build.System == "":
	case build.Branch != branch:
		about = "this build of " + build.System + " is not of that branch, and "
	case build.Commit != "":
		return build.Commit, ""
	default:
		about = build.System + " does not say it, and "
	}
	refs := []string{"refs/heads/" + branch, "refs/remotes/origin/" + branch}
	if build.System != "" { // a work tree of an earlier build may have old branches; those of the remote were fetched
		refs[0], refs[1] = refs[1], refs[0]
	}
	for _, ref := range refs {
		found, err := git.Line(ctx, dir, "rev-parse", "--verify", "--quiet", ref+"^{commit}")
		var failure *git.Failure
		switch {
		case err == nil:
			return ci.Commit(found), ""
		case errors.Is(err, exec.ErrNotFound):
			return "", about + "git is not installed"
		case errors.As(err, &failure) && failure.Code != 1:
			return "", about + failure.Error()
		}
	}
	return "", about + "the git checkout has no such branch"
}

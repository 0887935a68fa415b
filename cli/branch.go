package cli

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/ci"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/files"
	"github.com/branchenv/branchenv/internal/git"
	"github.com/branchenv/branchenv/internal/github"
	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks"
	"github.com/branchenv/branchenv/stacks/names"
)

// maxEvent bounds the file of an event, in bytes. GitHub's payloads have at most 25 MB.
// Source: docs.github.com, Webhook events and payloads.
const maxEvent = 32 << 20

// build is what the CI system that runs this process builds.
func (s *session) build() ci.Build {
	return ci.Read(s.env, func(path string) ([]byte, error) { return files.Read(path, maxEvent) })
}

// branch is the command's BRANCH argument, else the inferred branch, with a message that says where it came from. A full
// ref is refused, but for that of a branch whose own name looks like one: refs/heads/refs/heads/x names refs/heads/x.
func (s *session) branch(c *urfave.Context, file *config.File) (string, error) {
	if c.Args().Present() {
		if name, ok := strings.CutPrefix(c.Args().First(), "refs/heads/"); ok {
			if strings.HasPrefix(name, "refs/heads/") {
				return name, nil
			}
			return "", fault.Usagef("%s is a full ref", c.Args().First()).WithHint("give the branch's name alone: %s", text.ShellWord(name))
		}
		return c.Args().First(), nil
	}
	branch, from, err := inferBranch(s.build(), func() (string, error) { return checkoutBranch(c.Context, file.Dir) })
	if err != nil {
		return "", err
	}
	s.say("branch %s, from %s", branch, from)
	return branch, nil
}

// inferBranch returns the branch that a command without one is about, and where that came from: the CI system, else the
// checkout's branch, which checkout returns. In a build that is not about a branch a checkout may well be at one, the
// default branch mostly; that one is not meant.
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

// allowForkFlag is the flag of the commands that change an environment. It is no setting: a pull request's build reads
// the settings from the fork's checkout, and the fork would allow itself.
func allowForkFlag() *urfave.StringFlag {
	return &urfave.StringFlag{Name: "allow-fork", Usage: "in the build of a pull request of the fork `OWNER/NAME`, go on"}
}

// ownBranch is branch for a command that changes the branch's environment. It refuses to work for code that is not the
// repository's own: a fork's branch may have any name, main included. ends says that the command ends the environment.
func (s *session) ownBranch(c *urfave.Context, file *config.File, ends bool) (string, ci.Build, error) {
	build := s.build()
	branch, err := s.branch(c, file)
	if err != nil {
		return "", build, err
	}
	if err := names.CheckBranch(branch); err != nil {
		return "", build, err
	}
	if build.Origin != ci.Fork && !c.Args().Present() {
		if err := s.checkRepository(c.Context, file, branch, build, c.String("allow-fork")); err != nil {
			return "", build, err
		}
	}
	switch build.Origin {
	case ci.Fork:
		return branch, build, s.forkAllowed(file, branch, build, c.String("allow-fork"))
	case ci.Unknown:
		if ends {
			return branch, build, fault.Refusedf("the build of a pull request that may be another repository's ends no environment: %s", build.Doubt).
				WithHint("%s removes environments whose branch is gone; or run destroy outside of the pull request's build", fault.Command{"reconcile"})
		}
		return branch, build, s.proveOwn(c.Context, file, branch, build)
	}
	return branch, build, nil
}

// forkAllowed is an error unless the fork is allowed by name and the environment is not protected. Whether the stack says
// that it is, or the branch is the source's default one, the session's next manager checks.
func (s *session) forkAllowed(file *config.File, branch string, build ci.Build, allowed string) error {
	leaveOut := "leave this step out for pull requests of forks"
	if build.Origin != ci.Fork {
		leaveOut = "leave this step out in other repositories, or name the branch if this one deploys it"
	}
	whose := "another repository, " + build.Fork
	if build.Fork == "" {
		whose = "another repository, which is gone"
	}
	if build.Fork == "" || !strings.EqualFold(allowed, build.Fork) {
		err := fault.Refusedf("this build of %s runs the code of %s: it may not touch the environment of branch %q", build.System, whose, branch)
		if build.Fork == "" {
			return err.WithHint("%s", leaveOut)
		}
		return err.WithHint("%s, or allow this fork: --allow-fork %s", leaveOut, text.ShellWord(build.Fork))
	}
	slug, err := names.Slug(branch)
	if err != nil {
		return err
	}
	resolved, err := file.Resolve(branch)
	if err != nil {
		return err
	}
	if _, protected := file.Protects(branch, slug); protected || resolved.Settings.Protected {
		return fault.Refusedf("the environment of branch %q is protected, and this build runs the code of %s", branch, whose).WithHint("%s", leaveOut)
	}
	s.guest = &guest{branch: branch, whose: whose, leaveOut: leaveOut}
	return nil
}

// guest is the code of another repository that a command was allowed to run for a branch.
type guest struct{ branch, whose, leaveOut string }

// check refuses a guest whose branch has a protected environment, or is the source's default one. The settings say
// nothing of that: in a fork's build they are the fork's.
func (g *guest) check(ctx context.Context, m stacks.Manager) error {
	if g == nil {
		return nil
	}
	protected, err := m.Protected(ctx, g.branch)
	if err != nil || !protected {
		return err
	}
	return fault.Refusedf("the environment of branch %q is protected, and this build runs the code of %s", g.branch, g.whose).WithHint("%s", g.leaveOut)
}

// checkRepository refuses to take the branch from a build of another repository than the source, like from a fork's pull
// request: its main is not the source's. A build and a source that cannot be compared pass.
func (s *session) checkRepository(ctx context.Context, file *config.File, branch string, build ci.Build, allowed string) error {
	runs := build.Repository
	if runs.Path == "" { // nothing to compare: the source need not even be valid
		return nil
	}
	source, id := ci.ParseRepository(file.Source.Git), func() (github.Identity, error) { return github.Identity{}, nil }
	if file.Source.GitHub != "" {
		asked, err := s.source(file, commandWait)
		if err != nil {
			return err
		}
		source = onServer(asked.String())
		id = func() (github.Identity, error) { return asked.Identity(ctx) }
	} else if runs.Host == "" {
		return nil
	}
	if !comparable(runs, source) || strings.EqualFold(runs.Path, source.Path) {
		return nil
	}
	// It may have been renamed since the settings were written. A source that cannot be asked goes by its name.
	if now, err := id(); err == nil && now.ID != "" {
		number := now.ID[strings.LastIndex(now.ID, ":")+1:]
		if runs.ID == number || runs.ID == "" && strings.EqualFold(runs.Path, onServer(now.Name).Path) {
			return nil
		}
	} else if ctx.Err() != nil {
		return ctx.Err()
	}
	build.Fork = runs.Path
	return s.forkAllowed(file, branch, build, allowed)
}

// onServer takes apart a source's name as GitHub's sources write it: host, or host and port, and owner/name.
func onServer(name string) ci.Repository { return ci.ParseRepository("https://" + name) }

// comparable reports whether both repositories are known and on one server. GitHub's API has a host of its own.
func comparable(build, source ci.Repository) bool {
	return build.Path != "" && source.Path != "" && (build.Host == "" || build.Host == source.Host || "api."+build.Host == source.Host)
}

// proveOwn is for the pull requests of CI systems that do not say whose they are: the code is the repository's own if
// the source has the branch at the very commit that is built. That does not prove whose the pull request is: a fork has
// the commits of the repository, and may open and close pull requests of them. So it is not enough to end an environment.
func (s *session) proveOwn(ctx context.Context, file *config.File, branch string, build ci.Build) error {
	refused := func(why string) error {
		return fault.Refusedf("this build may run the code of another repository: %s, and %s", build.Doubt, why).
			WithHint("run this step for pushes to the branch, not for pull requests")
	}
	if build.Commit == "" {
		return refused("nothing tells which commit it is")
	}
	source, err := s.source(file, commandWait)
	if err != nil {
		return err
	}
	head, found, err := source.Branch(ctx, branch)
	switch {
	case err != nil:
		return err
	case found && head.Commit == build.Commit:
		return nil
	case !found:
		return refused(fmt.Sprintf("%s has no branch %q", source, branch))
	}
	return refused(fmt.Sprintf("branch %q of %s is not at the commit that is built", branch, source))
}

// checkInvented refuses names that CI systems and git make up, unless the source has a branch of that name.
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

// headCommit is the commit at the head of branch: what the CI system says if it builds that branch, else what the git
// work tree around dir has under the branch's name. It never looks at what is checked out, which may be a merge. If the
// commit is not known, unknown says why.
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
	if build.System != "" { // a work tree that is used again may have old branches; the remote's are fetched
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

package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/ci"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/github"
	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks"
	"github.com/branchenv/branchenv/stacks/names"
)

// trustedBranch returns the branch of a command that changes the branch's environment, and the build that the command runs in. It
// refuses the code of another repository: a fork's branch may have any name, main included. destroys says that the command destroys
// the environment.
func (s *session) trustedBranch(ctx context.Context, file *config.File, o branchOptions, destroys bool) (string, ci.Build, error) {
	build := s.build()
	branch, err := s.branch(ctx, file, o.branch)
	if err != nil {
		return "", build, err
	}
	if err := names.CheckBranch(branch); err != nil {
		return "", build, err
	}
	if build.Origin != ci.Fork && o.branch == "" {
		if err := s.checkRepository(ctx, file, branch, build, o.allowFork); err != nil {
			return "", build, err
		}
	}
	switch build.Origin {
	case ci.Fork:
		return branch, build, s.checkFork(file, branch, build, o.allowFork)
	case ci.Unknown:
		if destroys {
			return branch, build, fault.Refusedf("the build of a pull request that may be another repository's must not destroy an environment: %s", build.Doubt).
				WithHint("%s removes environments whose branch is gone; or run destroy outside of the pull request's build", fault.Command{"reconcile"})
		}
		return branch, build, s.checkOwnCommit(ctx, file, branch, build)
	}
	return branch, build, nil
}

// checkFork refuses a fork's build unless allowed names the fork and the settings do not protect the environment. The rest, what the
// stack and the source say, is checked when the session's manager is opened.
func (s *session) checkFork(file *config.File, branch string, build ci.Build, allowed string) error {
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
	s.foreign = &foreignCode{branch: branch, whose: whose, leaveOut: leaveOut}
	return nil
}

// foreignCode is the code of another repository that a command was allowed to run for a branch.
type foreignCode struct{ branch, whose, leaveOut string }

// check refuses the code if the branch's environment is protected, or the branch is the source's default one. The settings are no
// help here: in a fork's build they are the fork's.
func (f *foreignCode) check(ctx context.Context, m stacks.Manager) error {
	if f == nil {
		return nil
	}
	protected, err := m.Protected(ctx, f.branch)
	if err != nil || !protected {
		return err
	}
	return fault.Refusedf("the environment of branch %q is protected, and this build runs the code of %s", f.branch, f.whose).WithHint("%s", f.leaveOut)
}

// checkRepository refuses the branch of a build of another repository than the source, as that of a fork's pull request: its main is
// not the source's. If the build and the source cannot be compared, there is no error.
func (s *session) checkRepository(ctx context.Context, file *config.File, branch string, build ci.Build, allowed string) error {
	runs := build.Repository
	if runs.Path == "" { // there is nothing to compare, whatever the source is
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
	// The repository may have been renamed since the settings were written. If the source gives no answer, the name counts.
	if now, err := id(); err == nil && now.ID != "" {
		number := now.ID[strings.LastIndex(now.ID, ":")+1:]
		if runs.ID == number || runs.ID == "" && strings.EqualFold(runs.Path, onServer(now.Name).Path) {
			return nil
		}
	} else if ctx.Err() != nil {
		return ctx.Err()
	}
	build.Fork = runs.Path
	return s.checkFork(file, branch, build, allowed)
}

// onServer parses the name of a GitHub source: host or host:port, then owner/name.
func onServer(name string) ci.Repository { return ci.ParseRepository("https://" + name) }

// comparable reports whether both repositories are known and on the same server. GitHub's API has a host of its own.
func comparable(build, source ci.Repository) bool {
	return build.Path != "" && source.Path != "" && (build.Host == "" || build.Host == source.Host || "api."+build.Host == source.Host)
}

// checkOwnCommit refuses the build of a pull request of an unknown repository, unless the commit is the head of the branch in the source:
// then the code is the repository's own. The pull request may still be a fork's, since a fork has the repository's commits, too, and may
// open and close pull requests of them. So this is not enough to destroy an environment.
func (s *session) checkOwnCommit(ctx context.Context, file *config.File, branch string, build ci.Build) error {
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

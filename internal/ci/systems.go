package ci

import (
	"regexp"
	"strings"
)

// circle reads the variables of CircleCI. CIRCLE_PR_USERNAME and CIRCLE_PR_REPONAME are set only for pull requests of forks;
// their CIRCLE_BRANCH is pull/NUMBER. Source: circleci.com, Project values and variables; Building pull requests from forks.
func circle(b *Build, e env, _ func(string) ([]byte, error)) {
	if tag := e("CIRCLE_TAG"); tag != "" {
		b.tag(tag)
		return
	}
	b.branch(e, "CIRCLE_BRANCH")
	b.Commit = Commit(e("CIRCLE_SHA1"))
	if user, name := e("CIRCLE_PR_USERNAME"), e("CIRCLE_PR_REPONAME"); user != "" || name != "" {
		b.Origin, b.Fork = Fork, strings.Trim(user+"/"+name, "/")
	}
}

func woodpeckerRuns(e env) bool {
	return e("CI") == "woodpecker" || e("CI_SYSTEM_NAME") == "woodpecker" || e("CI_PIPELINE_EVENT") != ""
}

// woodpecker reads the variables of Woodpecker CI. For a pull request CI_COMMIT_BRANCH is the target branch, and
// CI_COMMIT_SOURCE_BRANCH the source branch. No variable names the source repository.
// Source: woodpecker-ci.org, Environment variables; pipeline/frontend/metadata/environment.go.
func woodpecker(b *Build, e env, _ func(string) ([]byte, error)) {
	b.Event = e("CI_PIPELINE_EVENT")
	b.Commit = Commit(e("CI_COMMIT_SHA"))
	switch {
	case strings.HasPrefix(b.Event, "pull_request") || e("CI_COMMIT_PULL_REQUEST") != "":
		b.branch(e, "CI_COMMIT_SOURCE_BRANCH")
		b.fork("", "", "")
	case b.Event == "push" || b.Event == "manual" || b.Event == "" && e("CI_COMMIT_TAG") == "":
		b.branch(e, "CI_COMMIT_BRANCH")
	default:
		b.noBranch()
	}
}

// drone reads the variables of Drone. For a pull request DRONE_BRANCH is the target branch, and DRONE_SOURCE_BRANCH the source
// branch. No variable names the source repository. Source: docs.drone.io, Environment reference.
func drone(b *Build, e env, _ func(string) ([]byte, error)) {
	b.Event = e("DRONE_BUILD_EVENT")
	b.Commit = Commit(e.first("DRONE_COMMIT_SHA", "DRONE_COMMIT"))
	switch {
	case b.Event == "pull_request" || e("DRONE_PULL_REQUEST") != "":
		b.branch(e, "DRONE_SOURCE_BRANCH")
		b.fork("", "", "")
	case b.Event == "push" || b.Event == "custom" || b.Event == "" && e("DRONE_TAG") == "":
		b.branch(e, "DRONE_BRANCH")
	default:
		b.noBranch()
	}
}

// bitbucket reads the variables of Bitbucket Pipelines. A fork's pull request starts no pipeline in the target repository.
// Source: support.atlassian.com, Variables and secrets; Pipeline start conditions.
func bitbucket(b *Build, e env, _ func(string) ([]byte, error)) {
	if tag := e("BITBUCKET_TAG"); tag != "" {
		b.tag(tag)
		return
	}
	b.branch(e, "BITBUCKET_BRANCH")
	b.Commit = Commit(e("BITBUCKET_COMMIT"))
}

// buildkite reads the variables of Buildkite. In the build of a tag BUILDKITE_BRANCH is the tag's name. BUILDKITE_COMMIT may be
// the word HEAD. BUILDKITE_PULL_REQUEST is false if the build has no pull request.
// Source: buildkite.com, Environment variables.
func buildkite(b *Build, e env, _ func(string) ([]byte, error)) {
	b.Event = e("BUILDKITE_SOURCE")
	if tag := e("BUILDKITE_TAG"); tag != "" {
		b.tag(tag)
		return
	}
	b.branch(e, "BUILDKITE_BRANCH")
	b.Commit = Commit(e("BUILDKITE_COMMIT"))
	if pull := e("BUILDKITE_PULL_REQUEST"); pull != "" && pull != "false" {
		source := e("BUILDKITE_PULL_REQUEST_REPO")
		_, name := repository(source)
		b.fork(comparableAddress(source), comparableAddress(e("BUILDKITE_REPO")), name)
	}
	if b.Event == "schedule" {
		b.noBranch()
	}
}

// azure reads the variables of Azure Pipelines. For a pull request BUILD_SOURCEBRANCH is refs/pull/NUMBER/merge, and
// BUILD_SOURCEVERSION is that merge. Source: learn.microsoft.com, Use predefined variables.
func azure(b *Build, e env, _ func(string) ([]byte, error)) {
	b.Event = e("BUILD_REASON")
	switch ref := e("BUILD_SOURCEBRANCH"); {
	case b.Event == "PullRequest" || e("SYSTEM_PULLREQUEST_SOURCEBRANCH") != "":
		b.branch(e, "SYSTEM_PULLREQUEST_SOURCEBRANCH")
		b.Commit = Commit(e("SYSTEM_PULLREQUEST_SOURCECOMMITID"))
		_, name := repository(e("SYSTEM_PULLREQUEST_SOURCEREPOSITORYURI"))
		switch strings.ToLower(e("SYSTEM_PULLREQUEST_ISFORK")) {
		case "false":
		case "true":
			b.Origin, b.Fork = Fork, name
		default:
			b.fork("", "", "")
		}
	case strings.HasPrefix(ref, "refs/tags/"):
		b.tag(strings.TrimPrefix(ref, "refs/tags/"))
	case strings.HasPrefix(ref, heads):
		b.branch(e, "BUILD_SOURCEBRANCH")
		b.Commit = Commit(e("BUILD_SOURCEVERSION"))
		if b.Event == "Schedule" {
			b.noBranch()
		}
	}
}

// travis reads the variables of Travis CI. TRAVIS_BRANCH is the target branch of a pull request, and in the build of a tag the
// tag. Source: docs.travis-ci.com, Default environment variables.
func travis(b *Build, e env, _ func(string) ([]byte, error)) {
	b.Event = e("TRAVIS_EVENT_TYPE")
	switch pull := e("TRAVIS_PULL_REQUEST"); {
	case pull != "" && pull != "false":
		b.branch(e, "TRAVIS_PULL_REQUEST_BRANCH")
		b.Commit = Commit(e("TRAVIS_PULL_REQUEST_SHA"))
		source := e("TRAVIS_PULL_REQUEST_SLUG")
		b.fork(source, e("TRAVIS_REPO_SLUG"), source)
	case e("TRAVIS_TAG") != "":
		b.tag(e("TRAVIS_TAG"))
	default:
		b.branch(e, "TRAVIS_BRANCH")
		b.Commit = Commit(e("TRAVIS_COMMIT"))
		if b.Event == "cron" {
			b.noBranch()
		}
	}
}

// jenkins reads the variables of a multibranch project of Jenkins. For a change request BRANCH_NAME is invented (PR-12), and
// GIT_COMMIT may be a merge. CHANGE_FORK is set only for forks: to the owner, or to owner/name if the fork has another name.
// Source: jenkinsci/branch-api-plugin, BranchNameContributor; github-branch-source-plugin#235.
func jenkins(b *Build, e env, _ func(string) ([]byte, error)) {
	switch {
	case e("CHANGE_ID") != "":
		b.Event = "change request"
		b.branch(e, "CHANGE_BRANCH")
		if fork := e("CHANGE_FORK"); fork != "" {
			b.Origin, b.Fork = Fork, fork
		} else if b.Branch == "" { // an old plugin, which sets neither
			b.fork("", "", "")
		}
	case e("TAG_NAME") != "":
		b.tag(e("TAG_NAME"))
	default:
		b.branch(e, "BRANCH_NAME")
		b.Commit = Commit(e("GIT_COMMIT"))
	}
}

// Names that CI systems and git use for other things than branches, and other names for branches.
var (
	pullName   = regexp.MustCompile(`^(refs/)?(pull|pull-requests|merge-requests)/\d+(/(head|merge|from|train))?$|^\d+/(head|merge)$|^(PR|MR)-\d+(-(head|merge))?$|^(FETCH_)?HEAD$`)
	remoteName = regexp.MustCompile(`^(?:(?:refs/)?remotes/)?(?:origin|upstream)/(.+)$|^heads/(.+)$`)
)

// Invented reports whether name looks like one that CI systems or git invent: pull/335, 7/merge, refs/pull/7/merge, PR-12,
// merge-requests/3/head, HEAD, origin/x. Hardly any real branch has such a name. instead is the probable name of the branch,
// or "" if the invented name does not contain it.
func Invented(name string) (instead string, invented bool) {
	if found := remoteName.FindStringSubmatch(name); found != nil {
		return found[1] + found[2], true
	}
	return "", pullName.MatchString(name)
}

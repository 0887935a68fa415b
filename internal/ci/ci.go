// Package ci reads the variables of CI systems: which system runs this process, and what it builds. That is the branch, the
// commit at the branch's head, and whether the code is the repository's own. The package is pure: variables and files are
// arguments.
//
// It does not guess. A fact that a system does not state stays empty. A tag, a schedule, a merge queue or the merge of a pull
// request is never read as a branch or as a branch's head.
package ci

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/branchenv/branchenv/internal/fault"
)

// Origin says whose code a build runs.
type Origin int

// The origins of code.
const (
	Own     Origin = iota // the repository's own branch; also a build without a pull request
	Fork                  // a pull request of another repository, which may be hostile
	Unknown               // a pull request of an unknown repository: see Build.Doubt
)

// Build is a CI system's current build.
type Build struct {
	System string // its name for people; "" if no known CI system runs this process
	Event  string // what started the build, in the system's words; "" if unknown
	Branch string // the branch of the build; "" if there is none
	From   string // where Branch was read: a variable and the system
	Commit string // the head of Branch, 40 or 64 hexadecimal digits; "" if unknown
	Origin Origin
	Fork   string // the other repository, mostly owner/name, if Origin is Fork; "" if it was deleted
	Doubt  string // why Origin is Unknown
	// Unclear says why Branch must not be used without being named on the command line: the build is for no branch, or for
	// more than one. "" if it may be used.
	Unclear string
	Advice  fault.Text // what to do if Unclear is set: a sentence without a full stop
	// Repository is the repository of the build. For a pull request it is mostly the target.
	Repository Repository
}

// system reads the variables of one CI system.
type system struct {
	name string
	runs func(env) bool // reports whether the system runs this process
	read func(b *Build, e env, readFile func(string) ([]byte, error))
}

// systems are the supported systems. The first that runs this process counts, so a system stands before another one that
// shares names of variables with it. GitHub's come first because GITHUB_HEAD_REF alone may be passed into a container.
var systems = [...]system{
	{"GitHub Actions", anyOf("GITHUB_ACTIONS", "GITHUB_EVENT_NAME", "GITHUB_HEAD_REF", "GITHUB_REF_NAME"), github},
	{"CircleCI", anyOf("CIRCLECI", "CIRCLE_BRANCH"), circle},
	{"Woodpecker CI", woodpeckerRuns, woodpecker},
	{"Drone", anyOf("DRONE", "DRONE_BRANCH"), drone},
	{"GitLab CI", anyOf("GITLAB_CI", "CI_MERGE_REQUEST_IID", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_COMMIT_BRANCH"), gitlab},
	{"Bitbucket Pipelines", anyOf("BITBUCKET_BUILD_NUMBER", "BITBUCKET_BRANCH"), bitbucket},
	{"Buildkite", anyOf("BUILDKITE", "BUILDKITE_BRANCH"), buildkite},
	{"Azure Pipelines", anyOf("TF_BUILD", "BUILD_SOURCEBRANCH"), azure},
	{"Travis CI", anyOf("TRAVIS", "TRAVIS_BRANCH"), travis},
	// Without BRANCH_NAME the project is not a multibranch one, and Jenkins does not say what it builds.
	{"Jenkins", func(e env) bool { return e("JENKINS_URL") != "" && (e("BRANCH_NAME") != "" || e("CHANGE_ID") != "") }, jenkins},
}

// Read returns the current build of the CI system that runs this process, or the zero Build if there is none. Empty variables
// count as unset. readFile reads GitHub's event.
func Read(variable func(string) string, readFile func(string) ([]byte, error)) Build {
	for _, s := range systems {
		if !s.runs(variable) {
			continue
		}
		b := Build{System: s.name}
		s.read(&b, variable, readFile)
		b.Repository = runsIn(variable, s.name)
		if b.Branch == "" && b.Unclear == "" {
			b.unclear("the build of " + b.System + " has no branch")
		}
		return b
	}
	return Build{}
}

// env looks up a variable; "" if it is not set.
type env func(string) string

func anyOf(names ...string) func(env) bool {
	return func(e env) bool { return e.first(names...) != "" }
}

// first returns the value of the first variable that is set.
func (e env) first(names ...string) string {
	for _, name := range names {
		if value := e(name); value != "" {
			return value
		}
	}
	return ""
}

// branch sets Branch from a variable, without refs/heads/.
func (b *Build) branch(e env, variable string) {
	if value := e(variable); value != "" {
		b.Branch, b.From = strings.TrimPrefix(value, heads), variable+" ("+b.System+")"
	}
}

const heads = "refs/heads/"

// unclear records why the branch must be named on the command line.
func (b *Build) unclear(why string) {
	b.Unclear = why
	if b.Advice.IsZero() {
		b.Advice = fault.Textf("name the branch on the command line")
	}
}

// noBranch records that the event which started the build has no branch.
func (b *Build) noBranch() {
	b.unclear("the event " + b.Event + " of " + b.System + " is not for a branch")
}

func (b *Build) tag(name string) { b.unclear(b.System + " builds the tag " + name) }

// doubt records that the build is of a pull request from an unknown repository.
func (b *Build) doubt(why string) { b.Origin, b.Doubt = Unknown, why }

// fork compares the source and the target repository of a pull request. The system may name both by ids, full names or
// addresses. name is the source's name.
func (b *Build) fork(source, target, name string) {
	switch {
	case source == "" || target == "":
		b.doubt(b.System + " does not say which repository the pull request comes from")
	case !strings.EqualFold(source, target):
		b.Origin, b.Fork = Fork, name
	}
}

// commitHash matches a full hash: SHA-1 or SHA-256.
var commitHash = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// Commit returns value in lower case if it is the full hash of a commit, and "" otherwise. Zeros mean no commit.
func Commit(value string) string {
	value = strings.ToLower(value)
	if !commitHash.MatchString(value) || strings.Trim(value, "0") == "" {
		return ""
	}
	return value
}

// Repository is a repository as an address or a CI system's variables name it. The zero Repository is unknown.
type Repository struct {
	Host string // lower case, without a port; "" if unknown
	Path string // mostly owner/name, without .git
	ID   string // GitHub's number on Host, which stays through renames; "" if unknown
}

// ParseRepository returns the repository at the address of a git remote, or the zero one for a path on this machine.
func ParseRepository(address string) Repository {
	host, path := repository(address)
	if host == "" || path == "" {
		return Repository{}
	}
	return Repository{Host: host, Path: path}
}

// scpAddress matches git's short form of an ssh address: git@github.com:acme/shop.git.
var scpAddress = regexp.MustCompile(`^(?:[^@/:]+@)?([^/:]+):([^/].*)$`)

// repository returns host and path of a git repository's address. Two forms of one address give the same.
func repository(address string) (host, path string) {
	if parts := scpAddress.FindStringSubmatch(address); parts != nil && !strings.Contains(address, "://") {
		host, path = parts[1], parts[2]
	} else if u, err := url.Parse(address); err == nil {
		host, path = u.Hostname(), u.Path
	}
	return strings.ToLower(host), strings.TrimSuffix(strings.Trim(path, "/"), ".git")
}

// comparableAddress returns the address of a repository in a form to compare, or "" if it is not an address.
func comparableAddress(address string) string {
	host, path := repository(address)
	if path == "" {
		return ""
	}
	return host + "/" + path
}

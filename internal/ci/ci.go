// Package ci reads from the environment which CI system runs this process, and what it builds: the branch, the commit
// at the branch's head, and whether the code is the repository's own. It is pure: variables and files are arguments.
//
// It does not guess. What a system does not say is empty, and what it says about something else (a tag, a schedule, a
// merge queue, the merge of a pull request) is never taken for a branch or for a branch's head.
package ci

import (
	"net/url"
	"regexp"
	"strings"
)

// Origin says whose code a build runs.
type Origin int

// The origins of code.
const (
	Own     Origin = iota // the repository's own branch; also a build that is of no pull request
	Fork                  // a pull request of another repository, which need not be anybody's friend
	Unknown               // a pull request, and nothing says of which repository: see Build.Doubt
)

// Build is what a CI system says about the build that runs.
type Build struct {
	System string // its name for people; "" if no known CI system runs this process
	Event  string // what started the build, in the system's words; "" if it does not say
	Branch string // the branch that the build is about; "" if there is none
	From   string // where Branch was read: a variable and the system
	Commit string // the head of Branch, 40 or 64 hexadecimal digits; "" if it is not known
	Origin Origin
	Fork   string // the other repository, mostly owner/name, if Origin is Fork; "" if it is gone
	Doubt  string // why Origin is Unknown
	// Unclear says why Branch must not be inferred: the build is not about a branch, or not by itself. "" if it may be.
	Unclear string
	Advice  string // what to do if Unclear is set: a sentence without a full stop
	// Repository is the one that the build runs in; of a pull request mostly the one that it is for.
	Repository Repository
}

// system reads the variables of one CI system.
type system struct {
	name string
	runs func(env) bool // whether it runs this process
	read func(b *Build, e env, readFile func(string) ([]byte, error))
}

// systems is read from top to bottom; the first that runs this process counts. A system whose variables share names with
// another one's stands before it. GitHub's come first because GITHUB_HEAD_REF alone may be passed into a container.
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
	// Without BRANCH_NAME it is not a multibranch project, and Jenkins does not say what it builds.
	{"Jenkins", func(e env) bool { return e("JENKINS_URL") != "" && (e("BRANCH_NAME") != "" || e("CHANGE_ID") != "") }, jenkins},
}

// Read returns what the CI system that runs this process builds; the zero Build if there is none. Variables that are set
// and empty count as unset. readFile is asked for GitHub's event.
func Read(variable func(string) string, readFile func(string) ([]byte, error)) Build {
	for _, s := range systems {
		if !s.runs(variable) {
			continue
		}
		b := Build{System: s.name}
		s.read(&b, variable, readFile)
		b.Repository = runsIn(variable, s.name)
		if b.Branch == "" && b.Unclear == "" {
			b.unclear("the build of " + b.System + " is about no branch")
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

// first is the value of the first variable that is set.
func (e env) first(names ...string) string {
	for _, name := range names {
		if value := e(name); value != "" {
			return value
		}
	}
	return ""
}

// branch takes Branch from a variable, without refs/heads/.
func (b *Build) branch(e env, variable string) {
	if value := e(variable); value != "" {
		b.Branch, b.From = strings.TrimPrefix(value, heads), variable+" ("+b.System+")"
	}
}

const heads = "refs/heads/"

// unclear demands that the branch is named.
func (b *Build) unclear(why string) {
	b.Unclear = why
	if b.Advice == "" {
		b.Advice = "name the branch on the command line"
	}
}

// event demands that the branch is named, because of what started the build.
func (b *Build) event() {
	b.unclear("the event " + b.Event + " of " + b.System + " is not about a branch")
}

func (b *Build) tag(name string) { b.unclear(b.System + " builds the tag " + name) }

// doubt notes that the build is of a pull request whose repository is not known.
func (b *Build) doubt(why string) { b.Origin, b.Doubt = Unknown, why }

// fork compares the repository that the code is of with the one that the pull request is for. Both are what the system
// names them by: ids, full names or addresses.
func (b *Build) fork(source, target, name string) {
	switch {
	case source == "" || target == "":
		b.doubt(b.System + " does not say which repository the pull request comes from")
	case !strings.EqualFold(source, target):
		b.Origin, b.Fork = Fork, name
	}
}

// commitHash is a whole commit: SHA-1 or SHA-256.
var commitHash = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// Commit returns value in lower case if it is the whole hash of a commit, and "" otherwise. Zeros stand for no commit.
func Commit(value string) string {
	value = strings.ToLower(value)
	if !commitHash.MatchString(value) || strings.Trim(value, "0") == "" {
		return ""
	}
	return value
}

// Repository is a repository as an address or a CI system's variables name it. The zero one is not known.
type Repository struct {
	Host string // lower case, without a port; "" if it is not known
	Path string // mostly owner/name, without .git
	ID   string // GitHub's number on Host, which stays when it is renamed; "" if it is not known
}

// ParseRepository returns the repository at the address of a git remote; the zero one for a path of this machine.
func ParseRepository(address string) Repository {
	host, path := repository(address)
	if host == "" || path == "" {
		return Repository{}
	}
	return Repository{Host: host, Path: path}
}

// scpAddress is git's short form of an ssh address: git@github.com:acme/shop.git.
var scpAddress = regexp.MustCompile(`^(?:[^@/:]+@)?([^/:]+):([^/].*)$`)

// repository takes apart the address of a git repository, so that two forms of one address compare equal.
func repository(address string) (host, path string) {
	if parts := scpAddress.FindStringSubmatch(address); parts != nil && !strings.Contains(address, "://") {
		host, path = parts[1], parts[2]
	} else if u, err := url.Parse(address); err == nil {
		host, path = u.Hostname(), u.Path
	}
	return strings.ToLower(host), strings.TrimSuffix(strings.Trim(path, "/"), ".git")
}

// sameForm is the address of a repository as it compares; "" if it is none.
func sameForm(address string) string {
	host, path := repository(address)
	if path == "" {
		return ""
	}
	return host + "/" + path
}

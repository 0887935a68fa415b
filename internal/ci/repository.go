package ci

import "strings"

// cloneAddress holds the variables of each system with the address of the built repository, in the order of preference.
// Source: the documentation that each system's function names.
var cloneAddress = map[string][]string{
	"CircleCI":            {"CIRCLE_REPOSITORY_URL"},
	"Woodpecker CI":       {"CI_REPO_CLONE_URL", "CI_REPO_URL"},
	"Drone":               {"DRONE_GIT_HTTP_URL", "DRONE_REMOTE_URL"},
	"GitLab CI":           {"CI_PROJECT_URL"},
	"Bitbucket Pipelines": {"BITBUCKET_GIT_HTTP_ORIGIN"},
	"Buildkite":           {"BUILDKITE_REPO"},
	"Azure Pipelines":     {"BUILD_REPOSITORY_URI"},
	"Jenkins":             {"GIT_URL"},
}

// runsIn returns the repository of a build of the system, or the zero Repository if it is unknown.
func runsIn(e env, system string) Repository {
	r := ParseRepository(e.first(cloneAddress[system]...))
	switch system {
	case "GitHub Actions":
		server, _ := repository(e("GITHUB_SERVER_URL"))
		return named(server, e("GITHUB_REPOSITORY"), e("GITHUB_REPOSITORY_ID"))
	case "Travis CI":
		return named("", e("TRAVIS_REPO_SLUG"), "")
	case "CircleCI":
		if r == (Repository{}) && e("CIRCLE_PROJECT_USERNAME") != "" && e("CIRCLE_PROJECT_REPONAME") != "" {
			return named("", e("CIRCLE_PROJECT_USERNAME")+"/"+e("CIRCLE_PROJECT_REPONAME"), "")
		}
	case "GitLab CI":
		switch path := e("CI_PROJECT_PATH"); {
		case r == (Repository{}):
			return named(strings.ToLower(e("CI_SERVER_HOST")), path, "")
		case path != "" && !strings.EqualFold(path, r.Path):
			return Repository{} // GitLab runs below a path of its host, and SSH addresses lack that path
		}
	case "Azure Pipelines":
		if e("BUILD_REPOSITORY_PROVIDER") == "TfsGit" || strings.Contains(r.Path, "_git/") {
			return Repository{} // a repository of Azure has several addresses
		}
	}
	return r
}

// named returns the repository with that path, or the zero one if the path is empty.
func named(host, path, id string) Repository {
	if path == "" {
		return Repository{}
	}
	return Repository{Host: host, Path: path, ID: id}
}

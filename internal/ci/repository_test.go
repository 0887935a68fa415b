package ci

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRepository reads the repository of each system. One with several addresses, or none, is unknown.
func TestRepository(t *testing.T) {
	t.Parallel()
	shop := Repository{Host: "example.com", Path: "acme/shop"}
	for name, test := range map[string]struct {
		env  map[string]string
		want Repository
	}{
		"GitHub": {
			map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/shop", "GITHUB_REPOSITORY_ID": "1", "GITHUB_SERVER_URL": "https://GitHub.com"},
			Repository{Host: "github.com", Path: "acme/shop", ID: "1"},
		},
		"GitHub, no server":  {map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/shop"}, Repository{Path: "acme/shop"}},
		"GitHub, no name":    {map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY_ID": "1"}, Repository{}},
		"Circle":             {map[string]string{"CIRCLECI": "true", "CIRCLE_REPOSITORY_URL": "git@Example.com:acme/shop.git", "CIRCLE_PROJECT_USERNAME": "x"}, shop},
		"Circle, names":      {map[string]string{"CIRCLECI": "true", "CIRCLE_PROJECT_USERNAME": "acme", "CIRCLE_PROJECT_REPONAME": "shop"}, Repository{Path: "acme/shop"}},
		"Circle, one name":   {map[string]string{"CIRCLECI": "true", "CIRCLE_PROJECT_REPONAME": "shop"}, Repository{}},
		"Woodpecker":         {map[string]string{"CI": "woodpecker", "CI_REPO_CLONE_URL": "https://example.com/acme/shop.git"}, shop},
		"Drone":              {map[string]string{"DRONE": "true", "DRONE_REMOTE_URL": "https://example.com/acme/shop.git"}, shop},
		"GitLab":             {map[string]string{"GITLAB_CI": "true", "CI_PROJECT_URL": "https://example.com:8443/acme/shop", "CI_PROJECT_PATH": "acme/shop"}, shop},
		"GitLab, path":       {map[string]string{"GITLAB_CI": "true", "CI_SERVER_HOST": "Example.com", "CI_PROJECT_PATH": "acme/shop"}, shop},
		"GitLab below /git/": {map[string]string{"GITLAB_CI": "true", "CI_PROJECT_URL": "https://example.com/git/acme/shop", "CI_PROJECT_PATH": "acme/shop"}, Repository{}},
		"Bitbucket":          {map[string]string{"BITBUCKET_BRANCH": "x", "BITBUCKET_GIT_HTTP_ORIGIN": "http://example.com/acme/shop"}, shop},
		"Buildkite":          {map[string]string{"BUILDKITE": "true", "BUILDKITE_REPO": "ssh://git@example.com:2222/acme/shop.git"}, shop},
		"Azure, elsewhere":   {map[string]string{"TF_BUILD": "True", "BUILD_REPOSITORY_URI": "https://example.com/acme/shop"}, shop},
		"Azure's own":        {map[string]string{"TF_BUILD": "True", "BUILD_REPOSITORY_URI": "https://acme@dev.azure.com/acme/shop/_git/shop"}, Repository{}},
		"Travis":             {map[string]string{"TRAVIS": "true", "TRAVIS_REPO_SLUG": "acme/shop"}, Repository{Path: "acme/shop"}},
		"Jenkins":            {map[string]string{"JENKINS_URL": "https://ci", "BRANCH_NAME": "x", "GIT_URL": "https://example.com/acme/shop.git"}, shop},
		"Jenkins, a folder":  {map[string]string{"JENKINS_URL": "https://ci", "BRANCH_NAME": "x", "GIT_URL": "/srv/acme/shop.git"}, Repository{}},
	} {
		got := Read(func(variable string) string { return test.env[variable] }, os.ReadFile).Repository
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

package ci

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/fault"
)

// Commits in the payloads of testdata and in variables.
var (
	pushed = strings.Repeat("a", 40)
	head   = strings.Repeat("b", 40)
	merge  = strings.Repeat("d", 40) // of a pull request's head with its base
)

type testCase struct {
	env   map[string]string
	event string // the payload in testdata
	want  Build
}

func run(t *testing.T, tests map[string]testCase) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Read(func(name string) string {
				if name == "GITHUB_EVENT_PATH" && test.event != "" {
					return filepath.Join("testdata", test.event)
				}
				return test.env[name]
			}, os.ReadFile)
			got.Repository = Repository{} // TestRepository's
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

var plainAdvice = fault.Textf("name the branch on the command line")

func TestNoSystem(t *testing.T) {
	t.Parallel()
	run(t, map[string]testCase{
		"a person":                {env: map[string]string{"GITHUB_TOKEN": "x", "GITHUB_REPOSITORY": "acme/shop", "BRANCH_NAME": "x"}},
		"a system nobody knows":   {env: map[string]string{"CI": "true"}},
		"a free-style Jenkins":    {env: map[string]string{"JENKINS_URL": "https://ci", "GIT_BRANCH": "origin/main", "GIT_COMMIT": head}},
		"set and empty variables": {env: map[string]string{"CIRCLE_BRANCH": "", "GITHUB_HEAD_REF": ""}},
	})
}

func TestCircle(t *testing.T) {
	t.Parallel()
	run(t, map[string]testCase{
		"push": {
			env:  map[string]string{"CIRCLECI": "true", "CIRCLE_BRANCH": "a/b", "CIRCLE_SHA1": head},
			want: Build{System: "CircleCI", Branch: "a/b", From: "CIRCLE_BRANCH (CircleCI)", Commit: head},
		},
		"tag": {
			env:  map[string]string{"CIRCLECI": "true", "CIRCLE_TAG": "v1", "CIRCLE_SHA1": head},
			want: Build{System: "CircleCI", Unclear: "CircleCI builds the tag v1", Advice: plainAdvice},
		},
		"fork": {
			env: map[string]string{
				"CIRCLECI": "true", "CIRCLE_BRANCH": "pull/335", "CIRCLE_SHA1": head,
				"CIRCLE_PR_NUMBER": "335", "CIRCLE_PR_USERNAME": "mallory", "CIRCLE_PR_REPONAME": "shop",
			},
			want: Build{System: "CircleCI", Branch: "pull/335", From: "CIRCLE_BRANCH (CircleCI)", Commit: head, Origin: Fork, Fork: "mallory/shop"},
		},
	})
}

func TestWoodpecker(t *testing.T) {
	t.Parallel()
	doubt := "Woodpecker CI does not say which repository the pull request comes from"
	run(t, map[string]testCase{
		"push": {
			env:  map[string]string{"CI": "woodpecker", "CI_PIPELINE_EVENT": "push", "CI_COMMIT_BRANCH": "a", "CI_COMMIT_SHA": head},
			want: Build{System: "Woodpecker CI", Event: "push", Branch: "a", From: "CI_COMMIT_BRANCH (Woodpecker CI)", Commit: head},
		},
		"pull request, whose target is no source": {
			env: map[string]string{
				"CI": "woodpecker", "CI_PIPELINE_EVENT": "pull_request", "CI_COMMIT_BRANCH": "main", "CI_COMMIT_TARGET_BRANCH": "main",
				"CI_COMMIT_SOURCE_BRANCH": "topic", "CI_COMMIT_SHA": head, "CI_COMMIT_PULL_REQUEST": "7",
			},
			want: Build{
				System: "Woodpecker CI", Event: "pull_request", Branch: "topic", From: "CI_COMMIT_SOURCE_BRANCH (Woodpecker CI)", Commit: head,
				Origin: Unknown, Doubt: doubt,
			},
		},
		"pull request without its source": {
			env: map[string]string{"CI": "woodpecker", "CI_PIPELINE_EVENT": "pull_request_closed", "CI_COMMIT_BRANCH": "main"},
			want: Build{
				System: "Woodpecker CI", Event: "pull_request_closed", Origin: Unknown, Doubt: doubt,
				Unclear: "the build of Woodpecker CI has no branch", Advice: plainAdvice,
			},
		},
		"cron": {
			env: map[string]string{"CI": "woodpecker", "CI_PIPELINE_EVENT": "cron", "CI_COMMIT_BRANCH": "main", "CI_COMMIT_SHA": head},
			want: Build{
				System: "Woodpecker CI", Event: "cron", Commit: head,
				Unclear: "the event cron of Woodpecker CI is not for a branch", Advice: plainAdvice,
			},
		},
	})
}

func TestDrone(t *testing.T) {
	t.Parallel()
	run(t, map[string]testCase{
		"push": {
			env:  map[string]string{"DRONE": "true", "DRONE_BUILD_EVENT": "push", "DRONE_BRANCH": "a", "DRONE_COMMIT_SHA": head},
			want: Build{System: "Drone", Event: "push", Branch: "a", From: "DRONE_BRANCH (Drone)", Commit: head},
		},
		"pull request": {
			env: map[string]string{"DRONE": "true", "DRONE_BUILD_EVENT": "pull_request", "DRONE_BRANCH": "main", "DRONE_SOURCE_BRANCH": "topic", "DRONE_COMMIT": head},
			want: Build{
				System: "Drone", Event: "pull_request", Branch: "topic", From: "DRONE_SOURCE_BRANCH (Drone)", Commit: head,
				Origin: Unknown, Doubt: "Drone does not say which repository the pull request comes from",
			},
		},
		"promotion": {
			env: map[string]string{"DRONE": "true", "DRONE_BUILD_EVENT": "promote", "DRONE_BRANCH": "main"},
			want: Build{
				System: "Drone", Event: "promote",
				Unclear: "the event promote of Drone is not for a branch", Advice: plainAdvice,
			},
		},
	})
}

func TestBuildkite(t *testing.T) {
	t.Parallel()
	of := func(repo string) map[string]string {
		return map[string]string{
			"BUILDKITE": "true", "BUILDKITE_BRANCH": "main", "BUILDKITE_COMMIT": "HEAD", "BUILDKITE_PULL_REQUEST": "7",
			"BUILDKITE_PULL_REQUEST_REPO": repo, "BUILDKITE_REPO": "git@github.com:acme/shop.git",
		}
	}
	pull := Build{System: "Buildkite", Branch: "main", From: "BUILDKITE_BRANCH (Buildkite)"}
	fork, unknown := pull, pull
	fork.Origin, fork.Fork = Fork, "mallory/shop"
	unknown.Origin, unknown.Doubt = Unknown, "Buildkite does not say which repository the pull request comes from"
	run(t, map[string]testCase{
		"push": {
			env:  map[string]string{"BUILDKITE": "true", "BUILDKITE_BRANCH": "a", "BUILDKITE_COMMIT": head, "BUILDKITE_PULL_REQUEST": "false"},
			want: Build{System: "Buildkite", Branch: "a", From: "BUILDKITE_BRANCH (Buildkite)", Commit: head},
		},
		"tag": {
			env:  map[string]string{"BUILDKITE": "true", "BUILDKITE_BRANCH": "v1", "BUILDKITE_TAG": "v1"},
			want: Build{System: "Buildkite", Unclear: "Buildkite builds the tag v1", Advice: plainAdvice},
		},
		"own pull request, another form of the address": {env: of("https://github.com/Acme/shop"), want: pull},
		"fork":                          {env: of("git://github.com/mallory/shop.git"), want: fork},
		"pull request of nobody":        {env: of(""), want: unknown},
		"the same path on another host": {env: of("https://gitlab.com/acme/shop"), want: func() Build { b := fork; b.Fork = "acme/shop"; return b }()},
		"schedule": {
			env: map[string]string{"BUILDKITE": "true", "BUILDKITE_BRANCH": "main", "BUILDKITE_SOURCE": "schedule"},
			want: Build{
				System: "Buildkite", Event: "schedule", Branch: "main", From: "BUILDKITE_BRANCH (Buildkite)",
				Unclear: "the event schedule of Buildkite is not for a branch", Advice: plainAdvice,
			},
		},
	})
}

func TestOthers(t *testing.T) {
	t.Parallel()
	run(t, map[string]testCase{
		"Bitbucket": {
			env:  map[string]string{"BITBUCKET_BUILD_NUMBER": "1", "BITBUCKET_BRANCH": "a", "BITBUCKET_COMMIT": head},
			want: Build{System: "Bitbucket Pipelines", Branch: "a", From: "BITBUCKET_BRANCH (Bitbucket Pipelines)", Commit: head},
		},
		"Bitbucket, tag": {
			env:  map[string]string{"BITBUCKET_BUILD_NUMBER": "1", "BITBUCKET_TAG": "v1"},
			want: Build{System: "Bitbucket Pipelines", Unclear: "Bitbucket Pipelines builds the tag v1", Advice: plainAdvice},
		},
		"Azure": {
			env:  map[string]string{"TF_BUILD": "True", "BUILD_REASON": "IndividualCI", "BUILD_SOURCEBRANCH": "refs/heads/a/b", "BUILD_SOURCEVERSION": head},
			want: Build{System: "Azure Pipelines", Event: "IndividualCI", Branch: "a/b", From: "BUILD_SOURCEBRANCH (Azure Pipelines)", Commit: head},
		},
		"Azure, pull request": {
			env: map[string]string{
				"TF_BUILD": "True", "BUILD_REASON": "PullRequest", "BUILD_SOURCEBRANCH": "refs/pull/7/merge", "BUILD_SOURCEVERSION": merge,
				"SYSTEM_PULLREQUEST_SOURCEBRANCH": "refs/heads/topic", "SYSTEM_PULLREQUEST_SOURCECOMMITID": head, "SYSTEM_PULLREQUEST_ISFORK": "False",
			},
			want: Build{System: "Azure Pipelines", Event: "PullRequest", Branch: "topic", From: "SYSTEM_PULLREQUEST_SOURCEBRANCH (Azure Pipelines)", Commit: head},
		},
		"Azure, fork": {
			env: map[string]string{
				"TF_BUILD": "True", "BUILD_REASON": "PullRequest", "SYSTEM_PULLREQUEST_SOURCEBRANCH": "main", "SYSTEM_PULLREQUEST_ISFORK": "True",
				"SYSTEM_PULLREQUEST_SOURCEREPOSITORYURI": "https://github.com/mallory/shop",
			},
			want: Build{
				System: "Azure Pipelines", Event: "PullRequest", Branch: "main", From: "SYSTEM_PULLREQUEST_SOURCEBRANCH (Azure Pipelines)",
				Origin: Fork, Fork: "mallory/shop",
			},
		},
		"Travis": {
			env:  map[string]string{"TRAVIS": "true", "TRAVIS_EVENT_TYPE": "push", "TRAVIS_PULL_REQUEST": "false", "TRAVIS_BRANCH": "a", "TRAVIS_COMMIT": head},
			want: Build{System: "Travis CI", Event: "push", Branch: "a", From: "TRAVIS_BRANCH (Travis CI)", Commit: head},
		},
		"Travis, fork": {
			env: map[string]string{
				"TRAVIS": "true", "TRAVIS_EVENT_TYPE": "pull_request", "TRAVIS_PULL_REQUEST": "7", "TRAVIS_BRANCH": "main", "TRAVIS_COMMIT": merge,
				"TRAVIS_PULL_REQUEST_BRANCH": "topic", "TRAVIS_PULL_REQUEST_SHA": head, "TRAVIS_PULL_REQUEST_SLUG": "mallory/shop", "TRAVIS_REPO_SLUG": "acme/shop",
			},
			want: Build{
				System: "Travis CI", Event: "pull_request", Branch: "topic", From: "TRAVIS_PULL_REQUEST_BRANCH (Travis CI)", Commit: head,
				Origin: Fork, Fork: "mallory/shop",
			},
		},
		"Jenkins": {
			env:  map[string]string{"JENKINS_URL": "https://ci", "BRANCH_NAME": "a/b", "GIT_COMMIT": head},
			want: Build{System: "Jenkins", Branch: "a/b", From: "BRANCH_NAME (Jenkins)", Commit: head},
		},
		"Jenkins, change, built as a merge": {
			env:  map[string]string{"JENKINS_URL": "https://ci", "BRANCH_NAME": "PR-12", "CHANGE_ID": "12", "CHANGE_BRANCH": "topic", "GIT_COMMIT": merge},
			want: Build{System: "Jenkins", Event: "change request", Branch: "topic", From: "CHANGE_BRANCH (Jenkins)"},
		},
		"Jenkins, fork": {
			env:  map[string]string{"JENKINS_URL": "https://ci", "BRANCH_NAME": "PR-12", "CHANGE_ID": "12", "CHANGE_BRANCH": "main", "CHANGE_FORK": "mallory"},
			want: Build{System: "Jenkins", Event: "change request", Branch: "main", From: "CHANGE_BRANCH (Jenkins)", Origin: Fork, Fork: "mallory"},
		},
		"Jenkins, old plugin": {
			env: map[string]string{"JENKINS_URL": "https://ci", "BRANCH_NAME": "PR-12", "CHANGE_ID": "12"},
			want: Build{
				System: "Jenkins", Event: "change request", Origin: Unknown, Doubt: "Jenkins does not say which repository the pull request comes from",
				Unclear: "the build of Jenkins has no branch", Advice: plainAdvice,
			},
		},
	})
}

func TestInvented(t *testing.T) {
	t.Parallel()
	type answer struct {
		Instead  string
		Invented bool
	}
	got, want := map[string]answer{}, map[string]answer{
		"pull/335": {"", true}, "7/merge": {"", true}, "7/head": {"", true}, "refs/pull/7/merge": {"", true}, "pull/7/head": {"", true}, "PR-12": {"", true},
		"PR-12-merge": {"", true}, "MR-3": {"", true}, "merge-requests/3/head": {"", true}, "refs/merge-requests/3/train": {"", true},
		"pull-requests/4/from": {"", true}, "HEAD": {"", true},
		"origin/x": {"x", true}, "remotes/origin/a/b": {"a/b", true}, "refs/remotes/upstream/x": {"x", true}, "heads/x": {"x", true},
		"main": {}, "pull/x": {}, "pull/335/x": {}, "PR-12-login": {}, "x/7/merge": {}, "origin": {}, "origins/x": {}, "my-HEAD": {}, "heads": {},
	}
	for name := range want {
		instead, invented := Invented(name)
		got[name] = answer{instead, invented}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCommit(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		head: head, strings.ToUpper(head): head, strings.Repeat("c", 64): strings.Repeat("c", 64),
		"": "", "HEAD": "", head[:7]: "", head + "b": "", strings.Repeat("0", 40): "", head[:39] + "g": "", head + "\n": "",
	} {
		if got := Commit(value); got != want {
			t.Errorf("Commit(%q) is %q, want %q", value, got, want)
		}
	}
}

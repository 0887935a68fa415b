package ci

import (
	"os"
	"strings"
	"testing"

	"github.com/branchenv/branchenv/internal/fault"
)

func TestGitHub(t *testing.T) {
	t.Parallel()
	actions := func(event string, more ...string) map[string]string {
		env := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": event, "GITHUB_SHA": merge}
		for i := 0; i < len(more); i += 2 {
			env[more[i]] = more[i+1]
		}
		return env
	}
	pull := func(event string) map[string]string {
		return actions(event, "GITHUB_HEAD_REF", "feature/login", "GITHUB_REF_NAME", "7/merge", "GITHUB_REF_TYPE", "branch")
	}
	onMain := func(event string) map[string]string {
		return actions(event, "GITHUB_REF_NAME", "main", "GITHUB_REF_TYPE", "branch")
	}
	own := func(event string) Build {
		return Build{System: "GitHub Actions", Event: event, Branch: "feature/login", From: "the event " + event + " (GitHub Actions)", Commit: head}
	}
	fork := func(event, branch, name string) Build {
		return Build{System: "GitHub Actions", Event: event, Branch: branch, From: "the event " + event + " (GitHub Actions)", Commit: head, Origin: Fork, Fork: name}
	}
	notAbout := func(event string, advice fault.Text) Build {
		return Build{System: "GitHub Actions", Event: event, Unclear: "the event " + event + " of GitHub Actions is not for a branch", Advice: advice}
	}
	run(t, map[string]testCase{
		"push": {
			env: actions("push", "GITHUB_REF_NAME", "feature/login", "GITHUB_REF_TYPE", "branch"), event: "push.json",
			want: Build{System: "GitHub Actions", Event: "push", Branch: "feature/login", From: "GITHUB_REF_NAME (GitHub Actions)", Commit: pushed},
		},
		"push, event not readable": {
			env: onMain("push"), event: "absent.json",
			want: Build{System: "GitHub Actions", Event: "push", Branch: "main", From: "GITHUB_REF_NAME (GitHub Actions)", Commit: merge},
		},
		"variables passed into a container": {
			env:  map[string]string{"GITHUB_REF_NAME": "topic", "GITHUB_REF_TYPE": "branch"},
			want: Build{System: "GitHub Actions", Branch: "topic", From: "GITHUB_REF_NAME (GitHub Actions)"},
		},
		"push of a tag": {
			env:  actions("push", "GITHUB_REF_NAME", "v1", "GITHUB_REF_TYPE", "tag"),
			want: Build{System: "GitHub Actions", Event: "push", Unclear: "GitHub Actions builds the tag v1", Advice: plainAdvice},
		},
		"push that deletes": {
			env: actions("push", "GITHUB_REF_NAME", "feature/login", "GITHUB_REF_TYPE", "branch"), event: "push_deleted.json",
			want: Build{System: "GitHub Actions", Event: "push", Unclear: "the push deleted feature/login", Advice: deleted},
		},
		"workflow_dispatch": {
			env:  onMain("workflow_dispatch"),
			want: Build{System: "GitHub Actions", Event: "workflow_dispatch", Branch: "main", From: "GITHUB_REF_NAME (GitHub Actions)", Commit: merge},
		},

		"pull request":                   {env: pull("pull_request"), event: "pull_request.json", want: own("pull_request")},
		"pull request target":            {env: pull("pull_request_target"), event: "pull_request.json", want: own("pull_request_target")},
		"review, without head variables": {env: actions("pull_request_review"), event: "pull_request.json", want: own("pull_request_review")},
		"fork":                           {env: pull("pull_request"), event: "pull_request_fork.json", want: fork("pull_request", "main", "mallory/shop")},
		"fork, with the base's secrets":  {env: pull("pull_request_target"), event: "pull_request_fork.json", want: fork("pull_request_target", "main", "mallory/shop")},
		"fork, reviewed":                 {env: actions("pull_request_review"), event: "pull_request_fork.json", want: fork("pull_request_review", "main", "mallory/shop")},
		"fork that is gone":              {env: pull("pull_request_target"), event: "pull_request_gone.json", want: fork("pull_request_target", "main", "")},
		"another id, the same name": {
			env: pull("pull_request"), event: "pull_request_renamed.json", want: fork("pull_request", "feature/login", "Acme/Shop"),
		},
		"a fork's finished workflow": {env: onMain("workflow_run"), event: "workflow_run.json", want: Build{
			System: "GitHub Actions", Event: "workflow_run", Branch: "main", Commit: head, Origin: Fork, Fork: "mallory/shop",
			Unclear: "the event workflow_run of GitHub Actions is not for a branch",
			Advice:  fault.Textf("set BRANCH: ${{ github.event.workflow_run.head_branch }} in env, and name it: %s \"$BRANCH\"", fault.Command{"up"}),
		}},

		"comment":        {env: onMain("issue_comment"), event: "issue_comment.json", want: notAbout("issue_comment", plainAdvice)},
		"schedule":       {env: onMain("schedule"), event: "schedule.json", want: notAbout("schedule", plainAdvice)},
		"release":        {env: actions("release", "GITHUB_REF_NAME", "v1", "GITHUB_REF_TYPE", "tag"), want: notAbout("release", plainAdvice)},
		"an event to be": {env: onMain("invented_tomorrow"), want: notAbout("invented_tomorrow", plainAdvice)},
		"merge queue": {
			env: actions("merge_group", "GITHUB_REF_NAME", "gh-readonly-queue/main/pr-7-c", "GITHUB_REF_TYPE", "branch"), event: "merge_group.json",
			want: notAbout("merge_group", fault.Textf("leave out this step for merge queues: if: github.event_name != 'merge_group'")),
		},
		"deletion": {env: onMain("delete"), event: "delete.json", want: func() Build {
			b := notAbout("delete", deleted)
			b.Branch = "feature/login"
			return b
		}()},
	})
}

// TestGitHubWithoutEvent checks that a pull request whose event cannot be read may be anybody's.
func TestGitHubWithoutEvent(t *testing.T) {
	t.Parallel()
	for event, doubt := range map[string]string{
		"":            "GITHUB_EVENT_PATH is not set",
		"absent.json": "the event cannot be read: ",
		"broken.json": "the event in testdata/broken.json is not in GitHub's format: ",
		"push.json":   "the event has no pull request",
	} {
		got := Read(func(name string) string {
			return map[string]string{"GITHUB_HEAD_REF": "main", "GITHUB_EVENT_PATH": map[bool]string{true: "testdata/" + event}[event != ""]}[name]
		}, os.ReadFile)
		if got.Branch != "main" || got.Origin != Unknown || !strings.HasPrefix(got.Doubt, doubt) || got.Commit != "" {
			t.Errorf("%q: %+v", event, got)
		}
	}
}

func TestGitLab(t *testing.T) {
	t.Parallel()
	merging := func(source string, more ...string) map[string]string {
		env := map[string]string{
			"GITLAB_CI": "true", "CI_PIPELINE_SOURCE": "merge_request_event", "CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_PROJECT_ID": "10",
			"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": source, "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": "mallory/shop",
			"CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "main", "CI_COMMIT_SHA": merge,
		}
		for i := 0; i < len(more); i += 2 {
			env[more[i]] = more[i+1]
		}
		return env
	}
	request := Build{System: "GitLab CI", Event: "merge_request_event", Branch: "main", From: "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME (GitLab CI)"}
	with := func(change func(*Build)) Build {
		b := request
		change(&b)
		return b
	}
	run(t, map[string]testCase{
		"push": {
			env:  map[string]string{"GITLAB_CI": "true", "CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "a", "CI_COMMIT_SHA": head},
			want: Build{System: "GitLab CI", Event: "push", Branch: "a", From: "CI_COMMIT_BRANCH (GitLab CI)", Commit: head},
		},
		"tag": {
			env:  map[string]string{"GITLAB_CI": "true", "CI_COMMIT_TAG": "v1", "CI_COMMIT_SHA": head},
			want: Build{System: "GitLab CI", Unclear: "GitLab CI builds the tag v1", Advice: plainAdvice},
		},
		"schedule": {
			env: map[string]string{"GITLAB_CI": "true", "CI_PIPELINE_SOURCE": "schedule", "CI_COMMIT_BRANCH": "main", "CI_COMMIT_SHA": head},
			want: Build{
				System: "GitLab CI", Event: "schedule", Branch: "main", From: "CI_COMMIT_BRANCH (GitLab CI)", Commit: head,
				Unclear: "the event schedule of GitLab CI is not for a branch", Advice: plainAdvice,
			},
		},
		"merge request, detached": {
			env:  merging("10", "CI_MERGE_REQUEST_EVENT_TYPE", "detached", "CI_COMMIT_SHA", head),
			want: with(func(b *Build) { b.Commit = head }),
		},
		"merge request, merged result": {
			env:  merging("10", "CI_MERGE_REQUEST_EVENT_TYPE", "merged_result", "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", head),
			want: with(func(b *Build) { b.Commit = head }),
		},
		"merge request, merged result without the head": {env: merging("10", "CI_MERGE_REQUEST_EVENT_TYPE", "merged_result"), want: request},
		"merge train": {
			env: merging("10", "CI_MERGE_REQUEST_EVENT_TYPE", "merge_train"),
			want: with(func(b *Build) {
				b.Unclear, b.Advice = "a merge train of GitLab CI is for more than one branch", plainAdvice
			}),
		},
		"fork, in the parent project": {
			env:  merging("20", "CI_PROJECT_ID", "10"),
			want: with(func(b *Build) { b.Origin, b.Fork = Fork, "mallory/shop" }),
		},
		"fork, in the fork": {
			env:  merging("20", "CI_PROJECT_ID", "20"),
			want: with(func(b *Build) { b.Origin, b.Fork = Fork, "mallory/shop" }),
		},
		"merge request of nobody": {
			env: merging(""),
			want: with(func(b *Build) {
				b.Origin, b.Doubt = Unknown, "GitLab CI does not say which repository the pull request comes from"
			}),
		},
		"fork on GitHub": {
			env: map[string]string{
				"GITLAB_CI": "true", "CI_PIPELINE_SOURCE": "external_pull_request_event", "CI_EXTERNAL_PULL_REQUEST_IID": "7",
				"CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME": "main", "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_SHA": head,
				"CI_EXTERNAL_PULL_REQUEST_SOURCE_REPOSITORY": "mallory/shop", "CI_EXTERNAL_PULL_REQUEST_TARGET_REPOSITORY": "acme/shop",
				"CI_COMMIT_BRANCH": "main",
			},
			want: Build{
				System: "GitLab CI", Event: "external_pull_request_event", Branch: "main",
				From: "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME (GitLab CI)", Commit: head, Origin: Fork, Fork: "mallory/shop",
			},
		},
	})
}

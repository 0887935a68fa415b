package ci

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/branchenv/branchenv/internal/fault"
)

// githubEvent holds the needed part of the payload in GITHUB_EVENT_PATH.
// Source: docs.github.com, Webhook events and payloads.
type githubEvent struct {
	Ref         string           `json:"ref"`
	RefType     string           `json:"ref_type"` // of create and delete
	After       string           `json:"after"`    // of push
	Deleted     bool             `json:"deleted"`  // of push
	Repository  githubRepository `json:"repository"`
	PullRequest *struct {
		Head githubSide `json:"head"`
		Base githubSide `json:"base"`
	} `json:"pull_request"`
	WorkflowRun *struct {
		HeadBranch     string            `json:"head_branch"`
		HeadSHA        string            `json:"head_sha"`
		HeadRepository *githubRepository `json:"head_repository"`
	} `json:"workflow_run"`
}

type githubSide struct {
	Ref  string            `json:"ref"`
	SHA  string            `json:"sha"`
	Repo *githubRepository `json:"repo"` // null if the repository was deleted
}

type githubRepository struct {
	ID       int64  `json:"id"`
	FullName string `json:"full_name"`
}

func (r *githubRepository) id() string {
	if r == nil || r.ID == 0 {
		return ""
	}
	return strconv.FormatInt(r.ID, 10)
}

// github reads the variables and the event of GitHub Actions. Gitea's and Forgejo's actions set the same variables.
//
// Only push, create and workflow_dispatch are for the branch in GITHUB_REF. Most other events have the default branch there, or
// a ref that GitHub invents. For a pull request GITHUB_SHA is the merge of its head with the base, or the base itself, and
// never the head. Source: docs.github.com, Events that trigger workflows.
func github(b *Build, e env, readFile func(string) ([]byte, error)) {
	b.Event = e("GITHUB_EVENT_NAME")
	event, problem := readEvent(e("GITHUB_EVENT_PATH"), readFile)
	switch {
	case strings.HasPrefix(b.Event, "pull_request") || e("GITHUB_HEAD_REF") != "":
		githubPull(b, e, event, problem)
	case b.Event == "workflow_run":
		githubRun(b, event, problem)
	case b.Event == "push" || b.Event == "create" || b.Event == "workflow_dispatch" || b.Event == "":
		githubPush(b, e, event)
	default:
		githubOther(b, event)
	}
}

// readEvent returns the event, or the reason why there is none.
func readEvent(path string, readFile func(string) ([]byte, error)) (event githubEvent, problem string) {
	if path == "" {
		return event, "GITHUB_EVENT_PATH is not set"
	}
	text, err := readFile(path)
	if err != nil {
		return event, "the event cannot be read: " + err.Error()
	}
	if err := json.Unmarshal(text, &event); err != nil {
		return githubEvent{}, "the event in " + path + " is not in GitHub's format: " + err.Error()
	}
	return event, ""
}

// githubPull reads the source branch of a pull request.
func githubPull(b *Build, e env, event githubEvent, problem string) {
	b.branch(e, "GITHUB_HEAD_REF")
	if event.PullRequest == nil {
		if problem == "" {
			problem = "the event has no pull request"
		}
		b.doubt(problem)
		return
	}
	head, base := event.PullRequest.Head, event.PullRequest.Base
	if head.Ref != "" {
		b.Branch, b.From = head.Ref, "the event "+b.Event+" ("+b.System+")"
	}
	b.Commit = Commit(head.SHA)
	switch target := base.Repo.id(); {
	case head.Repo == nil:
		b.Origin = Fork // a deleted repository, so not this one
	case target == "":
		b.fork(head.Repo.id(), event.Repository.id(), head.Repo.FullName)
	default:
		b.fork(head.Repo.id(), target, head.Repo.FullName)
	}
}

// githubRun reads the run of another workflow. That run may have been a fork's, while this one has the repository's secrets.
func githubRun(b *Build, event githubEvent, problem string) {
	b.Advice = fault.Textf("set BRANCH: ${{ github.event.workflow_run.head_branch }} in env, and name it: %s \"$BRANCH\"", fault.Command{"up"})
	b.noBranch()
	run := event.WorkflowRun
	switch {
	case problem != "":
		b.doubt(problem)
	case run == nil:
		b.doubt("the event has no workflow run")
	case run.HeadRepository == nil:
		b.Origin = Fork
	default:
		b.fork(run.HeadRepository.id(), event.Repository.id(), run.HeadRepository.FullName)
	}
	if run != nil {
		b.Branch, b.Commit = run.HeadBranch, Commit(run.HeadSHA)
	}
}

// githubPush reads the ref of the event, if that is a branch.
func githubPush(b *Build, e env, event githubEvent) {
	name := e("GITHUB_REF_NAME")
	switch kind := e("GITHUB_REF_TYPE"); {
	case event.Deleted:
		b.Advice = deleted
		b.unclear("the push deleted " + name)
	case kind == "tag":
		b.tag(name)
	case kind == "branch":
		b.branch(e, "GITHUB_REF_NAME")
		b.Commit = Commit(e("GITHUB_SHA"))
		if b.Event == "push" && event.Ref == heads+b.Branch && Commit(event.After) != "" {
			b.Commit = Commit(event.After)
		}
	}
}

// deleted is the advice for a branch that was deleted.
// deleted is the advice for a branch that was deleted. The shell is to replace $BRANCH, so it is not in the command.
var deleted = fault.Textf("set BRANCH: ${{ github.event.ref }} in env, then: %s \"$BRANCH\" --yes", fault.Command{"destroy"})

// githubOther is for the events that have no branch: a schedule, a comment, a deletion, a merge queue, a release.
func githubOther(b *Build, event githubEvent) {
	switch {
	case b.Event == "delete" && event.RefType == "branch":
		b.Branch, b.Advice = event.Ref, deleted
	case b.Event == "merge_group":
		b.Advice = fault.Textf("leave out this step for merge queues: if: github.event_name != 'merge_group'")
	}
	b.noBranch()
}

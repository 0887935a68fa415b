package ci

// gitlab reads the variables of GitLab CI.
//
// The pipeline of a fork's merge request runs in the fork, or in the parent project if a member starts it. In both cases the
// ids of the two projects differ. CI_COMMIT_SHA is the head of the source branch only in a detached pipeline. In a pipeline of
// a merged result it is the merge, and CI_MERGE_REQUEST_SOURCE_BRANCH_SHA is the head. A schedule names the branch that
// somebody once chose for it, and a merge train builds several branches merged.
// Source: docs.gitlab.com, Predefined CI/CD variables; Merge request pipelines; gitlab-org/gitlab#330964.
func gitlab(b *Build, e env, _ func(string) ([]byte, error)) {
	b.Event = e("CI_PIPELINE_SOURCE")
	kind := e("CI_MERGE_REQUEST_EVENT_TYPE")
	switch {
	case e.first("CI_MERGE_REQUEST_IID", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME") != "":
		b.branch(e, "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME")
		b.Commit = Commit(e("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"))
		if b.Commit == "" && kind == "detached" {
			b.Commit = Commit(e("CI_COMMIT_SHA"))
		}
		b.fork(e("CI_MERGE_REQUEST_SOURCE_PROJECT_ID"), e("CI_MERGE_REQUEST_PROJECT_ID"), e("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH"))
		if kind == "merge_train" {
			b.unclear("a merge train of GitLab CI is for more than one branch")
		}
	case e("CI_EXTERNAL_PULL_REQUEST_IID") != "":
		b.branch(e, "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME")
		b.Commit = Commit(e("CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_SHA"))
		source := e("CI_EXTERNAL_PULL_REQUEST_SOURCE_REPOSITORY")
		b.fork(source, e("CI_EXTERNAL_PULL_REQUEST_TARGET_REPOSITORY"), source)
	case e("CI_COMMIT_TAG") != "":
		b.tag(e("CI_COMMIT_TAG"))
	default:
		b.branch(e, "CI_COMMIT_BRANCH")
		b.Commit = Commit(e("CI_COMMIT_SHA"))
		if b.Event == "schedule" {
			b.noBranch()
		}
	}
}

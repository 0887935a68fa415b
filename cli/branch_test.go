package cli

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/fault"
)

func TestInferBranch(t *testing.T) {
	t.Parallel()
	detached := errors.New("detached")
	tests := map[string]struct {
		env         map[string]string
		checkout    string
		want, where string
		err         error
	}{
		"checkout":          {checkout: "ui/new", want: "ui/new", where: "the checkout"},
		"neither":           {err: detached},
		"CircleCI":          {env: map[string]string{"CIRCLE_BRANCH": "a/b"}, want: "a/b", where: "CIRCLE_BRANCH (CircleCI)"},
		"CircleCI tag":      {env: map[string]string{"CIRCLE_BRANCH": "", "CIRCLE_TAG": "v1"}, err: detached},
		"CI wins":           {env: map[string]string{"CIRCLE_BRANCH": "a"}, checkout: "b", want: "a", where: "CIRCLE_BRANCH (CircleCI)"},
		"GitHub push":       {env: map[string]string{"GITHUB_REF_NAME": "a", "GITHUB_REF_TYPE": "branch"}, want: "a", where: "GITHUB_REF_NAME (GitHub Actions)"},
		"GitHub tag":        {env: map[string]string{"GITHUB_REF_NAME": "v1", "GITHUB_REF_TYPE": "tag"}, err: detached},
		"GitHub pull":       {env: map[string]string{"GITHUB_HEAD_REF": "topic", "GITHUB_REF_NAME": "7/merge", "GITHUB_REF_TYPE": "branch"}, want: "topic", where: "GITHUB_HEAD_REF (GitHub Actions)"},
		"GitLab push":       {env: map[string]string{"CI_COMMIT_BRANCH": "a"}, want: "a", where: "CI_COMMIT_BRANCH (GitLab CI)"},
		"GitLab merge":      {env: map[string]string{"CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "topic"}, want: "topic", where: "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME (GitLab CI)"},
		"Bitbucket":         {env: map[string]string{"BITBUCKET_BRANCH": "a"}, want: "a", where: "BITBUCKET_BRANCH (Bitbucket Pipelines)"},
		"Buildkite":         {env: map[string]string{"BUILDKITE_BRANCH": "a"}, want: "a", where: "BUILDKITE_BRANCH (Buildkite)"},
		"Buildkite for tag": {env: map[string]string{"BUILDKITE_BRANCH": "v1", "BUILDKITE_TAG": "v1"}, err: detached},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, where, err := inferBranch(func(name string) string { return test.env[name] }, func() (string, error) {
				if test.checkout == "" {
					return "", detached
				}
				return test.checkout, nil
			})
			if got != test.want || where != test.where || !errors.Is(err, test.err) {
				t.Errorf("got %q from %q, error %v; want %q from %q, error %v", got, where, err, test.want, test.where, test.err)
			}
		})
	}
}

func TestCheckoutBranch(t *testing.T) {
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com",
			"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
		if output, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, output)
		}
	}
	check := func(wantBranch, wantErr string) {
		t.Helper()
		branch, err := checkoutBranch(t.Context(), dir)
		text := ""
		if err != nil {
			text = err.Error()
			if fault.Code(err) != fault.Usage || fault.Hint(err) == "" {
				t.Errorf("%v: exit code %d, hint %q", err, fault.Code(err), fault.Hint(err))
			}
		}
		if diff := cmp.Diff([]string{wantBranch, wantErr}, []string{branch, text}); diff != "" {
			t.Error(diff)
		}
	}
	t.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(dir))
	check("", "no branch given, and "+dir+" is not in a git checkout")
	git("init", "--quiet", "--initial-branch=ui/new$(x)")
	check("ui/new$(x)", "")
	git("commit", "--quiet", "--allow-empty", "--message=first")
	git("tag", "ui/new$(x)") // git would shorten the branch's name to heads/…
	check("ui/new$(x)", "")
	git("checkout", "--quiet", "--detach")
	check("", "no branch given, and the checkout is at no branch (detached HEAD)")

	// A pull request's build of GitHub Actions is at a merge, whose second parent is the branch's head.
	git("checkout", "--quiet", "-b", "topic")
	git("commit", "--quiet", "--allow-empty", "--message=second")
	git("checkout", "--quiet", "--detach", "HEAD^")
	git("merge", "--quiet", "--no-ff", "--no-edit", "topic")
	commit := func(branch, head string) string { return checkoutCommit(t.Context(), dir, branch, head) }
	head := commit("topic", "")
	if merge := commit("elsewhere", "HEAD"); len(head) != 40 || merge == head || commit("elsewhere", "HEAD^2") != head {
		t.Errorf("topic is at %q, the merge at %q, its second parent at %q", head, merge, commit("elsewhere", "HEAD^2"))
	}
	if got := commit("absent", "HEAD^3"); got != "" {
		t.Errorf("a branch of which nothing is known is at %q", got)
	}
}

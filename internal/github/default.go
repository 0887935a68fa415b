package github

import (
	"context"
	"strings"
)

// defaultBranch returns the default branch of a repository whose HEAD is at the branch head. In a repository with a work
// tree HEAD is what somebody has checked out, and changes by the hour: there it is the branch that git would make first,
// else main or master, and HEAD's only if there is none of these.
func (r *remote) defaultBranch(ctx context.Context, head string) string {
	if r.path == "" {
		return head
	}
	gitDir := "--git-dir=" + r.gitDir()
	if output, err := r.git(ctx, nil, gitDir, "rev-parse", "--is-bare-repository"); err != nil || strings.TrimSpace(string(output)) != "false" {
		return head
	}
	names := []string{"main", "master"}
	if output, err := r.git(ctx, nil, gitDir, "config", "--get", "init.defaultBranch"); err == nil {
		names = append([]string{strings.TrimSpace(string(output))}, names...)
	}
	for _, name := range names {
		if _, err := r.git(ctx, nil, gitDir, "rev-parse", "--verify", "--quiet", heads+name); err == nil && name != "" {
			return name
		}
	}
	return head
}

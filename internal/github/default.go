package github

import (
	"context"
	"strings"
)

// defaultBranch returns the default branch of a repository whose HEAD names the branch head. In a repository with a work tree
// HEAD is only the branch that somebody has checked out. There the default branch is the first that exists of
// init.defaultBranch, main and master, else head.
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

// Package github lists the branches of a repository. It asks GitHub or any git remote. No other package knows go-github.
//
// Its answers decide what is destroyed, so an answer is complete or an error. A list has every branch. A branch is gone only
// if the source says so while it still shows the default branch. An answer that cannot be right is an error with exit code 3,
// a missing answer one with exit code 1. Text from outside reaches errors and the log as one clean line, without credentials.
package github

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/branchenv/branchenv/internal/fault"
)

// Source is a repository whose branches can be listed. It is safe for concurrent use.
type Source interface {
	// Identity returns which repository this is. For a git remote it needs no answer of the remote.
	Identity(ctx context.Context) (Identity, error)
	// Branches returns all branches, sorted by name.
	Branches(ctx context.Context) (List, error)
	// Branch asks for a single branch and ignores every cache. It is called right before something is destroyed. It reports
	// false if the branch does not exist while the default branch does.
	Branch(ctx context.Context, name string) (Branch, bool, error)
	// Dates returns the commit times by commit: all of them, or an error. The cache folder keeps them, because they never
	// change.
	Dates(ctx context.Context, commits []string) (map[string]time.Time, error)
	// String returns the source's name for people, without credentials.
	String() string
}

// Branch is one branch and the commit at its head.
type Branch struct {
	Name   string // exact; git allows names that are not UTF-8
	Commit string // full hash, lower case
}

// List is every branch of a repository.
type List struct {
	// Identity is the identity of the repository that returned this list.
	Identity Identity
	// Repository is the source's own name: GitHub's owner/name after a rename, or the remote without credentials.
	Repository string
	// Renamed reports whether GitHub has moved the repository: Repository differs from the name in the settings.
	Renamed bool
	// Default is the name of the default branch. It may be missing in Branches; the caller decides what that means.
	Default  string
	Branches []Branch // sorted by name
}

// Options name the repository, and say how long to wait for it.
type Options struct {
	// GitHub is owner/name. Git is the URL or path of a git remote. At most one is set. Both empty: GITHUB_REPOSITORY.
	GitHub, Git string
	// Dir is the folder that a relative path in Git refers to.
	Dir string
	// Env looks up the variables GITHUB_API_URL (default https://api.github.com), GITHUB_TOKEN and GITHUB_REPOSITORY.
	// Required.
	Env func(string) string
	// CacheDir is the folder for GitHub's answers and for commit times. With a kept answer GitHub can be asked whether it
	// changed. The folder is created if it does not exist. Empty: nothing is kept.
	CacheDir string
	// Log receives single clean lines about waits, a rename, and a cache that does not work. Several goroutines may call it.
	// May be nil.
	Log func(string)
	// MaxWait is how long one call may wait because GitHub limits requests. Default 5m.
	MaxWait time.Duration
	// Timeout is the longest time of one request or one run of git. Default 1m.
	Timeout time.Duration

	maxNames  int                                              // bytes of all names in GitHub's list; default 64 MB
	transport http.RoundTripper                                // default http.DefaultTransport
	sleep     func(ctx context.Context, d time.Duration) error // default sleep
	now       func() time.Time                                 // default time.Now
}

// Open returns a Source. It makes no request. The error, with exit code 2, says which option is invalid.
func Open(o Options) (Source, error) {
	if o.Log == nil {
		o.Log = func(string) {}
	}
	o.MaxWait = cmp.Or(o.MaxWait, 5*time.Minute)
	o.Timeout = cmp.Or(o.Timeout, time.Minute)
	o.maxNames = cmp.Or(o.maxNames, 64<<20)
	if o.transport == nil {
		o.transport = http.DefaultTransport
	}
	if o.sleep == nil {
		o.sleep = sleep
	}
	if o.now == nil {
		o.now = time.Now
	}
	switch repository := o.Env("GITHUB_REPOSITORY"); {
	case o.GitHub != "" && o.Git != "":
		return nil, fault.Usagef("source has both github and git").WithHint("keep one of them")
	case o.Git != "":
		return openRemote(o)
	case o.GitHub == "" && repository == "":
		return nil, fault.Usagef("no source of branches is set").
			WithHint("write source: {github: owner/name} or source: {git: URL-or-path} in the settings, or set GITHUB_REPOSITORY")
	case o.GitHub == "":
		o.GitHub = repository
	}
	return openHub(o)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("while waiting: %w", ctx.Err())
	}
}

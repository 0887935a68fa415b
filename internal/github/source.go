// Package github tells which branches a repository has, asked of GitHub or of any git remote. It is the only package
// that knows go-github.
//
// What it answers decides what is destroyed, so it answers whole or not at all: a list has every branch, and a branch
// is gone only where the source says so while it still shows the default branch. Anything else is an error: exit code
// 3 where the answer is not what it claims to be, 1 where there is none. Text from outside reaches errors and the log
// as one clean line, without credentials.
package github

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/branchenv/branchenv/internal/fault"
)

// Source is where the list of branches comes from. It may be used by several goroutines.
type Source interface {
	// Identity says which repository this is. For a git remote it is known even if the remote cannot be asked.
	Identity(ctx context.Context) (Identity, error)
	// Branches is every branch, in the order of their names.
	Branches(ctx context.Context) (List, error)
	// Branch asks for a single branch, past every cache, as is done right before something is destroyed. false means
	// that the branch does not exist while the default branch does.
	Branch(ctx context.Context, name string) (Branch, bool, error)
	// Dates are the commit times of the commits, by commit. They do not change and are kept in the cache folder, so
	// that only what was never asked for costs anything. The map has every one of commits, or there is an error.
	Dates(ctx context.Context, commits []string) (map[string]time.Time, error)
	// String names the source for people, without credentials.
	String() string
}

// Branch is one branch and the commit at its head.
type Branch struct {
	Name   string // exact, as bytes: git does not ask for UTF-8
	Commit string // full hash, lower case
}

// List is every branch of a repository.
type List struct {
	// Identity is that of the repository that gave this very list.
	Identity Identity
	// Repository is what the source calls itself: GitHub's owner/name after a rename, or the remote without credentials.
	Repository string
	// Renamed tells that Repository is not what was asked for: GitHub has moved it.
	Renamed bool
	// Default is the name of the default branch. It need not be among Branches: that is for the reader to judge.
	Default  string
	Branches []Branch // sorted by name
}

// Options say where the branches come from, and how patiently they are asked for.
type Options struct {
	// GitHub is owner/name; Git a URL or path of a git remote. At most one is set. Neither: GITHUB_REPOSITORY.
	GitHub, Git string
	// Dir is the folder that a relative path in Git refers to.
	Dir string
	// Env looks up the variables GITHUB_API_URL (default https://api.github.com), GITHUB_TOKEN and GITHUB_REPOSITORY.
	// Required.
	Env func(string) string
	// CacheDir keeps GitHub's answers, with which it can be asked whether anything changed, and commit times. It is made
	// where it does not exist. Empty: nothing is kept.
	CacheDir string
	// Log is told of waits, a rename, and a cache that does not work: single clean lines,
	// perhaps from several goroutines. May be nil.
	Log func(string)
	// MaxWait bounds how long one call waits because GitHub limits requests. Default 5m.
	MaxWait time.Duration
	// Timeout bounds one request, or one run of git. Default 1m.
	Timeout time.Duration

	maxNames  int                                              // bytes of all names in GitHub's list; default 64 MB
	transport http.RoundTripper                                // default http.DefaultTransport
	sleep     func(ctx context.Context, d time.Duration) error // default sleep
	now       func() time.Time                                 // default time.Now
}

// Open makes a Source. It asks nobody anything. The error is that of options that make no sense, with exit code 2.
func Open(o Options) (Source, error) {
	if o.Log == nil {
		o.Log = func(string) {}
	}
	o.MaxWait = or(o.MaxWait, 5*time.Minute)
	o.Timeout = or(o.Timeout, time.Minute)
	if o.maxNames == 0 {
		o.maxNames = 64 << 20
	}
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
		return nil, fault.Usagef("it is not known where the list of branches comes from").
			WithHint("write source: {github: owner/name} or source: {git: URL-or-path} in the settings, or set GITHUB_REPOSITORY")
	case o.GitHub == "":
		o.GitHub = repository
	}
	return openHub(o)
}

func or(d, instead time.Duration) time.Duration {
	if d == 0 {
		return instead
	}
	return d
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

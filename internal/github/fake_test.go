package github

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/branchenv/branchenv/internal/github/githubtest"
)

// fake is a GitHub for one test.
type fake struct {
	*githubtest.GitHub
	t *testing.T
}

func newFake(t *testing.T, branches ...string) *fake {
	t.Helper()
	return &fake{githubtest.New(t, branches...), t}
}

// commitOf is a commit hash for a name.
func commitOf(name string) string { return githubtest.CommitOf(name) }

// identity returns the identity of the fake's repository.
func (f *fake) identity() Identity {
	host := strings.TrimPrefix(f.URL, "http://")
	return Identity{ID: fmt.Sprintf("github:%s:%d", host, f.ID), Name: host + "/" + f.FullName, Default: f.DefaultBranch}
}

// many returns n branches, main among them.
func many(n int) []string {
	names := []string{"main"}
	for i := 1; i < n; i++ {
		names = append(names, fmt.Sprintf("feature/%05d", i))
	}
	return names
}

// asker is a Source that asks the fake. It records the log and the waits.
type asker struct {
	Source
	mu     sync.Mutex
	logged []string
	waited []time.Duration
}

// open returns a Source that asks the fake and does not really wait. change may be nil.
func (f *fake) open(change func(*Options)) *asker {
	f.t.Helper()
	a := &asker{}
	env := map[string]string{"GITHUB_API_URL": f.URL, "GITHUB_TOKEN": f.Token}
	o := Options{
		GitHub: "acme/shop",
		Env:    func(name string) string { return env[name] },
		Log: func(s string) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.logged = append(a.logged, s)
		},
		sleep: func(ctx context.Context, d time.Duration) error {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.waited = append(a.waited, d)
			return ctx.Err()
		},
	}
	if change != nil {
		change(&o)
	}
	source, err := Open(o)
	if err != nil {
		f.t.Fatal(err)
	}
	a.Source = source
	return a
}

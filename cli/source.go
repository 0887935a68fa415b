package cli

import (
	"context"
	"path/filepath"
	"time"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/github"
	"github.com/branchenv/branchenv/stacks/names"
)

// The longest waits if GitHub limits requests. A person may be waiting for every command but reconcile.
const (
	reconcileWait = 5 * time.Minute
	commandWait   = 20 * time.Second
)

// source opens the source of the settings. wait is the longest wait of one call if GitHub limits requests.
func (s *session) source(file *config.File, wait time.Duration) (github.Source, error) {
	cache := filepath.Join(file.Dir, ".branchenv", "cache")
	if err := backend.MakeFolder(cache); err != nil {
		s.warn("answers of the source are not kept: %v", err)
		cache = ""
	}
	return github.Open(github.Options{
		GitHub: file.Source.GitHub, Git: file.Source.Git, Dir: file.Dir, Env: s.env, CacheDir: cache, MaxWait: wait,
		Log: func(line string) { s.say("%s", line) },
	})
}

// sourceIdentity is the settings' source for the manager. It is opened when it is needed.
type sourceIdentity struct {
	open func() (github.Source, error)
}

// Identity implements stacks.Source.
func (i sourceIdentity) Identity(ctx context.Context) (names.Repository, error) {
	source, err := i.open()
	if err != nil {
		return names.Repository{}, err
	}
	id, err := source.Identity(ctx)
	return names.Repository{ID: id.ID, Name: id.Name, Default: id.Default}, err
}

// String implements stacks.Source.
func (i sourceIdentity) String() string {
	source, err := i.open()
	if err != nil {
		return "the settings' source"
	}
	return source.String()
}

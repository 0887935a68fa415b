package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"sync"

	"github.com/gofrs/flock"

	"github.com/branchenv/branchenv/internal/sandbox/disk"
)

// The files by which other processes find a server: its lock, held while it runs, and a file with its endpoint.
const (
	servingLock = "serving.lock"
	servingFile = "serving"
)

// An announcement holds the lock of those files.
type announcement struct {
	mu   sync.Mutex
	lock *flock.Flock // nil: not announced
}

// Announce makes the server the one that Serving finds, until it is closed. It does nothing if another server is announced.
func (s *Server) Announce() error {
	a := &s.announced
	a.mu.Lock()
	defer a.mu.Unlock()
	lock := flock.New(filepath.Join(s.cloud.Store.Dir, servingLock), flock.SetPermissions(0o600))
	if locked, err := lock.TryLock(); err != nil || !locked {
		return errors.Join(err, lock.Close())
	}
	a.lock = lock
	return disk.Write(filepath.Join(s.cloud.Store.Dir, servingFile), []byte(s.Endpoint()))
}

// withdraw ends the announcement. It does nothing if there is none.
func (a *announcement) withdraw() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.lock == nil {
		return nil
	}
	lock := a.lock
	a.lock = nil
	return errors.Join(disk.Remove(filepath.Join(filepath.Dir(lock.Path()), servingFile)), lock.Close())
}

// Serving returns the endpoint of the running server that is announced for dir, "" if there is none.
func Serving(dir string) (string, error) {
	lock := flock.New(filepath.Join(dir, servingLock), flock.SetPermissions(0o600))
	if _, err := os.Stat(lock.Path()); errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	free, err := lock.TryRLock()
	if err != nil || free {
		return "", errors.Join(err, lock.Close())
	}
	endpoint, err := os.ReadFile(filepath.Join(dir, servingFile))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil // the server is just starting or ending
	}
	return string(endpoint), err
}

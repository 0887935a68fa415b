package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"sync"

	"github.com/gofrs/flock"

	"github.com/branchenv/branchenv/internal/sandbox/disk"
)

// The files by which a server that lasts can be found: one is locked while it runs, the other holds its endpoint.
const (
	servingLock = "serving.lock"
	servingFile = "serving"
)

// announcement is a server's entry in those files.
type announcement struct {
	mu   sync.Mutex
	lock *flock.Flock // nil: none
}

// Announce makes the server the one that Serving finds, until it is closed; unless another one is.
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

// withdraw ends the announcement, if there is one.
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

// Serving is the endpoint of the running server that announced itself over dir, "" if there is none.
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
		return "", nil // it is just starting or ending
	}
	return string(endpoint), err
}

package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/branchenv/branchenv/internal/sandbox/disk"
	"github.com/gofrs/flock"
)

// A store keeps the records of the simulated AWS, one file each, below a directory that any number of processes use at
// once. Every access happens in a transaction under one file lock; transactions are short and never wait.
type store struct {
	dir  string
	now  func() time.Time
	mu   sync.Mutex // flock guards against other processes, this against our own goroutines
	lock *flock.Flock
}

func openStore(dir string) (*store, error) {
	if err := os.MkdirAll(filepath.Join(dir, "resources"), 0o700); err != nil {
		return nil, fmt.Errorf("sandbox directory: %w", err)
	}
	return &store{dir: dir, now: time.Now, lock: flock.New(filepath.Join(dir, "lock"), flock.SetPermissions(0o600))}, nil
}

// do runs f as the only one who reads or writes the store, in this process and all others. What f changed stays even
// if f returns an error: a caller that must not leave anything behind checks first and changes last.
func (s *store) do(f func(*tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.lock.Lock(); err != nil {
		return fmt.Errorf("lock the sandbox: %w", err)
	}
	defer s.lock.Unlock()
	return f(&tx{store: s, now: s.now()})
}

// A tx is a transaction over the store. now is its one moment.
type tx struct {
	store *store
	now   time.Time
}

func (t *tx) typeDir(typ string) string {
	return filepath.Join(t.store.dir, "resources", strings.NewReplacer("/", ".", ":", ".").Replace(typ))
}

func (t *tx) file(typ, id string) string {
	sum := sha256.Sum256([]byte(id))
	return filepath.Join(t.typeDir(typ), hex.EncodeToString(sum[:16])+".json")
}

// get reads one record, nil if there is none.
func (t *tx) get(typ, id string) (*record, error) { return t.read(t.file(typ, id)) }

func (t *tx) read(path string) (*record, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("sandbox record %s: %w", path, err)
	}
	if !r.settle(t.now) {
		return nil, os.Remove(path)
	}
	return &r, nil
}

// list reads all records of a type, ordered by name and id.
func (t *tx) list(typ string) ([]*record, error) {
	entries, err := os.ReadDir(t.typeDir(typ))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []*record
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".json") {
			continue
		}
		r, err := t.read(filepath.Join(t.typeDir(typ), e.Name()))
		if err != nil {
			return nil, err
		}
		if r != nil {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *record) int {
		return strings.Compare(a.Name+"\x00"+a.ID, b.Name+"\x00"+b.ID)
	})
	return out, nil
}

// where lists the records of a type that f picks.
func (t *tx) where(typ string, f func(*record) bool) ([]*record, error) {
	all, err := t.list(typ)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(r *record) bool { return !f(r) }), nil
}

// find is the record of a type with this id, name or ARN, in any region; nil if there is none.
func (t *tx) find(typ, ref string) (*record, error) {
	if ref == "" {
		return nil, nil
	}
	r, err := t.get(typ, ref)
	if r != nil || err != nil {
		return r, err
	}
	found, err := t.where(typ, func(r *record) bool { return r.Name == ref || r.str("arn") == ref })
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// put writes a record, whole or not at all.
func (t *tx) put(r *record) error {
	path := t.file(r.Type, r.ID)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return disk.Write(path, data)
}

func (t *tx) remove(r *record) error {
	return disk.Remove(t.file(r.Type, r.ID))
}

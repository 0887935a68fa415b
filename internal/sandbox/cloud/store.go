package cloud

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

	"github.com/gofrs/flock"

	"github.com/branchenv/branchenv/internal/sandbox/disk"
)

// A Store stores the records, a file for each, in a directory. Any number of processes may use it at once: a file lock
// allows one transaction at a time.
type Store struct {
	Dir  string
	Now  func() time.Time // the clock; tests replace it
	mu   sync.Mutex       // excludes this process's goroutines; lock excludes other processes
	lock *flock.Flock
}

func openStore(dir string) (*Store, error) {
	if err := os.MkdirAll(filepath.Join(dir, "resources"), 0o700); err != nil {
		return nil, fmt.Errorf("sandbox directory: %w", err)
	}
	return &Store{Dir: dir, Now: time.Now, lock: flock.New(filepath.Join(dir, "lock"), flock.SetPermissions(0o600))}, nil
}

// Do runs a transaction. Nothing is rolled back if f returns an error, so f checks everything before its first change.
func (s *Store) Do(f func(*Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.lock.Lock(); err != nil {
		return fmt.Errorf("lock the sandbox: %w", err)
	}
	defer s.lock.Unlock()
	return f(&Tx{store: s, Now: s.Now()})
}

// A Tx is a transaction over a Store. Everything in it happens at one time, Now.
type Tx struct {
	store *Store
	Now   time.Time
}

func (t *Tx) typeDir(typ string) string {
	return filepath.Join(t.store.Dir, "resources", strings.NewReplacer("/", ".", ":", ".").Replace(typ))
}

func (t *Tx) file(typ, id string) string {
	sum := sha256.Sum256([]byte(id))
	return filepath.Join(t.typeDir(typ), hex.EncodeToString(sum[:16])+".json")
}

// Get returns the record with an id, nil if there is none.
func (t *Tx) Get(typ, id string) (*Record, error) { return t.read(t.file(typ, id)) }

func (t *Tx) read(path string) (*Record, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var r Record
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("sandbox record %s: %w", path, err)
	}
	if !r.ApplyDue(t.Now) {
		return nil, os.Remove(path)
	}
	return &r, nil
}

// list returns all records of a type, ordered by name and id.
func (t *Tx) list(typ string) ([]*Record, error) {
	entries, err := os.ReadDir(t.typeDir(typ))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []*Record
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
	slices.SortFunc(out, func(a, b *Record) int {
		return strings.Compare(a.Name+"\x00"+a.ID, b.Name+"\x00"+b.ID)
	})
	return out, nil
}

// Where returns the records of a type that match, ordered by name and id.
func (t *Tx) Where(typ string, match func(*Record) bool) ([]*Record, error) {
	all, err := t.list(typ)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(r *Record) bool { return !match(r) }), nil
}

// Find returns the record with an id, name or ARN, in any region. It returns nil if there is none.
func (t *Tx) Find(typ, ref string) (*Record, error) {
	if ref == "" {
		return nil, nil
	}
	r, err := t.Get(typ, ref)
	if r != nil || err != nil {
		return r, err
	}
	found, err := t.Where(typ, func(r *Record) bool { return r.Name == ref || r.Text("arn") == ref })
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// Put stores a record. An interrupted Put changes nothing.
func (t *Tx) Put(r *Record) error {
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

// Remove removes a record.
func (t *Tx) Remove(r *Record) error { return disk.Remove(t.file(r.Type, r.ID)) }

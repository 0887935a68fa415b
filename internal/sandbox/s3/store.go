// Package s3 is the S3 server of the embedded AWS: buckets in a directory (Store), and the HTTP protocol (Handler). It knows
// nothing of the rest of the sandbox. A resource of a bucket in package services calls a Store as a client calls the Handler.
package s3

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/johannesboyne/gofakes3"
)

// A Store stores buckets, a directory for each. A bucket's log, a file of JSON lines that only grows, says what is in it. Each
// process keeps the result in memory and reads on where it stopped, so it sees the changes of other processes. Contents of
// more than inlineLimit bytes are files beside the log.
type Store struct {
	dir     string
	now     func() time.Time
	mu      sync.Mutex // excludes this process's goroutines; lock excludes other processes
	lock    *flock.Flock
	buckets map[string]*bucketIndex
	Denied  func() func(key string) *Error // returns which deletions fail; may be nil
}

// inlineLimit is the size of the largest contents that the log has, in bytes.
const inlineLimit = 512

// nullVersion is the version of an object that was written without versioning.
const nullVersion = "null"

// An entry is a line of a bucket's log.
type entry struct {
	Op      string            `json:"op"` // bucket (the first line), put, mark, remove, set
	Key     string            `json:"key,omitempty"`
	Version string            `json:"v,omitempty"`
	Time    time.Time         `json:"t,omitzero"`
	Size    int64             `json:"size,omitempty"`
	MD5     []byte            `json:"md5,omitempty"`
	ETag    string            `json:"etag,omitempty"` // for a multipart upload: its ETag is not the MD5 sum
	Meta    map[string]string `json:"meta,omitempty"`
	Data    []byte            `json:"data,omitempty"` // contents up to inlineLimit
	Value   string            `json:"value,omitempty"`
}

// A bucketIndex is the result of a bucket's log.
type bucketIndex struct {
	header   []byte // the log's first line; another one means another bucket of the same name
	offset   int64  // the number of bytes read from the log
	created  time.Time
	settings map[string]string // "versioning", and subresources such as "policy"
	keys     []string          // sorted unless unsorted is set; may have keys that are gone
	unsorted bool
	objects  map[string][]*entry // versions by key, the newest first
}

// Open opens the buckets in a directory, which it creates if it does not exist.
func Open(dir string, now func() time.Time) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("sandbox directory: %w", err)
	}
	return &Store{
		dir: dir, now: now, buckets: map[string]*bucketIndex{},
		lock: flock.New(filepath.Join(dir, ".lock"), flock.SetPermissions(0o600)),
	}, nil
}

// locked runs f while no other goroutine or process uses the buckets.
func (s *Store) locked(f func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.lock.Lock(); err != nil {
		return fmt.Errorf("lock the sandbox's buckets: %w", err)
	}
	defer s.lock.Unlock()
	return f()
}

// withBucket runs f on an up-to-date bucket. It appends the entries that f returns to the log, and applies them.
func (s *Store) withBucket(name string, f func(*bucketIndex) ([]*entry, error)) error {
	return s.locked(func() error {
		b, err := s.load(name)
		if err != nil {
			return err
		}
		entries, err := f(b)
		if err != nil || len(entries) == 0 {
			return err
		}
		return s.append(name, b, entries)
	})
}

func (s *Store) logPath(bucket string) string { return filepath.Join(s.dir, bucket, "log") }

// blobPath returns the file with the contents of a version.
func (s *Store) blobPath(bucket, version string, key string) string {
	if version == nullVersion {
		return filepath.Join(s.dir, bucket, "null-"+hashed(key))
	}
	return filepath.Join(s.dir, bucket, "v-"+version)
}

// load reads the rest of a bucket's log and returns its index.
func (s *Store) load(name string) (*bucketIndex, error) {
	if !ValidBucketName(name) {
		return nil, gofakes3.BucketNotFound(name)
	}
	f, err := os.Open(s.logPath(name))
	if errors.Is(err, fs.ErrNotExist) {
		delete(s.buckets, name)
		return nil, gofakes3.BucketNotFound(name)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := s.buckets[name]
	if b != nil {
		header := make([]byte, len(b.header))
		if _, err := f.ReadAt(header, 0); err != nil || !bytes.Equal(header, b.header) {
			b = nil
		}
	}
	if b == nil {
		b = &bucketIndex{settings: map[string]string{}, objects: map[string][]*entry{}}
		s.buckets[name] = b
	}
	if _, err := f.Seek(b.offset, io.SeekStart); err != nil {
		return nil, err
	}
	r := bufio.NewReaderSize(f, 1<<16)
	for {
		line, err := r.ReadBytes('\n')
		if err == io.EOF {
			return b, nil // an unfinished line does not count; append overwrites it
		}
		if err != nil {
			return nil, err
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("sandbox bucket %s: %w", name, err)
		}
		if b.offset == 0 {
			b.header = line
		}
		b.offset += int64(len(line))
		b.apply(&e)
	}
}

// append writes entries to a bucket's log and applies them.
func (s *Store) append(name string, b *bucketIndex, entries []*entry) error {
	var lines bytes.Buffer
	enc := json.NewEncoder(&lines)
	for _, e := range entries {
		if err := enc.Encode(e); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(s.logPath(name), os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(lines.Bytes(), b.offset); err != nil {
		return errors.Join(err, f.Close())
	}
	b.offset += int64(lines.Len())
	// The rest of an unfinished line would corrupt the next one.
	if err := f.Truncate(b.offset); err != nil {
		return errors.Join(err, f.Close())
	}
	for _, e := range entries {
		if old := b.apply(e); old != nil && old.Size > inlineLimit && e.Op == "remove" {
			os.Remove(s.blobPath(name, old.Version, old.Key))
		}
	}
	return f.Close()
}

// apply applies an entry to the index. It returns the version that the entry replaced or removed, nil if there was none.
func (b *bucketIndex) apply(e *entry) *entry {
	switch e.Op {
	case "bucket":
		b.created = e.Time
	case "set":
		if e.Value == "" {
			delete(b.settings, e.Key)
		} else {
			b.settings[e.Key] = e.Value
		}
	case "put", "mark":
		versions, known := b.objects[e.Key]
		if !known {
			b.unsorted = b.unsorted || len(b.keys) > 0 && b.keys[len(b.keys)-1] > e.Key
			b.keys = append(b.keys, e.Key)
		}
		var old *entry
		if e.Version == nullVersion {
			versions, old = without(versions, nullVersion)
		}
		b.objects[e.Key] = append([]*entry{e}, versions...)
		return old
	case "remove":
		versions, old := without(b.objects[e.Key], e.Version)
		if len(versions) > 0 {
			b.objects[e.Key] = versions
		} else {
			delete(b.objects, e.Key) // sorted removes it from keys
			b.unsorted = true
		}
		return old
	}
	return nil
}

// without returns the versions except one, and that one.
func without(versions []*entry, version string) ([]*entry, *entry) {
	i := slices.IndexFunc(versions, func(v *entry) bool { return v.Version == version })
	if i < 0 {
		return versions, nil
	}
	return slices.Concat(versions[:i], versions[i+1:]), versions[i]
}

// sorted returns the bucket's keys in order.
func (b *bucketIndex) sorted() []string {
	if b.unsorted {
		b.keys = slices.DeleteFunc(b.keys, func(k string) bool { return b.objects[k] == nil })
		slices.Sort(b.keys)
		b.keys = slices.Compact(b.keys)
		b.unsorted = false
	}
	return b.keys
}

// keysFrom returns the keys from marker on that begin with prefix, in order.
func (b *bucketIndex) keysFrom(marker, prefix string) []string {
	keys := b.sorted()
	start, _ := slices.BinarySearch(keys, max(marker, prefix))
	end := start
	for end < len(keys) && strings.HasPrefix(keys[end], prefix) {
		end++
	}
	return keys[start:end]
}

func (b *bucketIndex) versioned() bool { return b.settings["versioning"] == "Enabled" }

// current returns the newest version of a key, nil if there is none or it is a delete marker.
func (b *bucketIndex) current(key string) *entry {
	versions := b.objects[key]
	if len(versions) == 0 || versions[0].Op == "mark" {
		return nil
	}
	return versions[0]
}

// version returns a version of a key, nil if there is none.
func (b *bucketIndex) version(key, version string) *entry {
	for _, v := range b.objects[key] {
		if v.Version == version {
			return v
		}
	}
	return nil
}

// etag returns the ETag of a version.
func (e *entry) etag() string {
	if e.ETag != "" {
		return e.ETag
	}
	return gofakes3.FormatETag(e.MD5)
}

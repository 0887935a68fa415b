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

// An Store keeps the buckets of the simulated S3, a directory each. What a bucket holds is told by its log, a file
// of JSON lines that only grows; each process keeps the outcome in memory and reads on from where it stopped, so any
// number of processes see each other's changes at once. Contents past inlineLimit bytes are files beside the log.
type Store struct {
	dir     string
	now     func() time.Time
	mu      sync.Mutex // flock guards against other processes, this against our own goroutines
	lock    *flock.Flock
	buckets map[string]*bucketIndex
	Denied  func() func(key string) *Error // faults on the deletion of single objects; may be nil
}

// inlineLimit is the size in bytes up to which contents are kept in the log.
const inlineLimit = 512

// nullVersion is the version of what was written while versioning was off.
const nullVersion = "null"

// An entry is one line of a bucket's log.
type entry struct {
	Op      string            `json:"op"` // bucket (the first line), put, mark, remove, set
	Key     string            `json:"key,omitempty"`
	Version string            `json:"v,omitempty"`
	Time    time.Time         `json:"t,omitzero"`
	Size    int64             `json:"size,omitempty"`
	MD5     []byte            `json:"md5,omitempty"`
	ETag    string            `json:"etag,omitempty"` // where it is not the MD5: multipart uploads
	Meta    map[string]string `json:"meta,omitempty"`
	Data    []byte            `json:"data,omitempty"` // contents up to inlineLimit
	Value   string            `json:"value,omitempty"`
}

// A bucketIndex is what a bucket's log amounts to.
type bucketIndex struct {
	header   []byte // the log's first line, by which a bucket that was made anew is recognised
	offset   int64  // how far the log was read
	created  time.Time
	settings map[string]string // versioning, and subresources such as policy by their name
	keys     []string          // sorted, unless unsorted
	unsorted bool
	objects  map[string][]*entry // versions by key, the newest first; the rest as they are
}

func Open(dir string, now func() time.Time) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("sandbox directory: %w", err)
	}
	return &Store{
		dir: dir, now: now, buckets: map[string]*bucketIndex{},
		lock: flock.New(filepath.Join(dir, ".lock"), flock.SetPermissions(0o600)),
	}, nil
}

// locked runs f as the only one who uses the buckets.
func (s *Store) locked(f func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.lock.Lock(); err != nil {
		return fmt.Errorf("lock the sandbox's buckets: %w", err)
	}
	defer s.lock.Unlock()
	return f()
}

// withBucket runs f on a bucket, brought up to date. What f returns is appended to the log and applied.
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

func (s *Store) blobPath(bucket, version string, key string) string {
	if version == nullVersion {
		return filepath.Join(s.dir, bucket, "null-"+hashed(key))
	}
	return filepath.Join(s.dir, bucket, "v-"+version)
}

// load brings the bucket's index up to date with its log.
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
			return b, nil // a last line without its end was never finished, and is overwritten by the next
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
	// What an unfinished line left behind the end would corrupt the next one.
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

// apply makes one entry part of the index and returns the version that it took out.
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
			delete(b.objects, e.Key) // its place in keys is swept by sorted
			b.unsorted = true
		}
		return old
	}
	return nil
}

func without(versions []*entry, version string) ([]*entry, *entry) {
	i := slices.IndexFunc(versions, func(v *entry) bool { return v.Version == version })
	if i < 0 {
		return versions, nil
	}
	return slices.Concat(versions[:i], versions[i+1:]), versions[i]
}

// sorted are the bucket's keys in order.
func (b *bucketIndex) sorted() []string {
	if b.unsorted {
		b.keys = slices.DeleteFunc(b.keys, func(k string) bool { return b.objects[k] == nil })
		slices.Sort(b.keys)
		b.keys = slices.Compact(b.keys)
		b.unsorted = false
	}
	return b.keys
}

// keysFrom are the sorted keys that begin with prefix, from marker on.
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

// current is a key's newest version, nil if there is none or it is a delete marker.
func (b *bucketIndex) current(key string) *entry {
	versions := b.objects[key]
	if len(versions) == 0 || versions[0].Op == "mark" {
		return nil
	}
	return versions[0]
}

func (b *bucketIndex) version(key, version string) *entry {
	for _, v := range b.objects[key] {
		if v.Version == version {
			return v
		}
	}
	return nil
}

func (e *entry) etag() string {
	if e.ETag != "" {
		return e.ETag
	}
	return gofakes3.FormatETag(e.MD5)
}

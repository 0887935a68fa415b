package backend

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	"gocloud.dev/gcerrors"
	"golang.org/x/sync/errgroup"

	"github.com/branchenv/branchenv/internal/fault"
	regular "github.com/branchenv/branchenv/internal/files"
	"github.com/branchenv/branchenv/stacks/names"
)

// maxReads is how often the read of a stack is tried if the stack changes meanwhile.
const maxReads = 10

// errChanging reports that a stack changed between being listed and being read.
var errChanging = errors.New("it changes all the time")

// List returns the facts of every stack, their states in outline.
func (b *diyBackend) List(ctx context.Context) ([]Facts, error) {
	inv, err := b.inventory(ctx, "")
	if err != nil {
		return nil, err
	}
	ix := b.openIndex(ctx)
	names := slices.Sorted(maps.Keys(inv))
	found := make([]*Facts, len(names))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(b.readers())
	for i, name := range names {
		group.Go(func() (err error) {
			found[i], err = b.outline(gctx, name, inv[name], ix)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	ix.save(ctx, b)
	all := make([]Facts, 0, len(names))
	for _, f := range found {
		if f != nil {
			all = append(all, *f)
		}
	}
	return all, nil
}

// outline returns the facts of one stack from the index, if nothing has changed since, else from its objects. It returns nil if the
// stack is gone.
func (b *diyBackend) outline(ctx context.Context, name string, k *stackObjects, ix *index) (*Facts, error) {
	if f, ok := ix.get(name, k); ok {
		f.Name, f.Project = name, b.project
		err := b.addLocks(ctx, &f, k)
		return &f, err
	}
	read := b.now()
	f, err := b.facts(ctx, name, k, b.stateOutline)
	if err == nil && f.Broken == nil && !f.Unfinished && f.copiedResources == 0 {
		ix.put(name, k, f, read)
		return &f, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return b.readAs(ctx, name, b.stateOutline) // it may just have been created, changed or removed
}

// Read returns the facts of one stack. It returns an error if they cannot be read.
func (b *diyBackend) Read(ctx context.Context, name string) (*Facts, error) {
	f, err := b.readAs(ctx, name, b.state)
	if err != nil || f == nil {
		return nil, err
	}
	if f.Broken != nil {
		return nil, f.Broken
	}
	return f, nil
}

// readAs reads one stack until its facts are consistent.
func (b *diyBackend) readAs(ctx context.Context, name string, read stateReader) (*Facts, error) {
	var f Facts
	for look := 1; look <= maxReads; look++ {
		inv, err := b.inventory(ctx, name)
		if err != nil {
			return nil, err
		}
		k := inv[name]
		if k == nil {
			return nil, nil
		}
		f, err = b.facts(ctx, name, k, read)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		// A stack without a state may be one that is just being created.
		if err == nil && (f.Broken == nil || k.checkpoint.key != "" || look > 1) {
			return &f, nil
		}
	}
	f.Broken = fault.Failedf("read stack %s: %w", name, errChanging).WithHint("run the same command again")
	return &f, nil
}

// stateReader reads a checkpoint.
type stateReader func(ctx context.Context, stack string, o object) (State, error)

// failure is an object that cannot be read.
type failure struct {
	what   string // state, tags, history or lock
	object object
	err    error
}

// facts reads the facts of one stack from its objects. An object that cannot be read is reported in Broken. The error is
// errChanging if an object is gone.
func (b *diyBackend) facts(ctx context.Context, name string, k *stackObjects, read stateReader) (Facts, error) {
	f := Facts{Name: name, Project: b.project, Tags: map[string]string{}}
	var failures []failure
	moved := false
	try := func(what string, o object, read func() error) {
		if o.key == "" {
			return
		}
		switch err := read(); {
		case gcerrors.Code(err) == gcerrors.NotFound:
			moved = true
		case err != nil:
			failures = append(failures, failure{what, o, err})
		}
	}
	try("state", k.checkpoint, func() (err error) {
		f.State, err = read(ctx, name, k.checkpoint)
		return err
	})
	f.Changed = f.State.Manifest.Time
	try("tags", k.tags, func() (err error) {
		f.Tags, err = b.readTags(ctx, k.tags)
		return err
	})
	try("history", k.history, func() error {
		f.LastUpdate = &Update{}
		return b.decode(ctx, k.history.key, f.LastUpdate)
	})
	if moved {
		return f, errChanging
	}
	if f.LastUpdate != nil { // only these keys of the configuration are used
		maps.DeleteFunc(f.LastUpdate.Config, func(key string, _ json.RawMessage) bool {
			return key != b.project+":"+names.SpecKey && key != b.project+":"+names.ApplicationKey
		})
	}
	switch {
	case len(failures) > 0:
		f.Broken = b.unreadable(ctx, f, k, failures[0])
	case k.checkpoint.key == "":
		f.Unfinished, f.Broken = b.classifyMissing(ctx, f, k)
	case len(f.Tags) == 0 && f.State.Blank() && !f.destroyed():
		for _, o := range append(slices.Clone(k.copies), b.ownCopies(ctx, name)...) {
			if s, err := b.state(ctx, name, o); err == nil {
				f.copiedResources = max(f.copiedResources, len(s.AWS()))
			}
		}
	}
	return f, b.addLocks(ctx, &f, k)
}

// readTags reads a tag file.
func (b *diyBackend) readTags(ctx context.Context, o object) (map[string]string, error) {
	var file tagsFile
	if err := b.decode(ctx, o.key, &file); err != nil {
		return map[string]string{}, err
	}
	if file.Version != tagsVersion {
		return map[string]string{}, damaged{fmt.Errorf("version %d, want %d", file.Version, tagsVersion)}
	}
	if file.Tags == nil {
		file.Tags = map[string]string{}
	}
	return file.Tags, nil
}

// addLocks reads the locks of a stack. An old file among them that is no lock makes the stack broken, because it keeps pulumi from
// the stack.
func (b *diyBackend) addLocks(ctx context.Context, f *Facts, k *stackObjects) error {
	f.Locks = nil
	for _, o := range k.locks {
		l, err := b.readLock(ctx, f.Name, o)
		switch {
		case gcerrors.Code(err) == gcerrors.NotFound: // released since it was listed
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			f.Locks = append(f.Locks, l)
		case f.Broken == nil:
			f.Broken = b.unreadable(ctx, *f, k, failure{"lock", o, err})
		}
	}
	for _, o := range k.partialLocks {
		if f.Broken == nil && !o.modified.IsZero() && b.now().Sub(o.modified) > lockWriteTime {
			f.Broken = b.unreadable(ctx, *f, k, failure{"lock", o, damaged{errors.New("an interrupted write left half of it")}})
		}
	}
	return nil
}

// lockWriteTime is how long the write of a lock may take. It has some hundred bytes.
const lockWriteTime = 10 * time.Second

// readLock reads a lock and the notes about it.
func (b *diyBackend) readLock(ctx context.Context, stack string, o object) (Lock, error) {
	l := Lock{Stack: stack, Key: o.key}
	err := b.decode(ctx, o.key, &l)
	if err == nil {
		l.holders = b.holders(ctx, l)
	}
	return l, err
}

// state reads a whole state.
func (b *diyBackend) state(ctx context.Context, _ string, o object) (State, error) {
	var c checkpoint[State]
	if err := b.decode(ctx, o.key, &c); err != nil {
		return State{}, err
	}
	latest, err := c.latest()
	if err != nil || latest == nil {
		return State{}, err
	}
	return *latest, nil
}

// checkpoint is the file of a stack's state.
type checkpoint[S any] struct {
	Version    int `json:"version"`
	Checkpoint *struct {
		Latest *S `json:"latest"`
	} `json:"checkpoint"`
}

// latest returns the state; nil for a new stack.
func (c checkpoint[S]) latest() (*S, error) {
	// `pulumi stack init` first writes a checkpoint without a version (0). A kill -9 may leave it so.
	begun := c.Version == 0 && c.Checkpoint != nil && c.Checkpoint.Latest == nil
	if c.Version != 3 && !begun {
		return nil, damaged{fmt.Errorf("checkpoint version %d, want 3", c.Version)}
	}
	if c.Checkpoint == nil {
		return nil, nil
	}
	return c.Checkpoint.Latest, nil
}

// damaged is the error of an object whose content is not valid.
type damaged struct{ error }

// decode reads an object, compressed or not, as JSON into v.
func (b *diyBackend) decode(ctx context.Context, key string, v any) error {
	if err := b.regular(key); err != nil {
		return err
	}
	data, err := b.bucket.ReadAll(ctx, key)
	if err != nil {
		return err
	}
	if data, err = decompressed(data, path.Ext(strings.TrimSuffix(key, ".bak"))); err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		return damaged{err}
	}
	return nil
}

// regular returns an error if key is not a regular file: the read of a named pipe would never end. A missing file is no error here.
func (b *diyBackend) regular(key string) error {
	if b.root == "" {
		return nil
	}
	file := filepath.Join(b.root, filepath.FromSlash(key))
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		return damaged{&regular.NotRegularError{Path: file, Mode: info.Mode()}}
	}
	return nil
}

// decompressed returns the content of data; extension names its compression, if any.
func decompressed(data []byte, extension string) ([]byte, error) {
	var r io.Reader
	switch extension {
	case ".gz":
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		r = z
	case ".zst":
		z, err := zstd.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		r = z
	default:
		return data, nil
	}
	return io.ReadAll(r)
}

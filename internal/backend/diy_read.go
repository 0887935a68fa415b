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

// maxReads is how often a stack is looked at that changes between being listed and being read.
const maxReads = 10

// errChanging is why a stack that was listed has no facts: what was listed is not there any more.
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

// outline returns one stack's facts as the index has them, if nothing has changed since, else from its objects. nil: it is gone by now.
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
	return b.readAs(ctx, name, b.stateOutline) // it may just have been made, changed or removed
}

// Read returns one stack's facts. Those that cannot be known are an error.
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

// readAs looks at one stack until what it finds holds together.
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
		// A state that seems to be gone may be one that is just being made.
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

// facts reads one stack's facts from where they are kept. What cannot be read is told by the facts; the error is errMoved.
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
	if f.LastUpdate != nil { // of the configuration nothing else is ever asked for
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

// addLocks reads a stack's locks. What lies among them and is no lock keeps pulumi from the stack, once nobody is writing it any more.
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

// lockWriteTime is how long the write of a lock may take: some hundred bytes.
const lockWriteTime = 10 * time.Second

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

// latest is the state; nil for that of a stack that was just made.
func (c checkpoint[S]) latest() (*S, error) {
	// What a `pulumi stack init` writes first bears no version (0); a kill -9 may leave it so.
	begun := c.Version == 0 && c.Checkpoint != nil && c.Checkpoint.Latest == nil
	if c.Version != 3 && !begun {
		return nil, damaged{fmt.Errorf("checkpoint version %d, want 3", c.Version)}
	}
	if c.Checkpoint == nil {
		return nil, nil
	}
	return c.Checkpoint.Latest, nil
}

// damaged is the error of an object that can be read and is not what it should be.
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

// regular refuses what lies in the place of a file and is none: a named pipe would be read for ever. What is missing is for the read to tell.
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

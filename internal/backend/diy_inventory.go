package backend

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gocloud.dev/blob"
	"golang.org/x/sync/errgroup"

	"github.com/branchenv/branchenv/internal/fault"
)

// object is one version of an object of the backend.
type object struct {
	key      string
	modified time.Time
	// version changes with the content. It is made from the ETag, or from modification time and size; "" if neither is known.
	version string
	// entry is the file until stat is called: for most files only the name matters.
	entry fs.DirEntry
}

// stackObjects are all objects of one stack. An empty key means that there is none.
type stackObjects struct {
	checkpoint, tags object
	history          object   // the newest
	copies           []object // of the checkpoint, the newest first; not necessarily readable
	locks            []object
	partialLocks     []object // other files beside the locks: of a write that was interrupted, or that is under way
}

// empty reports whether the stack does not exist. Copies and locks do not count: they stay when a stack is removed.
func (k *stackObjects) empty() bool {
	return k == nil || k.checkpoint.key == "" && k.tags.key == "" && k.history.key == ""
}

// inventory holds all objects of the project, by stack.
type inventory map[string]*stackObjects

// of returns the objects of a stack, which may be changed.
func (inv inventory) of(stack string) *stackObjects {
	if inv[stack] == nil {
		inv[stack] = &stackObjects{}
	}
	return inv[stack]
}

// folder returns the prefix of the objects of a kind that belong to a stack; to the whole project if stack is "".
func (b *diyBackend) folder(kind, stack string) string {
	project := b.project
	if kind == "locks" {
		project = "organization/" + project
	}
	prefix := ".pulumi/" + kind + "/" + project + "/"
	switch {
	case stack == "":
		return prefix
	case kind == "stacks": // no folder, but the beginning of names; the dot excludes stacks with longer names
		return prefix + stack + "."
	}
	return prefix + stack + "/"
}

// inventory lists the objects of one stack, or of all stacks if stack is "".
func (b *diyBackend) inventory(ctx context.Context, stack string) (inventory, error) {
	kinds := []string{"stacks", "history", "locks"}
	found := make([][]object, len(kinds))
	group, gctx := errgroup.WithContext(ctx)
	for i, kind := range kinds {
		group.Go(func() (err error) {
			found[i], err = b.objects(gctx, b.folder(kind, stack))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	inv := inventory{}
	for _, o := range found[0] {
		if err := inv.addStack(o); err != nil {
			return nil, err
		}
	}
	for _, o := range found[1] {
		inv.addHistory(o)
	}
	for _, o := range found[2] {
		k := inv.of(path.Base(path.Dir(o.key)))
		switch path.Ext(o.key) {
		case ".json":
			k.locks = append(k.locks, o)
		case ".attrs": // attributes of gocloud.dev/blob/fileblob, which hides them
		default:
			k.partialLocks = append(k.partialLocks, o)
		}
	}
	for name, k := range inv {
		if err := k.stat(); err != nil {
			return nil, err
		}
		if k.empty() || stack != "" && name != stack {
			delete(inv, name)
		}
	}
	return inv, nil
}

// addStack adds an object of the states. Of several compressions of a checkpoint the newest counts, as in pulumi
// (backend/diy/state.go, stackPath).
func (inv inventory) addStack(o object) error {
	base := path.Base(o.key)
	if name, ok := strings.CutSuffix(base, ".pulumi-tags"); ok {
		inv.of(name).tags = o
	} else if name, ok := cutEncoding(base, ".json"); ok {
		k := inv.of(name)
		if k.checkpoint.key == "" {
			k.checkpoint = o
			return nil
		}
		if err := errors.Join(k.checkpoint.stat(), o.stat()); err != nil {
			return err
		}
		if !o.modified.Before(k.checkpoint.modified) {
			k.checkpoint = o
		}
	} else if original, ok := strings.CutSuffix(base, ".bak"); ok {
		if name, ok := cutEncoding(original, ".json"); ok {
			k := inv.of(name)
			k.copies = append([]object{o}, k.copies...)
		}
	}
	return nil
}

// addHistory adds an object of the history. Only the newest counts, by the time in its name.
func (inv inventory) addHistory(o object) {
	k := inv.of(path.Base(path.Dir(o.key)))
	if _, ok := cutEncoding(o.key, ".history.json"); ok {
		if k.history.key == "" || historyTime(o.key) > historyTime(k.history.key) {
			k.history = o
		}
	} else if _, ok := cutEncoding(o.key, ".checkpoint.json"); ok {
		i := len(k.copies) - 1
		if i >= 0 && strings.Contains(k.copies[i].key, ".checkpoint.json") {
			if historyTime(o.key) > historyTime(k.copies[i].key) {
				k.copies[i] = o
			}
			return
		}
		k.copies = append(k.copies, o)
	}
}

// stat fills in versions and times of the files that are read later. A file that is gone gets no version.
func (k *stackObjects) stat() error {
	objects := []*object{&k.checkpoint, &k.tags, &k.history}
	for i := range k.partialLocks {
		objects = append(objects, &k.partialLocks[i])
	}
	var all error
	for _, o := range objects {
		all = errors.Join(all, o.stat())
	}
	return all
}

// stat fills in version and time of a file.
func (o *object) stat() error {
	if o.entry == nil {
		return nil
	}
	info, err := o.entry.Info()
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return fault.Failedf("look at %s: %w", o.key, err)
	}
	o.modified, o.version, o.entry = info.ModTime(), fmt.Sprintf("%d-%d", info.ModTime().UnixNano(), info.Size()), nil
	return nil
}

// objects returns the objects whose keys begin with prefix, in no order.
func (b *diyBackend) objects(ctx context.Context, prefix string) ([]object, error) {
	list := b.listBucket
	if b.root != "" {
		list = b.listFiles
	}
	found, err := list(ctx, prefix)
	if err != nil {
		return nil, fault.Failedf("list %s in backend %s: %w", prefix, b.url, err)
	}
	return found, nil
}

// listBucket lists a bucket.
func (b *diyBackend) listBucket(ctx context.Context, prefix string) ([]object, error) {
	var found []object
	for it := b.bucket.List(&blob.ListOptions{Prefix: prefix}); ; {
		o, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		version := ""
		if len(o.MD5) > 0 {
			version = hex.EncodeToString(o.MD5) + "-" + strconv.FormatInt(o.Size, 10)
		}
		found = append(found, object{key: o.Key, modified: o.ModTime, version: version})
	}
}

// listFiles lists a file backend. It replaces gocloud.dev/blob/fileblob, which silently skips folders that it may not read, fails
// if a file disappears meanwhile, as locks do at the end of each command, and lists everything again for every thousand files.
func (b *diyBackend) listFiles(ctx context.Context, prefix string) ([]object, error) {
	folder, begin := path.Split(prefix)
	entries, err := os.ReadDir(filepath.Join(b.root, filepath.FromSlash(folder)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var found []object
	for _, e := range entries {
		switch {
		case !strings.HasPrefix(e.Name(), begin):
		case e.IsDir():
			below, err := b.listFiles(ctx, folder+e.Name()+"/")
			if err != nil {
				return nil, err
			}
			found = append(found, below...)
			if strings.HasSuffix(e.Name(), ".pulumi-tags") { // in the place of a stack's tags, which is not the same as no tags
				found = append(found, object{key: folder + e.Name(), entry: e})
			}
		default:
			found = append(found, object{key: folder + e.Name(), entry: e})
		}
	}
	return found, ctx.Err()
}

// historyTime returns the time in the name of an object of the history, in nanoseconds. The name of a stack may hold dots and
// hyphens.
func historyTime(key string) int64 {
	base := path.Base(key)
	for _, suffix := range []string{".history.json", ".checkpoint.json"} {
		base, _ = cutEncoding(base, suffix)
	}
	n, _ := strconv.ParseInt(base[strings.LastIndexByte(base, '-')+1:], 10, 64)
	return n
}

// cutEncoding removes a suffix, with or without the extension of a compression.
func cutEncoding(s, suffix string) (string, bool) {
	for _, encoding := range []string{"", ".gz", ".zst"} {
		if base, ok := strings.CutSuffix(s, suffix+encoding); ok {
			return base, true
		}
	}
	return s, false
}

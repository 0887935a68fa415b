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
	// version changes whenever the content does: it is made from the ETag, or from modification time and size. "": nothing tells.
	version string
	// entry is the file before it was looked at: of most files only the name matters.
	entry fs.DirEntry
}

// stackObjects is where everything of one stack is kept. An empty key stands for nothing.
type stackObjects struct {
	checkpoint, tags object
	history          object   // the newest
	copies           []object // of the checkpoint, the newest first; not necessarily readable
	locks            []object
	partialLocks     []object // anything else beside the locks: what an interrupted write left, or one that is going on
}

// empty reports that the stack does not exist: copies stay behind when a stack is removed, and locks lie beside what they lock.
func (k *stackObjects) empty() bool {
	return k == nil || k.checkpoint.key == "" && k.tags.key == "" && k.history.key == ""
}

// inventory is where everything of the project is kept, by stack.
type inventory map[string]*stackObjects

func (inv inventory) of(stack string) *stackObjects {
	if inv[stack] == nil {
		inv[stack] = &stackObjects{}
	}
	return inv[stack]
}

// folder is where objects of a kind lie, all of the project's for "".
func (b *diyBackend) folder(kind, stack string) string {
	project := b.project
	if kind == "locks" {
		project = "organization/" + project
	}
	prefix := ".pulumi/" + kind + "/" + project + "/"
	switch {
	case stack == "":
		return prefix
	case kind == "stacks": // no folder: the names begin so. Without the dot a stack would be looked for among all that begin like it
		return prefix + stack + "."
	}
	return prefix + stack + "/"
}

// inventory looks at what there is of one stack, or of all for "".
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
		case ".attrs": // of gocloud.dev/blob/fileblob, which shows them to nobody
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

// addStack adds what lies among the states. Of several compressions of a checkpoint the newest counts, as for pulumi
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

// addHistory adds what lies in the history. Only the newest counts, by the time in its name.
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

// stat looks at the files that are to be read. One that is gone by now keeps no version.
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

// objects returns what lies below a prefix, in no order.
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

// listFiles lists a backend in files. gocloud.dev/blob/fileblob leaves out, without a word, folders that it may not read; it fails where
// a file goes away while it looks, as locks do at the end of each command; and it walks everything anew for every thousand files.
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
			if strings.HasSuffix(e.Name(), ".pulumi-tags") { // in the place of a stack's tags: not the same as none
				found = append(found, object{key: folder + e.Name(), entry: e})
			}
		default:
			found = append(found, object{key: folder + e.Name(), entry: e})
		}
	}
	return found, ctx.Err()
}

// historyTime is the time in the name of what lies in the history, in nanoseconds. A stack's name may hold dots and hyphens.
func historyTime(key string) int64 {
	base := path.Base(key)
	for _, suffix := range []string{".history.json", ".checkpoint.json"} {
		base, _ = cutEncoding(base, suffix)
	}
	n, _ := strconv.ParseInt(base[strings.LastIndexByte(base, '-')+1:], 10, 64)
	return n
}

// cutEncoding cuts a suffix, with or without the name of a compression behind it.
func cutEncoding(s, suffix string) (string, bool) {
	for _, encoding := range []string{"", ".gz", ".zst"} {
		if base, ok := strings.CutSuffix(s, suffix+encoding); ok {
			return base, true
		}
	}
	return s, false
}

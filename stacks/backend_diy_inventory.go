package stacks

import (
	"context"
	"errors"
	"io"
	"path"
	"strconv"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
	"golang.org/x/sync/errgroup"

	"github.com/branchenv/branchenv/internal/fault"
)

// lockFolder is where a stack's locks are kept; those of all the project's stacks for "".
func (b *diyBackend) lockFolder(stack string) string {
	return ".pulumi/locks/organization/" + b.project + "/" + stack
}

// keys returns the keys below a prefix; fileblob's own attribute files are not among them. A backend in files has no
// listing in one go: fileblob fails where a file goes away while it looks, as locks do at the end of each command, and
// then is asked again.
func (b *diyBackend) keys(ctx context.Context, prefix string) ([]string, error) {
	const tries = 100
	for try := 1; ; try++ {
		keys, err := b.keysOnce(ctx, prefix)
		if gcerrors.Code(err) == gcerrors.NotFound && try < tries && strings.HasPrefix(b.url, "file:") {
			continue
		}
		if err != nil {
			return nil, fault.Failedf("list %s in backend %s: %w", prefix, b.url, err)
		}
		return keys, nil
	}
}

func (b *diyBackend) keysOnce(ctx context.Context, prefix string) ([]string, error) {
	var keys []string
	for it := b.bucket.List(&blob.ListOptions{Prefix: prefix}); ; {
		o, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			return keys, nil
		}
		if err != nil {
			return nil, err
		}
		keys = append(keys, o.Key)
	}
}

// inventory is where everything of the project is kept, by stack.
type inventory struct {
	checkpoint, tags, history map[string]string
	locks                     map[string][]string
}

func (b *diyBackend) inventory(ctx context.Context, stack string) (inventory, error) {
	inv := inventory{map[string]string{}, map[string]string{}, map[string]string{}, map[string][]string{}}
	below := func(kind string) string { return ".pulumi/" + kind + "/" + b.project + "/" + stack }
	found := make([][]string, 3)
	group, gctx := errgroup.WithContext(ctx)
	for i, prefix := range []string{below("stacks"), below("history"), b.lockFolder(stack)} {
		group.Go(func() (err error) {
			found[i], err = b.keys(gctx, prefix)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return inv, err
	}
	for _, key := range found[0] {
		base := path.Base(key)
		if name, ok := strings.CutSuffix(base, ".pulumi-tags"); ok {
			inv.tags[name] = key
		} else if name, ok := cutEncoding(base, ".json"); ok {
			inv.checkpoint[name] = key
		}
	}
	for _, key := range found[1] {
		if _, ok := cutEncoding(key, ".history.json"); !ok {
			continue
		}
		name := path.Base(path.Dir(key))
		if old := inv.history[name]; old == "" || historyTime(key) > historyTime(old) {
			inv.history[name] = key
		}
	}
	for _, key := range found[2] {
		if path.Ext(key) != ".json" {
			continue // one that is being written
		}
		name := path.Base(path.Dir(key))
		inv.locks[name] = append(inv.locks[name], key)
	}
	return inv, nil
}

// historyTime is the time in a history file's name, in nanoseconds.
func historyTime(key string) int64 {
	base, _, _ := strings.Cut(path.Base(key), ".history.")
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

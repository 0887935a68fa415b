package backend

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"gocloud.dev/gcerrors"
	"golang.org/x/sync/errgroup"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/stacks/names"
)

// Hosts holds the host labels that stacks have.
type Hosts struct {
	taken map[string][]string // the stacks, by label; two for a moment, if both are just being created
	// unknown are the stacks whose tags cannot be read. They may have any label except those that end in another branch's hash.
	unknown []string
}

// add adds the host label of a stack from its tags.
func (h *Hosts) add(stack string, tags map[string]string, unknown bool) {
	if h.taken == nil {
		h.taken = map[string][]string{}
	}
	if unknown {
		h.unknown = append(h.unknown, stack)
	} else if label := tags[names.TagHost]; label != "" {
		h.taken[label] = append(h.taken[label], stack)
	}
}

// Choose returns the host label for a new environment: the first candidate that no other stack has. The last candidate can only
// belong to this branch. It is chosen if a stack with unknown tags may have the others, and doubt says so.
func (h Hosts) Choose(candidates []string, self string) (label, doubt string, err error) {
	another := func(stack string) bool { return stack != self }
	for i, c := range candidates {
		if slices.ContainsFunc(h.taken[c], another) {
			continue
		}
		if u := slices.IndexFunc(h.unknown, another); u >= 0 && i < len(candidates)-1 {
			doubt = "host name " + c + " may be that of stack " + h.unknown[u] + ", whose tags cannot be read"
			continue
		}
		return c, doubt, nil
	}
	return "", doubt, fault.Failedf("no host name is free: %s are all taken", strings.Join(candidates, ", "))
}

// Hosts reads only the tags of every stack.
func (b *diyBackend) Hosts(ctx context.Context) (Hosts, error) {
	objects, err := b.objects(ctx, b.folder("stacks", ""))
	if err != nil {
		return Hosts{}, err
	}
	ix := b.openIndex(ctx)
	var all Hosts
	var mu sync.Mutex
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(b.readers())
	for _, o := range objects {
		name, ok := strings.CutSuffix(o.key[strings.LastIndexByte(o.key, '/')+1:], ".pulumi-tags")
		if !ok {
			continue
		}
		group.Go(func() error {
			tags, unknown, err := b.tagsOf(gctx, name, o, ix)
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				all.add(name, tags, unknown)
			}
			return err
		})
	}
	err = group.Wait()
	slices.SortFunc(all.unknown, cmp.Compare[string])
	return all, err
}

// tagsOf reads the tags of one stack. A stack that is just being removed has none.
func (b *diyBackend) tagsOf(ctx context.Context, stack string, o object, ix *index) (tags map[string]string, unknown bool, err error) {
	if err := o.stat(); err != nil {
		return nil, false, err
	}
	if x, ok := ix.loaded[stack]; ok && o.version != "" && x.TagsFile == o.version {
		return x.Tags, false, nil
	}
	tags, err = b.readTags(ctx, o)
	switch {
	case err == nil || gcerrors.Code(err) == gcerrors.NotFound:
		return tags, false, nil
	case ctx.Err() != nil:
		return nil, false, ctx.Err()
	}
	return nil, true, nil
}

func (b *cloudBackend) Hosts(ctx context.Context) (Hosts, error) {
	names, err := b.names(ctx)
	if err != nil {
		return Hosts{}, err
	}
	var all Hosts
	var mu sync.Mutex
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for _, s := range names {
		group.Go(func() error {
			stack, err := b.stack(gctx, s)
			if gctx.Err() != nil {
				return gctx.Err()
			}
			mu.Lock()
			defer mu.Unlock()
			all.add(s.StackName, stack.Tags, err != nil)
			return nil
		})
	}
	err = group.Wait()
	slices.SortFunc(all.unknown, cmp.Compare[string])
	return all, err
}

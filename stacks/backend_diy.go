package stacks

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
	"gocloud.dev/blob"
	_ "gocloud.dev/blob/fileblob" // file://
	_ "gocloud.dev/blob/s3blob"   // s3://
	"gocloud.dev/gcerrors"
	"golang.org/x/sync/errgroup"
	"gopkg.in/yaml.v3"

	"github.com/branchenv/branchenv/internal/fault"
)

// diyBackend reads a self-managed backend through gocloud.dev/blob, which is what Pulumi itself keeps it with. The
// layout is version 1 of backend/diy (pkg/v3/backend/diy/{store,state,lock,stack_tags}.go):
//
//	.pulumi/meta.yaml                                    version: 1
//	.pulumi/stacks/PROJECT/STACK.json[.gz|.zst]          checkpoint
//	.pulumi/stacks/PROJECT/STACK.pulumi-tags             tags
//	.pulumi/locks/organization/PROJECT/STACK/UUID.json   locks
//	.pulumi/history/PROJECT/STACK/STACK-NANOS.history.json[.gz|.zst]
type diyBackend struct {
	bucket  *blob.Bucket
	project string
	url     string
}

// layoutKey is where a backend says which layout it has.
const layoutKey = ".pulumi/meta.yaml"

// readers is how many objects are read at once: enough to hide a bucket's latency, few enough for a small machine.
const readers = 16

func openDIY(ctx context.Context, backendURL, project string) (*diyBackend, error) {
	u, err := url.Parse(backendURL)
	if err != nil {
		return nil, fault.Usagef("backend %q is not a URL", backendURL).WithHint("write file://…, s3://bucket or https://api.pulumi.com")
	}
	if u.Scheme == "file" {
		if err := MakeFolder(u.Path); err != nil {
			return nil, fault.Failedf("backend %s: %w", backendURL, err)
		}
		// As Pulumi does (massageBlobPath): temporary files beside their targets, or a rename could cross devices.
		q := u.Query()
		q.Set("no_tmp_dir", "true")
		u.RawQuery = q.Encode()
		u = withoutAttributes(u)
	}
	bucket, err := blob.OpenBucket(ctx, u.String())
	if err != nil {
		return nil, fault.Failedf("open backend %s: %w", u.Redacted(), err).WithHint("check backend in the settings and the AWS credentials")
	}
	if folder := strings.Trim(u.Path, "/"); u.Scheme != "file" && folder != "" {
		bucket = blob.PrefixedBucket(bucket, folder+"/") // as Pulumi does (backend/diy/backend.go); OpenBucket ignores the path
	}
	b := &diyBackend{bucket: bucket, project: project, url: u.Redacted()}
	if err := b.checkLayout(ctx); err != nil {
		return nil, errors.Join(err, bucket.Close())
	}
	return b, nil
}

// MakeFolder makes a folder, of a file backend for instance. One below .branchenv, which lies in a checkout, is kept out of git: a
// state that is committed by accident would be taken for the truth by whoever checks it out.
func MakeFolder(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	for dir := path; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if filepath.Base(dir) != ".branchenv" {
			continue
		}
		if ignore := filepath.Join(dir, ".gitignore"); !exists(ignore) {
			return os.WriteFile(ignore, []byte("*\n"), 0o600)
		}
		return nil
	}
	return nil
}

// withoutAttributes has a backend in files keep no file of attributes (.attrs) beside each one. Nobody needs them, and
// unlike what they stand beside they are not replaced in one go: whoever reads meanwhile, or after a kill -9, finds an
// empty file and cannot read the state (gocloud.dev/blob/fileblob/attrs.go).
func withoutAttributes(u *url.URL) *url.URL {
	if u.Scheme != "file" {
		return u
	}
	without, q := *u, u.Query()
	q.Set("metadata", "skip")
	without.RawQuery = q.Encode()
	return &without
}

func (b *diyBackend) selfManaged() bool { return true }
func (b *diyBackend) close() error      { return b.bucket.Close() }

// checkLayout refuses a layout that this code does not know. An empty backend is fine: whoever makes the first stack
// makes it version 1.
func (b *diyBackend) checkLayout(ctx context.Context) error {
	data, err := b.bucket.ReadAll(ctx, layoutKey)
	if gcerrors.Code(err) == gcerrors.NotFound {
		it := b.bucket.List(&blob.ListOptions{Prefix: ".pulumi/stacks/"})
		if _, err := it.Next(ctx); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fault.Failedf("read backend %s: %w", b.url, err)
		}
		data, err = b.bucket.ReadAll(ctx, layoutKey) // it may have been made since, with its first stack
		if gcerrors.Code(err) == gcerrors.NotFound {
			return fault.Usagef("backend %s has the old layout without projects", b.url).WithHint("run `pulumi state upgrade` on it first")
		}
	}
	if err != nil {
		return fault.Failedf("read backend %s: %w", b.url, err).WithHint("check that the backend exists and that the credentials may read it")
	}
	var meta struct {
		Version int `yaml:"version"`
	}
	if err := yaml.Unmarshal(data, &meta); err != nil {
		return fault.Failedf("backend %s: .pulumi/meta.yaml: %w", b.url, err)
	}
	if meta.Version != 1 {
		return fault.Usagef("backend %s has layout version %d; this branchenv knows version 1", b.url, meta.Version).
			WithHint("use a branchenv that is as new as the pulumi that wrote it")
	}
	return nil
}

// errGone is why a stack that was listed has no facts: another process removed it since.
var errGone = errors.New("the stack was removed since it was listed")

func (b *diyBackend) list(ctx context.Context) ([]facts, error) {
	for {
		all, err := b.listOnce(ctx)
		if !errors.Is(err, errGone) {
			return all, err
		}
	}
}

// listOnce is errGone where a stack is removed meanwhile: then what was listed is looked at once more, so that a stack
// is left out only because it is not there.
func (b *diyBackend) listOnce(ctx context.Context) ([]facts, error) {
	inv, err := b.inventory(ctx, "")
	if err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(inv.checkpoint))
	all := make([]facts, len(names))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for i, name := range names {
		group.Go(func() (err error) {
			all[i], err = b.facts(gctx, name, inv)
			return err
		})
	}
	return all, group.Wait()
}

func (b *diyBackend) read(ctx context.Context, name string) (*facts, error) {
	// The prefix also finds the stacks whose names only begin like this one; the inventory tells them apart.
	inv, err := b.inventory(ctx, name)
	if err != nil {
		return nil, err
	}
	if inv.checkpoint[name] == "" {
		return nil, nil
	}
	f, err := b.facts(ctx, name, inv)
	if errors.Is(err, errGone) {
		return nil, nil
	}
	return &f, err
}

func (b *diyBackend) facts(ctx context.Context, name string, inv inventory) (facts, error) {
	f := facts{name: name, project: b.project, tags: map[string]string{}}
	var checkpoint struct {
		Version    int `json:"version"`
		Checkpoint *struct {
			Latest *state `json:"latest"`
		} `json:"checkpoint"`
	}
	err := b.decode(ctx, inv.checkpoint[name], &checkpoint)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return f, errGone
	}
	if err != nil {
		return f, b.unreadable(name, "state", err)
	}
	latest := checkpoint.Checkpoint
	// What a `pulumi stack init` writes first bears no version (0); a kill -9 may leave it so.
	begun := checkpoint.Version == 0 && latest != nil && latest.Latest == nil
	if checkpoint.Version != 3 && !begun {
		return f, b.unreadable(name, "state", fmt.Errorf("checkpoint version %d, want 3", checkpoint.Version))
	}
	if latest != nil && latest.Latest != nil {
		f.state = *latest.Latest
	}
	f.changed = f.state.Manifest.Time
	if key := inv.tags[name]; key != "" {
		var file tagsFile
		if err := b.decode(ctx, key, &file); err != nil {
			return f, b.unreadable(name, "tags", err)
		}
		if file.Version != tagsVersion {
			return f, b.unreadable(name, "tags", fmt.Errorf("version %d, want %d", file.Version, tagsVersion))
		}
		f.tags = file.Tags
	}
	if key := inv.history[name]; key != "" {
		f.last = &update{}
		if err := b.decode(ctx, key, f.last); err != nil {
			return f, b.unreadable(name, "history", err)
		}
	}
	f.locks, err = b.locks(ctx, name, inv.locks[name])
	return f, err
}

// locks reads a stack's locks.
func (b *diyBackend) locks(ctx context.Context, stack string, keys []string) ([]lock, error) {
	var locks []lock
	for _, key := range keys {
		l := lock{stack: stack, key: key}
		err := b.decode(ctx, key, &l)
		if gcerrors.Code(err) == gcerrors.NotFound {
			continue // released since it was listed
		}
		if err != nil {
			return nil, b.unreadable(stack, "lock", err)
		}
		locks = append(locks, l)
	}
	return locks, nil
}

func (b *diyBackend) unreadable(stack, what string, err error) error {
	return fault.Failedf("read the %s of stack %s: %w", what, stack, err).
		WithHint("branchenv goes no further with facts missing; Pulumi keeps a copy beside each state (.bak) in %s", b.url)
}

// decode reads an object, compressed or not, as JSON into v.
func (b *diyBackend) decode(ctx context.Context, key string, v any) error {
	data, err := b.bucket.ReadAll(ctx, key)
	if err != nil {
		return err
	}
	var r io.Reader = bytes.NewReader(data)
	switch filepath.Ext(key) {
	case ".gz":
		if r, err = gzip.NewReader(r); err != nil {
			return err
		}
	case ".zst":
		z, err := zstd.NewReader(r)
		if err != nil {
			return err
		}
		defer z.Close()
		r = z
	}
	return json.NewDecoder(r).Decode(v)
}

// tagsFile is a stack's tag file (backend/diy/stack_tags.go).
type tagsFile struct {
	Version int               `json:"version"`
	Tags    map[string]string `json:"tags"`
}

const tagsVersion = 1

// copyStack copies a stack's state to another backend, as it is. Where there is no such stack it does nothing.
func (b *diyBackend) copyStack(ctx context.Context, name string, to *diyBackend) error {
	inv, err := b.inventory(ctx, name)
	if err != nil {
		return err
	}
	key := inv.checkpoint[name]
	if key == "" {
		return nil
	}
	data, err := b.bucket.ReadAll(ctx, key)
	if err != nil {
		return b.unreadable(name, "state", err)
	}
	return to.bucket.WriteAll(ctx, key, data, nil)
}

// setTags writes the tag file whole, as `pulumi stack tag set` does for each single tag, in one go.
func (b *diyBackend) setTags(ctx context.Context, name string, tags map[string]string) error {
	data, err := json.Marshal(tagsFile{tagsVersion, tags})
	if err != nil {
		return err
	}
	key := path.Join(".pulumi/stacks", b.project, name+".pulumi-tags")
	if err := b.bucket.WriteAll(ctx, key, data, nil); err != nil {
		return fault.Failedf("tag stack %s: %w", name, err)
	}
	return nil
}

func (b *diyBackend) breakLock(ctx context.Context, l lock) error {
	if err := b.bucket.Delete(ctx, l.key); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return fault.Failedf("remove the lock of stack %s: %w", l.stack, err)
	}
	return nil
}

package backend

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"gocloud.dev/blob"
	_ "gocloud.dev/blob/fileblob" // file://
	_ "gocloud.dev/blob/s3blob"   // s3://
	"gocloud.dev/gcerrors"

	"github.com/branchenv/branchenv/internal/fault"
)

// diyBackend reads a self-managed backend through gocloud.dev/blob, which Pulumi itself uses. The layout is version 1 of
// backend/diy (pkg/v3/backend/diy/{store,state,lock,stack_tags}.go):
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
	root    string // the folder of a file backend; else ""
	base    string // the prefix of each object's address: the folder, or s3://BUCKET/FOLDER
	now     func() time.Time
}

// layoutKey is the key of the object that names the backend's layout.
const layoutKey = ".pulumi/meta.yaml"

// readers is how many objects are read at once: enough to hide the latency of a service, few enough for a small machine.
const readers = 16

// readers returns how many objects are read at once. It is more for a bucket: nearly all of the time is latency.
func (b *diyBackend) readers() int {
	if b.root != "" {
		return readers / 2
	}
	return 2 * readers
}

func openDIY(ctx context.Context, backendURL, project string) (*diyBackend, error) {
	u, err := url.Parse(backendURL)
	if err != nil {
		return nil, fault.Usagef("backend %q is not a URL", backendURL).WithHint("write file://…, s3://bucket or https://api.pulumi.com")
	}
	b := &diyBackend{project: project, url: u.Redacted(), base: u.Scheme + "://" + u.Host + strings.TrimSuffix(u.Path, "/"), now: time.Now}
	if u.Scheme == "file" {
		b.root, b.base = u.Path, u.Path
		if err := MakeFolder(u.Path); err != nil {
			return nil, fault.Failedf("backend %s: %w", backendURL, err)
		}
		// As Pulumi does (massageBlobPath): temporary files beside their targets, or a rename could cross devices.
		q := u.Query()
		q.Set("no_tmp_dir", "true")
		u.RawQuery = q.Encode()
		u = WithoutAttributes(u)
	}
	bucket, err := blob.OpenBucket(ctx, u.String())
	if err != nil {
		return nil, fault.Failedf("open backend %s: %w", u.Redacted(), err).WithHint("check backend in the settings and the AWS credentials")
	}
	if folder := strings.Trim(u.Path, "/"); u.Scheme != "file" && folder != "" {
		bucket = blob.PrefixedBucket(bucket, folder+"/") // as Pulumi does (backend/diy/backend.go); OpenBucket ignores the path
	}
	b.bucket = bucket
	if err := b.checkLayout(ctx); err != nil {
		return nil, errors.Join(err, bucket.Close())
	}
	return b, nil
}

// MakeFolder creates a folder, of a file backend for instance. A folder below .branchenv, which lies in a checkout, is kept
// out of git: another checkout would take a state that was committed by accident for the current one.
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

// WithoutAttributes returns u so that a file backend writes no attributes files (.attrs). Nobody needs them, and they are not
// replaced atomically: a read in between, or after a kill -9, finds an empty file and cannot read the state
// (gocloud.dev/blob/fileblob/attrs.go).
func WithoutAttributes(u *url.URL) *url.URL {
	if u.Scheme != "file" {
		return u
	}
	without, q := *u, u.Query()
	q.Set("metadata", "skip")
	without.RawQuery = q.Encode()
	return &without
}

func (b *diyBackend) SelfManaged() bool { return true }
func (b *diyBackend) Close() error      { return b.bucket.Close() }

// checkLayout returns an error for a layout that this code does not know. An empty backend is fine: the first stack makes it
// version 1.
func (b *diyBackend) checkLayout(ctx context.Context) error {
	data, err := b.bucket.ReadAll(ctx, layoutKey)
	if gcerrors.Code(err) == gcerrors.NotFound {
		it := b.bucket.List(&blob.ListOptions{Prefix: ".pulumi/stacks/"})
		if _, err := it.Next(ctx); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fault.Failedf("read backend %s: %w", b.url, err)
		}
		data, err = b.bucket.ReadAll(ctx, layoutKey) // it may have been created since, with the first stack
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

// tagsFile is the tag file of a stack (backend/diy/stack_tags.go).
type tagsFile struct {
	Version int               `json:"version"`
	Tags    map[string]string `json:"tags"`
}

const tagsVersion = 1

// copyStack copies the state of a stack to another backend unchanged. It does nothing if there is no such stack.
func (b *diyBackend) copyStack(ctx context.Context, name string, to *diyBackend) error {
	inv, err := b.inventory(ctx, name)
	if err != nil {
		return err
	}
	key := inv.of(name).checkpoint.key
	if key == "" {
		return nil
	}
	data, err := b.bucket.ReadAll(ctx, key)
	if err != nil {
		return fault.Failedf("read the state of stack %s: %w", name, err)
	}
	return to.bucket.WriteAll(ctx, key, data, nil)
}

// SetTags writes the whole tag file at once, in the format of `pulumi stack tag set`.
func (b *diyBackend) SetTags(ctx context.Context, name string, tags map[string]string) error {
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

func (b *diyBackend) BreakLock(ctx context.Context, l Lock) error {
	if l.Key == "" {
		return nil
	}
	if err := b.bucket.Delete(ctx, l.Key); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return fault.Failedf("remove the lock of stack %s: %w", l.Stack, err)
	}
	for _, h := range l.holders { // the lock is gone, so its notes are of no more use
		if err := b.bucket.Delete(ctx, h.key); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
			return fault.Failedf("remove the note about the lock of stack %s: %w", l.Stack, err)
		}
	}
	return nil
}

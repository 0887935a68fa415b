package sandbox

import (
	"bytes"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/johannesboyne/gofakes3"
)

// The S3 server library gofakes3 speaks the protocol; this file gives it the buckets of an s3Store.
var (
	_ gofakes3.Backend          = (*s3Store)(nil)
	_ gofakes3.VersionedBackend = (*s3Store)(nil)
	_ gofakes3.MultipartBackend = (*s3Store)(nil)
)

func hashed(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

// newVersion makes a version id.
func newVersion() string { return rand.Text() }

func (s *s3Store) ListBuckets() ([]gofakes3.BucketInfo, error) {
	var out []gofakes3.BucketInfo
	err := s.locked(func() error {
		entries, err := os.ReadDir(s.dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
				continue
			}
			b, err := s.load(e.Name())
			if gofakes3.HasErrorCode(err, gofakes3.ErrNoSuchBucket) {
				continue
			}
			if err != nil {
				return err
			}
			out = append(out, gofakes3.BucketInfo{Name: e.Name(), CreationDate: gofakes3.NewContentTime(b.created)})
		}
		return nil
	})
	return out, err
}

func (s *s3Store) CreateBucket(name string) error {
	return s.locked(func() error {
		if _, err := s.load(name); err == nil {
			return gofakes3.ResourceError(gofakes3.ErrBucketAlreadyExists, name)
		} else if !gofakes3.HasErrorCode(err, gofakes3.ErrNoSuchBucket) {
			return err
		}
		first, err := json.Marshal(entry{Op: "bucket", Time: s.now().UTC(), Value: rand.Text()})
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(s.dir, name), 0o700); err != nil {
			return err
		}
		return writeFile(s.logPath(name), append(first, '\n'))
	})
}

func (s *s3Store) BucketExists(name string) (bool, error) {
	err := s.use(name, func(*bucketIndex) ([]*entry, error) { return nil, nil })
	if gofakes3.HasErrorCode(err, gofakes3.ErrNoSuchBucket) {
		return false, nil
	}
	return err == nil, err
}

func (s *s3Store) DeleteBucket(name string) error      { return s.deleteBucket(name, false) }
func (s *s3Store) ForceDeleteBucket(name string) error { return s.deleteBucket(name, true) }

func (s *s3Store) deleteBucket(name string, force bool) error {
	return s.locked(func() error {
		b, err := s.load(name)
		if err != nil {
			return err
		}
		if len(b.objects) > 0 && !force {
			return gofakes3.ErrorMessage(gofakes3.ErrBucketNotEmpty,
				"The bucket you tried to delete is not empty. You must delete all versions in the bucket.")
		}
		// The log goes first: without it there is no bucket, whatever else is left.
		if err := os.Remove(s.logPath(name)); err != nil {
			return err
		}
		delete(s.buckets, name)
		return os.RemoveAll(filepath.Join(s.dir, name))
	})
}

func (s *s3Store) VersioningConfiguration(bucket string) (v gofakes3.VersioningConfiguration, err error) {
	err = s.use(bucket, func(b *bucketIndex) ([]*entry, error) {
		v.Status = gofakes3.VersioningStatus(b.settings["versioning"])
		return nil, nil
	})
	return v, err
}

func (s *s3Store) SetVersioningConfiguration(bucket string, v gofakes3.VersioningConfiguration) error {
	return s.setting(bucket, "versioning", string(v.Status))
}

// setting stores one of a bucket's settings; an empty value removes it.
func (s *s3Store) setting(bucket, name, value string) error {
	return s.use(bucket, func(*bucketIndex) ([]*entry, error) {
		return []*entry{{Op: "set", Key: name, Value: value}}, nil
	})
}

func (s *s3Store) PutObject(bucket, key string, meta map[string]string, in io.Reader, size int64, cond *gofakes3.PutConditions) (gofakes3.PutObjectResult, error) {
	e, err := s.write(bucket, key, meta, in, "", cond)
	if err != nil {
		return gofakes3.PutObjectResult{}, err
	}
	return gofakes3.PutObjectResult{VersionID: shownVersion(e.Version)}, nil
}

// shownVersion is how gofakes3 wants a version: empty for the null version.
func shownVersion(v string) gofakes3.VersionID {
	if v == nullVersion {
		return ""
	}
	return gofakes3.VersionID(v)
}

// write stores one object. The contents are read before the lock is taken.
func (s *s3Store) write(bucket, key string, meta map[string]string, in io.Reader, etag string, cond *gofakes3.PutConditions) (*entry, error) {
	hash := md5.New()
	in = io.TeeReader(in, hash)
	var head bytes.Buffer
	n, err := io.CopyN(&head, in, inlineLimit+1)
	if err != nil && err != io.EOF {
		return nil, err
	}
	e := &entry{Op: "put", Key: key, Time: s.now().UTC(), Size: n, ETag: etag, Meta: meta}
	var spool string
	if n > inlineLimit {
		f, err := os.CreateTemp(filepath.Join(s.dir, bucket), ".new-*")
		if errors.Is(err, fs.ErrNotExist) {
			return nil, gofakes3.BucketNotFound(bucket)
		}
		if err != nil {
			return nil, err
		}
		spool = f.Name()
		defer os.Remove(spool)
		size, err := io.Copy(f, io.MultiReader(&head, in))
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
		e.Size = size
	} else {
		e.Data = head.Bytes()
	}
	e.MD5 = hash.Sum(nil)
	err = s.use(bucket, func(b *bucketIndex) ([]*entry, error) {
		if cond != nil {
			now := b.current(key)
			info := &gofakes3.ConditionalObjectInfo{Exists: now != nil}
			if now != nil {
				info.Hash = now.MD5
			}
			if err := gofakes3.CheckPutConditions(cond, info); err != nil {
				return nil, err
			}
		}
		e.Version = nullVersion
		if b.versioned() {
			e.Version = newVersion()
		}
		if spool != "" {
			if err := os.Rename(spool, s.blobPath(bucket, e.Version, key)); err != nil {
				return nil, err
			}
		}
		return []*entry{e}, nil
	})
	return e, err
}

func (s *s3Store) GetObject(bucket, key string, rng *gofakes3.ObjectRangeRequest) (*gofakes3.Object, error) {
	return s.object(bucket, key, "", rng, true)
}

func (s *s3Store) GetObjectVersion(bucket, key string, v gofakes3.VersionID, rng *gofakes3.ObjectRangeRequest) (*gofakes3.Object, error) {
	return s.object(bucket, key, string(v), rng, true)
}

func (s *s3Store) HeadObject(bucket, key string) (*gofakes3.Object, error) {
	return s.object(bucket, key, "", nil, false)
}

func (s *s3Store) HeadObjectVersion(bucket, key string, v gofakes3.VersionID) (*gofakes3.Object, error) {
	return s.object(bucket, key, string(v), nil, false)
}

func (s *s3Store) object(bucket, key, version string, rng *gofakes3.ObjectRangeRequest, contents bool) (*gofakes3.Object, error) {
	var out *gofakes3.Object
	err := s.use(bucket, func(b *bucketIndex) ([]*entry, error) {
		e := b.current(key)
		if version != "" {
			if e = b.version(key, version); e == nil {
				return nil, gofakes3.ErrorMessage(gofakes3.ErrNoSuchVersion, "The specified version does not exist.")
			}
		}
		if e == nil {
			return nil, gofakes3.KeyNotFound(key)
		}
		out = &gofakes3.Object{
			Name: key, Metadata: e.Meta, Size: e.Size, Hash: e.MD5, VersionID: shownVersion(e.Version),
			IsDeleteMarker: e.Op == "mark", Contents: io.NopCloser(bytes.NewReader(e.Data)),
		}
		if !contents || e.Op == "mark" {
			return nil, nil
		}
		var err error
		out.Range, err = rng.Range(e.Size)
		if err != nil {
			return nil, err
		}
		out.Contents, err = s.open(bucket, e, out.Range)
		return nil, err
	})
	return out, err
}

// open opens a version's contents, or a part of them.
func (s *s3Store) open(bucket string, e *entry, rng *gofakes3.ObjectRange) (io.ReadCloser, error) {
	if e.Size <= inlineLimit {
		data := e.Data
		if rng != nil {
			data = data[rng.Start : rng.Start+rng.Length]
		}
		return io.NopCloser(bytes.NewReader(data)), nil
	}
	f, err := os.Open(s.blobPath(bucket, e.Version, e.Key))
	if err != nil || rng == nil {
		return f, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(f, rng.Start, rng.Length), f}, nil
}

func (s *s3Store) CopyObject(srcBucket, srcKey, dstBucket, dstKey string, meta map[string]string) (gofakes3.CopyObjectResult, error) {
	src, err := s.GetObject(srcBucket, srcKey, nil)
	if err != nil {
		return gofakes3.CopyObjectResult{}, err
	}
	defer src.Contents.Close()
	e, err := s.write(dstBucket, dstKey, meta, src.Contents, "", nil)
	if err != nil {
		return gofakes3.CopyObjectResult{}, err
	}
	return gofakes3.CopyObjectResult{ETag: e.etag(), LastModified: gofakes3.NewContentTime(e.Time)}, nil
}

func (s *s3Store) DeleteObject(bucket, key string) (gofakes3.ObjectDeleteResult, error) {
	return s.deleteOne(bucket, gofakes3.ObjectID{Key: key})
}

func (s *s3Store) DeleteObjectVersion(bucket, key string, v gofakes3.VersionID) (gofakes3.ObjectDeleteResult, error) {
	return s.deleteOne(bucket, gofakes3.ObjectID{Key: key, VersionID: string(v)})
}

func (s *s3Store) deleteOne(bucket string, id gofakes3.ObjectID) (out gofakes3.ObjectDeleteResult, err error) {
	err = s.use(bucket, func(b *bucketIndex) ([]*entry, error) {
		if denied := s.denier()(id.Key); denied != nil {
			return nil, gofakes3.ErrorMessage(gofakes3.ErrorCode(denied.Code), denied.Message)
		}
		entries, marker, version := b.deletion(id, s.now().UTC())
		out = gofakes3.ObjectDeleteResult{IsDeleteMarker: marker, VersionID: gofakes3.VersionID(version)}
		return entries, nil
	})
	return out, err
}

// denier tells which keys' deletion is to fail.
func (s *s3Store) denier() func(key string) *awsError {
	if s.denied == nil {
		return func(string) *awsError { return nil }
	}
	return s.denied()
}

// deletion is what the deletion of a key or a version writes, whether a delete marker was made or removed by it, and
// that marker's or version's id. Deleting what is not there is no error.
func (b *bucketIndex) deletion(id gofakes3.ObjectID, now time.Time) (entries []*entry, marker bool, version string) {
	if id.VersionID != "" {
		e := b.version(id.Key, id.VersionID)
		if e == nil {
			return nil, false, id.VersionID
		}
		return []*entry{{Op: "remove", Key: id.Key, Version: id.VersionID}}, e.Op == "mark", id.VersionID
	}
	switch b.settings["versioning"] {
	case "Enabled":
		version = newVersion()
		return []*entry{{Op: "mark", Key: id.Key, Version: version, Time: now}}, true, version
	case "Suspended":
		return []*entry{{Op: "mark", Key: id.Key, Version: nullVersion, Time: now}}, true, nullVersion
	}
	if b.version(id.Key, nullVersion) == nil {
		return nil, false, ""
	}
	return []*entry{{Op: "remove", Key: id.Key, Version: nullVersion}}, false, ""
}

func (s *s3Store) DeleteMulti(bucket string, keys ...string) (gofakes3.MultiDeleteResult, error) {
	ids := make([]gofakes3.ObjectID, len(keys))
	for i, k := range keys {
		ids[i].Key = k
	}
	return s.DeleteMultiVersions(bucket, ids...)
}

// DeleteMultiVersions is there for the library's interface; requests go to serveDeleteObjects, which answers more.
func (s *s3Store) DeleteMultiVersions(bucket string, ids ...gofakes3.ObjectID) (gofakes3.MultiDeleteResult, error) {
	var out gofakes3.MultiDeleteResult
	deleted, failed, err := s.deleteMany(bucket, ids)
	for _, d := range deleted {
		out.Deleted = append(out.Deleted, gofakes3.ObjectID{Key: d.Key, VersionID: d.VersionID})
	}
	for _, f := range failed {
		out.Error = append(out.Error, gofakes3.ErrorResult{Key: f.Key, Code: gofakes3.ErrorCode(f.Code), Message: f.Message})
	}
	return out, err
}

type deletedObject struct {
	Key                   string `xml:"Key"`
	VersionID             string `xml:"VersionId,omitempty"`
	DeleteMarker          bool   `xml:"DeleteMarker,omitempty"`
	DeleteMarkerVersionID string `xml:"DeleteMarkerVersionId,omitempty"`
}

type failedObject struct {
	Key       string `xml:"Key"`
	VersionID string `xml:"VersionId,omitempty"`
	Code      string `xml:"Code"`
	Message   string `xml:"Message"`
}

// deleteMany deletes up to 1000 keys and versions at once, and tells per key what went wrong.
func (s *s3Store) deleteMany(bucket string, ids []gofakes3.ObjectID) (deleted []deletedObject, failed []failedObject, err error) {
	err = s.use(bucket, func(b *bucketIndex) ([]*entry, error) {
		var all []*entry
		deny := s.denier()
		for _, id := range ids {
			if denied := deny(id.Key); denied != nil {
				failed = append(failed, failedObject{Key: id.Key, VersionID: id.VersionID, Code: denied.Code, Message: denied.Message})
				continue
			}
			entries, marker, version := b.deletion(id, s.now().UTC())
			d := deletedObject{Key: id.Key, VersionID: id.VersionID, DeleteMarker: marker}
			if marker {
				d.DeleteMarkerVersionID = version
			}
			deleted = append(deleted, d)
			all = append(all, entries...)
		}
		return all, nil
	})
	return deleted, failed, err
}

func (s *s3Store) ListBucket(bucket string, prefix *gofakes3.Prefix, page gofakes3.ListBucketPage) (*gofakes3.ObjectList, error) {
	out := gofakes3.NewObjectList()
	p := prefixOf(prefix)
	err := s.use(bucket, func(b *bucketIndex) ([]*entry, error) {
		n := int64(0)
		last := ""
		for _, key := range b.from(page.Marker, p.Prefix) {
			e := b.current(key)
			if e == nil || page.HasMarker && key <= page.Marker {
				continue
			}
			common := commonPrefix(key, p)
			// A page that ended with a common prefix has that prefix as its marker: what is below it was told.
			if common != "" && (common == last || page.HasMarker && strings.HasPrefix(page.Marker, common)) {
				continue
			}
			if page.MaxKeys > 0 && n >= page.MaxKeys {
				out.IsTruncated = true
				return nil, nil
			}
			n++
			out.NextMarker = key
			if common != "" {
				last = common
				out.NextMarker = common
				out.AddPrefix(common)
				continue
			}
			out.Add(&gofakes3.Content{Key: key, LastModified: gofakes3.NewContentTime(e.Time), ETag: e.etag(), Size: e.Size, StorageClass: "STANDARD"})
		}
		out.NextMarker = ""
		return nil, nil
	})
	return out, err
}

func prefixOf(p *gofakes3.Prefix) gofakes3.Prefix {
	if p == nil {
		return gofakes3.Prefix{}
	}
	return *p
}

// commonPrefix is what a key is rolled up to, "" if it is not.
func commonPrefix(key string, p gofakes3.Prefix) string {
	if p.Delimiter == "" {
		return ""
	}
	before, _, found := strings.Cut(key[len(p.Prefix):], p.Delimiter)
	if !found {
		return ""
	}
	return p.Prefix + before + p.Delimiter
}

func (s *s3Store) ListBucketVersions(bucket string, prefix *gofakes3.Prefix, page *gofakes3.ListBucketVersionsPage) (*gofakes3.ListBucketVersionsResult, error) {
	if page == nil {
		page = &gofakes3.ListBucketVersionsPage{}
	}
	p := prefixOf(prefix)
	out := gofakes3.NewListBucketVersionsResult(bucket, &p, page)
	err := s.use(bucket, func(b *bucketIndex) ([]*entry, error) {
		n := int64(0)
		for _, key := range b.from(page.KeyMarker, p.Prefix) {
			versions := b.objects[key]
			if key == page.KeyMarker && page.HasKeyMarker {
				if !page.HasVersionIDMarker {
					continue
				}
				at := slices.IndexFunc(versions, func(e *entry) bool { return e.Version == string(page.VersionIDMarker) })
				if at < 0 {
					// The marked version is gone. What is left of its key cannot be placed, so it is told again:
					// nobody who deletes as they list misses anything.
					at = -1
				}
				versions = versions[at+1:]
			}
			if common := commonPrefix(key, p); common != "" {
				out.AddPrefix(common)
				continue
			}
			for _, e := range versions {
				if page.MaxKeys > 0 && n >= page.MaxKeys {
					out.IsTruncated = true
					return nil, nil
				}
				n++
				out.NextKeyMarker, out.NextVersionIDMarker = key, gofakes3.VersionID(e.Version)
				out.Versions = append(out.Versions, versionItem(e, e == b.objects[key][0]))
			}
		}
		out.NextKeyMarker, out.NextVersionIDMarker = "", ""
		return nil, nil
	})
	return out, err
}

func versionItem(e *entry, latest bool) gofakes3.VersionItem {
	modified := gofakes3.NewContentTime(e.Time)
	if e.Op == "mark" {
		return &gofakes3.DeleteMarker{Key: e.Key, VersionID: gofakes3.VersionID(e.Version), IsLatest: latest, LastModified: modified}
	}
	return &gofakes3.Version{
		Key: e.Key, VersionID: gofakes3.VersionID(e.Version), IsLatest: latest, LastModified: modified,
		Size: e.Size, ETag: e.etag(), StorageClass: "STANDARD",
	}
}

// empty removes everything in a bucket, as the real provider does for a bucket with forceDestroy.
func (s *s3Store) empty(bucket string) error {
	var ids []gofakes3.ObjectID
	err := s.use(bucket, func(b *bucketIndex) ([]*entry, error) {
		for _, key := range b.sorted() {
			for _, e := range b.objects[key] {
				ids = append(ids, gofakes3.ObjectID{Key: key, VersionID: e.Version})
			}
		}
		return nil, nil
	})
	if err != nil {
		return err
	}
	for batch := range slices.Chunk(ids, 1000) {
		_, failed, err := s.deleteMany(bucket, batch)
		if err != nil {
			return err
		}
		if len(failed) > 0 {
			f := failed[0]
			return fmt.Errorf("deleting S3 object %s version %s: %s: %s", f.Key, f.VersionID, f.Code, f.Message)
		}
	}
	return nil
}

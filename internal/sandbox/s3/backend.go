package s3

import (
	"bytes"
	"crypto/md5" // #nosec G501 -- S3 defines ETags so
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/johannesboyne/gofakes3"

	"github.com/branchenv/branchenv/internal/sandbox/disk"
)

// A Store is a backend of the library gofakes3, which speaks the protocol.
var (
	_ gofakes3.Backend          = (*Store)(nil)
	_ gofakes3.VersionedBackend = (*Store)(nil)
	_ gofakes3.MultipartBackend = (*Store)(nil)
)

// hashed returns a file name for any text.
func hashed(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

// newVersion returns a new version id.
func newVersion() string { return rand.Text() }

// ListBuckets lists all buckets.
func (s *Store) ListBuckets() ([]gofakes3.BucketInfo, error) {
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

// CreateBucket creates a bucket.
func (s *Store) CreateBucket(name string) error {
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
		return disk.Write(s.logPath(name), append(first, '\n'))
	})
}

// BucketExists reports whether a bucket exists.
func (s *Store) BucketExists(name string) (bool, error) {
	err := s.withBucket(name, func(*bucketIndex) ([]*entry, error) { return nil, nil })
	if gofakes3.HasErrorCode(err, gofakes3.ErrNoSuchBucket) {
		return false, nil
	}
	return err == nil, err
}

// DeleteBucket deletes an empty bucket.
func (s *Store) DeleteBucket(name string) error { return s.deleteBucket(name, false) }

// ForceDeleteBucket deletes a bucket with everything in it.
func (s *Store) ForceDeleteBucket(name string) error { return s.deleteBucket(name, true) }

// deleteBucket deletes a bucket. If force is not set, the bucket must be empty.
func (s *Store) deleteBucket(name string, force bool) error {
	return s.locked(func() error {
		b, err := s.load(name)
		if err != nil {
			return err
		}
		if len(b.objects) > 0 && !force {
			return gofakes3.ErrorMessage(gofakes3.ErrBucketNotEmpty,
				"The bucket you tried to delete is not empty. You must delete all versions in the bucket.")
		}
		// The log is removed first: without it the bucket does not exist, even if files are left.
		if err := os.Remove(s.logPath(name)); err != nil {
			return err
		}
		delete(s.buckets, name)
		return os.RemoveAll(filepath.Join(s.dir, name))
	})
}

// VersioningConfiguration returns a bucket's versioning.
func (s *Store) VersioningConfiguration(bucket string) (v gofakes3.VersioningConfiguration, err error) {
	err = s.withBucket(bucket, func(b *bucketIndex) ([]*entry, error) {
		v.Status = gofakes3.VersioningStatus(b.settings["versioning"])
		return nil, nil
	})
	return v, err
}

// SetVersioningConfiguration sets a bucket's versioning.
func (s *Store) SetVersioningConfiguration(bucket string, v gofakes3.VersioningConfiguration) error {
	return s.setting(bucket, "versioning", string(v.Status))
}

// SetVersioning sets a bucket's versioning to "Enabled" or "Suspended".
func (s *Store) SetVersioning(bucket, status string) error {
	return s.setting(bucket, "versioning", status)
}

// SuspendVersioning suspends a bucket's versioning if it is enabled.
func (s *Store) SuspendVersioning(bucket string) error {
	return s.withBucket(bucket, func(b *bucketIndex) ([]*entry, error) {
		if !b.versioned() {
			return nil, nil
		}
		return []*entry{{Op: "set", Key: "versioning", Value: "Suspended"}}, nil
	})
}

// setting stores a setting of a bucket. An empty value removes it.
func (s *Store) setting(bucket, name, value string) error {
	return s.withBucket(bucket, func(*bucketIndex) ([]*entry, error) {
		return []*entry{{Op: "set", Key: name, Value: value}}, nil
	})
}

// PutObject stores an object.
func (s *Store) PutObject(bucket, key string, meta map[string]string, in io.Reader, _ int64, cond *gofakes3.PutConditions) (gofakes3.PutObjectResult, error) {
	e, err := s.write(bucket, key, meta, in, "", cond)
	if err != nil {
		return gofakes3.PutObjectResult{}, err
	}
	return gofakes3.PutObjectResult{VersionID: shownVersion(e.Version)}, nil
}

// PutFile stores an object. It returns its MD5 sum in hexadecimal, and its version, which is "" without versioning.
func (s *Store) PutFile(bucket, key, contentType string, in io.Reader) (md5, version string, err error) {
	e, err := s.write(bucket, key, map[string]string{"Content-Type": contentType}, in, "", nil)
	if err != nil {
		return "", "", err
	}
	return hex.EncodeToString(e.MD5), string(shownVersion(e.Version)), nil
}

// shownVersion returns a version in gofakes3's form: the null version is "".
func shownVersion(v string) gofakes3.VersionID {
	if v == nullVersion {
		return ""
	}
	return gofakes3.VersionID(v)
}

// write stores an object. It reads the contents before it locks the store. cond may be nil.
func (s *Store) write(bucket, key string, meta map[string]string, in io.Reader, etag string, cond *gofakes3.PutConditions) (*entry, error) {
	hash := md5.New() // #nosec G401 -- S3 defines ETags so
	in = io.TeeReader(in, hash)
	var head bytes.Buffer
	n, err := io.CopyN(&head, in, inlineLimit+1)
	if err != nil && err != io.EOF {
		return nil, err
	}
	e := &entry{Op: "put", Key: key, Time: s.now().UTC(), Size: n, ETag: etag, Meta: meta}
	var spool string
	if n > inlineLimit {
		f, err := os.CreateTemp(filepath.Join(s.dir, bucket), disk.Temporary+"*")
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
	err = s.withBucket(bucket, func(b *bucketIndex) ([]*entry, error) {
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

// GetObject returns the current version of an object.
func (s *Store) GetObject(bucket, key string, rng *gofakes3.ObjectRangeRequest) (*gofakes3.Object, error) {
	return s.readObject(bucket, key, "", rng, true)
}

// GetObjectVersion returns a version of an object.
func (s *Store) GetObjectVersion(bucket, key string, v gofakes3.VersionID, rng *gofakes3.ObjectRangeRequest) (*gofakes3.Object, error) {
	return s.readObject(bucket, key, string(v), rng, true)
}

// HeadObject returns the current version of an object without its contents.
func (s *Store) HeadObject(bucket, key string) (*gofakes3.Object, error) {
	return s.readObject(bucket, key, "", nil, false)
}

// HeadObjectVersion returns a version of an object without its contents.
func (s *Store) HeadObjectVersion(bucket, key string, v gofakes3.VersionID) (*gofakes3.Object, error) {
	return s.readObject(bucket, key, string(v), nil, false)
}

// readObject returns a version of an object, the current one if version is "". Without contents, it opens nothing.
func (s *Store) readObject(bucket, key, version string, rng *gofakes3.ObjectRangeRequest, contents bool) (*gofakes3.Object, error) {
	var out *gofakes3.Object
	err := s.withBucket(bucket, func(b *bucketIndex) ([]*entry, error) {
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

// open opens a version's contents, or a range of them.
func (s *Store) open(bucket string, e *entry, rng *gofakes3.ObjectRange) (io.ReadCloser, error) {
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

// CopyObject stores a copy of the current version of an object.
func (s *Store) CopyObject(srcBucket, srcKey, dstBucket, dstKey string, meta map[string]string) (gofakes3.CopyObjectResult, error) {
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

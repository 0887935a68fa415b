package s3

import (
	"cmp"
	"crypto/md5" // #nosec G501 -- S3 defines ETags so
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/johannesboyne/gofakes3"

	"github.com/branchenv/branchenv/internal/sandbox/disk"
)

// An upload is an unfinished multipart upload. It has a directory in the bucket's, which its parts are in.
type upload struct {
	ID   string            `json:"id"`
	Key  string            `json:"key"`
	Time time.Time         `json:"time"`
	Meta map[string]string `json:"meta,omitempty"`
}

// A part is a part of an upload. Its file name has the number, the size and the MD5 sum.
type part struct {
	number int
	size   int64
	md5    []byte
	path   string
	time   time.Time
}

const uploadFile = "upload.json"

func (s *Store) uploadDir(bucket string, id gofakes3.UploadID) string {
	return filepath.Join(s.dir, bucket, "upload-"+hashed(string(id)))
}

func noSuchUpload() error {
	return gofakes3.ErrorMessage(gofakes3.ErrNoSuchUpload, "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
}

// readUpload returns an upload of key.
func (s *Store) readUpload(bucket, key string, id gofakes3.UploadID) (*upload, error) {
	var u upload
	if err := disk.ReadJSON(filepath.Join(s.uploadDir(bucket, id), uploadFile), &u); err != nil {
		return nil, err
	}
	if u.ID == "" || u.Key != key {
		return nil, noSuchUpload()
	}
	return &u, nil
}

// CreateMultipartUpload begins an upload.
func (s *Store) CreateMultipartUpload(bucket, key string, meta map[string]string) (gofakes3.UploadID, error) {
	u := upload{ID: rand.Text(), Key: key, Time: s.now().UTC(), Meta: meta}
	data, err := json.Marshal(u)
	if err != nil {
		return "", err
	}
	err = s.withBucket(bucket, func(*bucketIndex) ([]*entry, error) {
		dir := s.uploadDir(bucket, gofakes3.UploadID(u.ID))
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, err
		}
		return nil, disk.Write(filepath.Join(dir, uploadFile), data)
	})
	return gofakes3.UploadID(u.ID), err
}

// UploadPart stores a part of an upload.
func (s *Store) UploadPart(bucket, key string, id gofakes3.UploadID, number int, _ int64, in io.Reader) (string, error) {
	if _, err := s.readUpload(bucket, key, id); err != nil {
		return "", err
	}
	dir := s.uploadDir(bucket, id)
	f, err := os.CreateTemp(dir, disk.Temporary+"*")
	if errors.Is(err, fs.ErrNotExist) {
		return "", noSuchUpload()
	}
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name())
	hash := md5.New() // #nosec G401 -- S3 defines ETags so
	size, err := io.Copy(io.MultiWriter(f, hash), in)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", err
	}
	err = s.locked(func() error {
		parts, err := readParts(dir)
		if err != nil {
			return err
		}
		for _, p := range parts { // a part that is sent again replaces the first one
			if p.number == number {
				os.Remove(p.path)
			}
		}
		return os.Rename(f.Name(), filepath.Join(dir, fmt.Sprintf("part-%d-%d-%x", number, size, hash.Sum(nil))))
	})
	return gofakes3.FormatETag(hash.Sum(nil)), err
}

// readParts returns the parts in an upload's directory, ordered by their numbers.
func readParts(dir string) ([]part, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noSuchUpload()
	}
	if err != nil {
		return nil, err
	}
	var out []part
	for _, e := range entries {
		fields := strings.Split(e.Name(), "-")
		if len(fields) != 4 || fields[0] != "part" {
			continue
		}
		number, err1 := strconv.Atoi(fields[1])
		size, err2 := strconv.ParseInt(fields[2], 10, 64)
		sum, err3 := hex.DecodeString(fields[3])
		info, err4 := e.Info()
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			return nil, err
		}
		out = append(out, part{number: number, size: size, md5: sum, path: filepath.Join(dir, e.Name()), time: info.ModTime()})
	}
	slices.SortFunc(out, func(a, b part) int { return cmp.Compare(a.number, b.number) })
	return out, nil
}

// ListParts returns a page of the parts of an upload.
func (s *Store) ListParts(bucket, key string, id gofakes3.UploadID, marker int, limit int64) (*gofakes3.ListMultipartUploadPartsResult, error) {
	if _, err := s.readUpload(bucket, key, id); err != nil {
		return nil, err
	}
	parts, err := readParts(s.uploadDir(bucket, id))
	if err != nil {
		return nil, err
	}
	out := &gofakes3.ListMultipartUploadPartsResult{
		Bucket: bucket, Key: key, UploadID: id, StorageClass: "STANDARD", PartNumberMarker: marker, MaxParts: limit,
	}
	for _, p := range parts {
		if p.number <= marker {
			continue
		}
		if int64(len(out.Parts)) >= limit {
			out.IsTruncated = true
			break
		}
		out.NextPartNumberMarker = p.number
		out.Parts = append(out.Parts, gofakes3.ListMultipartUploadPartItem{
			PartNumber: p.number, Size: p.size, ETag: gofakes3.FormatETag(p.md5), LastModified: gofakes3.NewContentTime(p.time),
		})
	}
	return out, nil
}

// ListMultipartUploads returns a page of the unfinished uploads in a bucket.
func (s *Store) ListMultipartUploads(bucket string, marker *gofakes3.UploadListMarker, prefix gofakes3.Prefix, limit int64) (*gofakes3.ListMultipartUploadsResult, error) {
	var all []upload
	err := s.withBucket(bucket, func(*bucketIndex) ([]*entry, error) {
		dirs, err := filepath.Glob(filepath.Join(s.dir, bucket, "upload-*", uploadFile))
		if err != nil {
			return nil, err
		}
		for _, path := range dirs {
			var u upload
			if err := disk.ReadJSON(path, &u); err != nil {
				return nil, err
			}
			if strings.HasPrefix(u.Key, prefix.Prefix) {
				all = append(all, u)
			}
		}
		return nil, nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b upload) int {
		return cmp.Or(strings.Compare(a.Key, b.Key), strings.Compare(a.ID, b.ID))
	})
	out := &gofakes3.ListMultipartUploadsResult{Bucket: bucket, Prefix: prefix.Prefix, Delimiter: prefix.Delimiter, MaxUploads: limit}
	if marker != nil {
		out.KeyMarker, out.UploadIDMarker = marker.Object, marker.UploadID
	}
	for _, u := range all {
		if marker != nil && (u.Key < marker.Object || u.Key == marker.Object && (marker.UploadID == "" || u.ID <= string(marker.UploadID))) {
			continue
		}
		if int64(len(out.Uploads)) >= limit {
			out.IsTruncated = true
			return out, nil
		}
		out.NextKeyMarker, out.NextUploadIDMarker = u.Key, gofakes3.UploadID(u.ID)
		out.Uploads = append(out.Uploads, gofakes3.ListMultipartUploadItem{
			Key: u.Key, UploadID: gofakes3.UploadID(u.ID), StorageClass: "STANDARD", Initiated: gofakes3.NewContentTime(u.Time),
		})
	}
	out.NextKeyMarker, out.NextUploadIDMarker = "", ""
	return out, nil
}

// AbortMultipartUpload removes an upload with its parts.
func (s *Store) AbortMultipartUpload(bucket, key string, id gofakes3.UploadID) error {
	return s.withBucket(bucket, func(*bucketIndex) ([]*entry, error) {
		if _, err := s.readUpload(bucket, key, id); err != nil {
			return nil, err
		}
		return nil, os.RemoveAll(s.uploadDir(bucket, id))
	})
}

// CompleteMultipartUpload makes an object of the parts of an upload.
func (s *Store) CompleteMultipartUpload(bucket, key string, id gofakes3.UploadID, in *gofakes3.CompleteMultipartUploadRequest) (gofakes3.VersionID, string, error) {
	u, err := s.readUpload(bucket, key, id)
	if err != nil {
		return "", "", err
	}
	have, err := readParts(s.uploadDir(bucket, id))
	if err != nil {
		return "", "", err
	}
	var readers []io.Reader
	sums := md5.New() // #nosec G401 -- S3 defines ETags so
	for _, want := range in.Parts {
		i := slices.IndexFunc(have, func(p part) bool {
			return p.number == want.PartNumber && strings.Trim(want.ETag, `"`) == hex.EncodeToString(p.md5)
		})
		if i < 0 {
			return "", "", gofakes3.ErrorMessagef(gofakes3.ErrInvalidPart, "One or more of the specified parts could not be found: part %d.", want.PartNumber)
		}
		f, err := os.Open(have[i].path)
		if err != nil {
			return "", "", err
		}
		defer f.Close()
		readers = append(readers, f)
		sums.Write(have[i].md5)
	}
	etag := fmt.Sprintf(`"%x-%d"`, sums.Sum(nil), len(in.Parts))
	e, err := s.write(bucket, key, u.Meta, io.MultiReader(readers...), etag, nil)
	if err != nil {
		return "", "", err
	}
	return shownVersion(e.Version), etag, os.RemoveAll(s.uploadDir(bucket, id))
}

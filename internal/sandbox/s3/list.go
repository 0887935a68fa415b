package s3

import (
	"slices"
	"strings"

	"github.com/johannesboyne/gofakes3"
)

// ListBucket returns a page of the current versions in a bucket.
func (s *Store) ListBucket(bucket string, prefix *gofakes3.Prefix, page gofakes3.ListBucketPage) (*gofakes3.ObjectList, error) {
	out := gofakes3.NewObjectList()
	p := prefixOf(prefix)
	err := s.withBucket(bucket, func(b *bucketIndex) ([]*entry, error) {
		n := int64(0)
		last := ""
		for _, key := range b.keysFrom(page.Marker, p.Prefix) {
			e := b.current(key)
			if e == nil || page.HasMarker && key <= page.Marker {
				continue
			}
			common := commonPrefix(key, p)
			// The marker of a page that ended with a common prefix is that prefix. The keys below it were listed.
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

// commonPrefix returns the common prefix by which a key is listed, "" if it is listed by itself.
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

// ListBucketVersions returns a page of all versions in a bucket.
func (s *Store) ListBucketVersions(bucket string, prefix *gofakes3.Prefix, page *gofakes3.ListBucketVersionsPage) (*gofakes3.ListBucketVersionsResult, error) {
	if page == nil {
		page = &gofakes3.ListBucketVersionsPage{}
	}
	p := prefixOf(prefix)
	out := gofakes3.NewListBucketVersionsResult(bucket, &p, page)
	err := s.withBucket(bucket, func(b *bucketIndex) ([]*entry, error) {
		n := int64(0)
		for _, key := range b.keysFrom(page.KeyMarker, p.Prefix) {
			versions := b.objects[key]
			if key == page.KeyMarker && page.HasKeyMarker {
				if !page.HasVersionIDMarker {
					continue
				}
				at := slices.IndexFunc(versions, func(e *entry) bool { return e.Version == string(page.VersionIDMarker) })
				if at < 0 {
					// The version of the marker is gone, so its place is not known. All versions of its key are listed
					// again: a client that deletes as it lists misses none.
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

// versionItem returns a version as it is listed.
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

package aws

import (
	"net/http"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// memoryS3 is an S3 server in memory for tests that need many objects.
func memoryS3() http.Handler {
	return gofakes3.New(memory{s3mem.New()}, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()
}

// memory is a bucket store in memory. It is so fast that a benchmark measures only the added latency. The library does not say
// where the next page begins; memory does, for keys that have a single version.
type memory struct{ *s3mem.Backend }

func (m memory) ListBucketVersions(
	bucket string, prefix *gofakes3.Prefix, page *gofakes3.ListBucketVersionsPage,
) (*gofakes3.ListBucketVersionsResult, error) {
	from := *page
	from.VersionIDMarker, from.HasVersionIDMarker = "", false
	from.MaxKeys = page.MaxKeys + 1 // it begins with the marker itself
	out, err := m.Backend.ListBucketVersions(bucket, prefix, &from)
	if err != nil {
		return out, err
	}
	if len(out.Versions) > 0 && page.KeyMarker != "" && keyOf(out.Versions[0]) == page.KeyMarker {
		out.Versions = out.Versions[1:]
	}
	if n := int(page.MaxKeys); len(out.Versions) > n {
		out.Versions, out.IsTruncated = out.Versions[:n], true
	}
	if out.IsTruncated {
		last := out.Versions[len(out.Versions)-1]
		out.NextKeyMarker, out.NextVersionIDMarker = keyOf(last), last.GetVersionID()
	}
	return out, nil
}

func keyOf(v gofakes3.VersionItem) string {
	if v, ok := v.(*gofakes3.Version); ok {
		return v.Key
	}
	return ""
}

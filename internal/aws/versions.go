package aws

import (
	"context"
	"errors"
	"net/url"
	"slices"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// errEndless is the error of a list that would never end.
var errEndless = errors.New("the list continues with the page just read")

func same(a, b *string) bool { return awssdk.ToString(a) == awssdk.ToString(b) }

// page is one page of the list, and the place of the next one.
type page struct {
	batch
	more         bool
	key, version *string
}

func (e *emptying) list(ctx context.Context, in *s3.ListObjectVersionsInput) (page, error) {
	out, err := e.s3.ListObjectVersions(ctx, in)
	if err != nil {
		return page{}, err
	}
	// An empty body decodes as an empty bucket; a real answer repeats the bucket's name.
	if out.Name == nil {
		return page{}, errors.New("the list of versions has no content")
	}
	p := page{more: awssdk.ToBool(out.IsTruncated), key: out.NextKeyMarker}
	if awssdk.ToString(out.NextVersionIdMarker) != "" { // S3 refuses an empty one
		p.version = out.NextVersionIdMarker
	}
	for _, v := range out.Versions {
		p.ids = append(p.ids, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
		p.marker = append(p.marker, false)
	}
	for _, m := range out.DeleteMarkers {
		p.ids = append(p.ids, types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
		p.marker = append(p.marker, true)
	}
	if out.EncodingType == types.EncodingTypeUrl { // keys may have characters that are invalid in XML
		for i := range p.ids {
			if p.ids[i].Key, err = decoded(p.ids[i].Key); err != nil {
				return page{}, err
			}
		}
		if p.key, err = decoded(p.key); err != nil {
			return page{}, err
		}
	}
	if p.more && awssdk.ToString(p.key) == "" {
		return page{}, errors.New("the list of versions has more entries, but does not say where")
	}
	if i := p.index(in.KeyMarker, in.VersionIdMarker); i >= 0 { // some servers repeat the last entry of the page before
		p.ids, p.marker = slices.Delete(p.ids, i, i+1), slices.Delete(p.marker, i, i+1)
	}
	if i := p.index(p.key, p.version); i >= 0 { // versions and markers are separate lists: put the last entry of the page last
		last := len(p.ids) - 1
		p.ids[i], p.ids[last] = p.ids[last], p.ids[i]
		p.marker[i], p.marker[last] = p.marker[last], p.marker[i]
	}
	return p, nil
}

// index returns the place of an entry in b, or -1.
func (b batch) index(key, version *string) int {
	return slices.IndexFunc(b.ids, func(id types.ObjectIdentifier) bool {
		return version != nil && same(id.Key, key) && same(id.VersionId, version)
	})
}

func decoded(s *string) (*string, error) {
	if s == nil {
		return nil, nil
	}
	d, err := url.QueryUnescape(*s)
	return &d, err
}

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

// errEndless is a list that would be read for ever.
var errEndless = errors.New("the list goes on at the page just read")

func same(a, b *string) bool { return awssdk.ToString(a) == awssdk.ToString(b) }

// page is one page of the list and where the next one begins.
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
	if out.EncodingType == types.EncodingTypeUrl { // keys may hold what XML cannot
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
		return page{}, errors.New("the list of versions says there is more, but not where")
	}
	if i := p.index(in.KeyMarker, in.VersionIdMarker); i >= 0 { // some servers begin with what the page before ended with
		p.ids, p.marker = slices.Delete(p.ids, i, i+1), slices.Delete(p.marker, i, i+1)
	}
	if i := p.index(p.key, p.version); i >= 0 { // versions and markers came apart: what the page ends with goes last
		last := len(p.ids) - 1
		p.ids[i], p.ids[last] = p.ids[last], p.ids[i]
		p.marker[i], p.marker[last] = p.marker[last], p.marker[i]
	}
	return p, nil
}

// index is where an entry stands in b, -1 for nowhere.
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

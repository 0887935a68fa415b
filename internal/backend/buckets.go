package backend

import (
	"slices"
	"strings"
)

// Buckets returns the buckets of the state.
func (s State) Buckets() []Resource {
	return slices.DeleteFunc(s.AWS(), func(r Resource) bool { return r.Type != bucketType })
}

// BucketURNs returns the URNs of the given buckets and of their settings, such as access and expiry.
func (s State) BucketURNs(buckets []Resource) []string {
	var urns []string
	for _, r := range s.AWS() {
		bucket, _ := r.Inputs["bucket"].(string)
		if slices.ContainsFunc(buckets, func(b Resource) bool { return b.URN == r.URN || IsBucketSetting(r.Type) && bucket == b.ID }) {
			urns = append(urns, r.URN)
		}
	}
	return urns
}

// IsBucketSetting reports whether a type token is that of a part of a bucket: its policy, its objects.
func IsBucketSetting(typ string) bool {
	return strings.HasPrefix(typ, "aws:s3/bucket") && typ != bucketType
}

// bucketType is the type token of the buckets that the components create.
const bucketType = "aws:s3/bucketV2:BucketV2"

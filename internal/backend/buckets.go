package backend

import (
	"slices"
	"strings"
)

func (s State) Buckets() []Resource {
	return slices.DeleteFunc(s.AWS(), func(r Resource) bool { return r.Type != bucketType })
}

// BucketURNs are the URNs of the buckets and of what is set on them: who may reach the objects, and for how long they
// are kept.
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

// IsBucketSetting tells whether resources of a type are something of a bucket: its policy, its objects.
func IsBucketSetting(typ string) bool {
	return strings.HasPrefix(typ, "aws:s3/bucket") && typ != bucketType
}

// bucketType is the type token of a bucket, as the components make it.
const bucketType = "aws:s3/bucketV2:BucketV2"

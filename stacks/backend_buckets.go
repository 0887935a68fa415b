package stacks

import (
	"slices"
	"strings"
)

func (s state) buckets() []stateResource {
	return slices.DeleteFunc(s.aws(), func(r stateResource) bool { return r.Type != bucketType })
}

// withSettings are the URNs of the buckets and of what is set on them: who may reach the objects, and for how long they
// are kept.
func (s state) withSettings(buckets []stateResource) []string {
	var urns []string
	for _, r := range s.aws() {
		bucket, _ := r.Inputs["bucket"].(string)
		if slices.ContainsFunc(buckets, func(b stateResource) bool { return b.URN == r.URN || isBucketSetting(r.Type) && bucket == b.ID }) {
			urns = append(urns, r.URN)
		}
	}
	return urns
}

// isBucketSetting tells whether resources of a type are something of a bucket: its policy, its objects.
func isBucketSetting(typ string) bool {
	return strings.HasPrefix(typ, "aws:s3/bucket") && typ != bucketType
}

// bucketType is the type token of a bucket, as the components make it.
const bucketType = "aws:s3/bucketV2:BucketV2"

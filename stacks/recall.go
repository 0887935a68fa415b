package stacks

import (
	"cmp"

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/stacks/names"
)

// bucketSuffix returns the suffix of a stack's bucket: the tagged one, else that of the bucket that the stack has, else
// fresh.
func bucketSuffix(f *backend.Facts, project, tagged, fresh string) string {
	return cmp.Or(tagged, f.BucketSuffix(project), fresh)
}

// checkBundles refuses an update of the application stack that would replace the versions bucket, with every bundle in it.
// suffix is the one that the update would use.
func checkBundles(before *backend.Facts, l backend.Location, suffix string) error {
	if before == nil {
		return nil
	}
	next := names.BucketName(l.Project, names.ApplicationStack, suffix)
	for _, b := range before.State.Buckets() {
		if b.ID == next || b.Delete {
			continue
		}
		e := fault.Refusedf("the update of the application stack would replace bucket %s, with every bundle in it, by %s: the tag %s is %s", b.ID, next, names.TagBucket, suffix)
		if known := before.BucketSuffix(l.Project); known != "" {
			return e.WithHint("%s; then run the same command again", l.SetTagCommand(names.ApplicationStack, names.TagBucket, known))
		}
		return e.WithHint("set the tag to what the bucket's name ends in")
	}
	return nil
}

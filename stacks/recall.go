package stacks

import (
	"cmp"

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/stacks/names"
)

// suffixOr is the tagged suffix, else the one of the stack's bucket, else a new one.
func suffixOr(f *backend.Facts, project, tagged string) (string, error) {
	if known := cmp.Or(tagged, f.BucketSuffix(project)); known != "" {
		return known, nil
	}
	return names.RandomSuffix()
}

// keepsBundles refuses an update of the application stack that would replace the versions bucket, with every bundle in it.
func (m *Manager) keepsBundles(before *backend.Facts, suffix string) error {
	if before == nil {
		return nil
	}
	next := names.BucketName(m.File.Project, names.ApplicationStack, suffix)
	for _, b := range before.State.Buckets() {
		if b.ID == next || b.Delete {
			continue
		}
		e := fault.Refusedf("the update of the application stack would replace bucket %s, with every bundle in it, by %s: the tag %s is %s", b.ID, next, names.TagBucket, suffix)
		if known := before.BucketSuffix(m.File.Project); known != "" {
			return e.WithHint("%s; then run the same command again", m.Where().SetTag(names.ApplicationStack, names.TagBucket, known))
		}
		return e.WithHint("set the tag to what the bucket's name ends in")
	}
	return nil
}

package stacks

import (
	"cmp"

	"github.com/branchenv/branchenv/internal/fault"
)

// suffixOr is the tagged suffix, else the one of the stack's bucket, else a new one.
func suffixOr(f *facts, project, tagged string) (string, error) {
	if known := cmp.Or(tagged, f.bucketSuffix(project)); known != "" {
		return known, nil
	}
	return randomSuffix()
}

// keepsBundles refuses an update of the application stack that would replace the versions bucket, with every bundle in it.
func (m *Manager) keepsBundles(before *facts, suffix string) error {
	if before == nil {
		return nil
	}
	next := BucketName(m.File.Project, ApplicationStack, suffix)
	for _, b := range before.state.buckets() {
		if b.ID == next || b.Delete {
			continue
		}
		e := fault.Refusedf("the update of the application stack would replace bucket %s, with every bundle in it, by %s: the tag %s is %s", b.ID, next, tagBucket, suffix)
		if known := before.bucketSuffix(m.File.Project); known != "" {
			return e.WithHint("%s; then run the same command again", m.where().setTag(ApplicationStack, tagBucket, known))
		}
		return e.WithHint("set the tag to what the bucket's name ends in")
	}
	return nil
}

package stacks

import (
	"cmp"
	"strings"

	"github.com/branchenv/branchenv/internal/fault"
)

// bucketSuffix is the suffix of the bucket that the stack has: as the bucket is named in the state, else as the stack was last
// made. "" if neither is known. A tag that is lost is set from it: another suffix would replace the bucket by an empty one.
func (f *facts) bucketSuffix(project string) string {
	if f == nil {
		return ""
	}
	names := []string{}
	for _, r := range f.state.buckets() {
		if !r.Delete { // one that is being replaced
			names = append(names, r.ID)
		}
	}
	for _, output := range []string{"bucket", outVersionsBucket} {
		name, _ := f.state.outputs()[output].(string)
		names = append(names, name)
	}
	for _, name := range names {
		if suffix, ok := strings.CutPrefix(name, BucketName(project, f.name, "")); ok && suffix != "" {
			return suffix
		}
	}
	if f.name == ApplicationStack {
		if spec := f.last.applicationSpec(project); spec != nil {
			return spec.BucketSuffix
		}
		return ""
	}
	if spec := f.spec(project); spec != nil {
		return spec.BucketSuffix
	}
	return ""
}

// hostLabel is the host label that the stack was last made with; "" if it is not known.
func (f *facts) hostLabel(project string) string {
	if f == nil {
		return ""
	}
	if spec := f.spec(project); spec != nil && spec.Host != "" {
		return spec.Host
	}
	host, _ := f.state.outputs()["host"].(string)
	label, _, _ := strings.Cut(host, ".") // a label has no dot
	return label
}

// suffixOr is the tagged suffix, else the one of the stack's bucket, else a new one.
func (f *facts) suffixOr(project, tagged string) (string, error) {
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

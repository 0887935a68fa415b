package backend

import (
	"strings"

	"github.com/branchenv/branchenv/stacks/names"
)

// BucketSuffix is the suffix of the bucket that the stack has: as the bucket is named in the state, else as the stack was last
// made. "" if neither is known. A tag that is lost is set from it: another suffix would replace the bucket by an empty one.
func (f *Facts) BucketSuffix(project string) string {
	if f == nil {
		return ""
	}
	buckets := []string{}
	for _, r := range f.State.Buckets() {
		if !r.Delete { // one that is being replaced
			buckets = append(buckets, r.ID)
		}
	}
	for _, output := range []string{"bucket", "versionsBucket"} {
		name, _ := f.State.Outputs()[output].(string)
		buckets = append(buckets, name)
	}
	for _, name := range buckets {
		if suffix, ok := strings.CutPrefix(name, names.BucketName(project, f.Name, "")); ok && suffix != "" {
			return suffix
		}
	}
	if made := f.identity(project); made != nil {
		return made.BucketSuffix
	}
	return ""
}

// HostLabel is the host label that the stack was last made with; "" if it is not known.
func (f *Facts) HostLabel(project string) string {
	if f == nil {
		return ""
	}
	if made := f.identity(project); made != nil && made.Host != "" {
		return made.Host
	}
	host, _ := f.State.Outputs()["host"].(string)
	label, _, _ := strings.Cut(host, ".") // a label has no dot
	return label
}

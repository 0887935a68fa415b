package backend

import (
	"strings"

	"github.com/branchenv/branchenv/stacks/names"
)

// BucketSuffix returns the suffix of the stack's bucket, from the bucket in the state, else from the spec of the last update; "" if
// neither is known. It restores a lost tag: another suffix would replace the bucket by an empty one.
func (f *Facts) BucketSuffix(project string) string {
	if f == nil {
		return ""
	}
	buckets := []string{}
	for _, r := range f.State.Buckets() {
		if !r.Delete { // not one that is being replaced
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

// HostLabel returns the host label of the stack's last update; "" if it is not known.
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

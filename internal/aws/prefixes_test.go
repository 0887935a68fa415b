package aws

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPrefixes(t *testing.T) {
	t.Parallel()
	c := direct(t)
	bucket := makeBucket(t, c, "prefixes")
	for _, prefix := range []string{"b/", "a/x/", "a/y/", "top", "gone/"} {
		put(t, c, bucket, prefix, 2, 1)
	}
	remove(t, c, bucket, "gone/00000")
	remove(t, c, bucket, "gone/00001")
	got, err := c.Prefixes(t.Context(), bucket)
	if diff := cmp.Diff([]string{"a/", "b/"}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got, err := c.Prefixes(t.Context(), "there-is-no-such-bucket"); got != nil || err != nil {
		t.Errorf("a missing bucket: %q, %v", got, err)
	}
}

package text

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCount(t *testing.T) {
	t.Parallel()
	got := []string{Count(0, "key"), Count(1, "key"), Count(999, "key"), Count(1000, "key"), Count(1234567, "key"), Count(-1000, "key")}
	want := []string{"0 keys", "1 key", "999 keys", "1,000 keys", "1,234,567 keys", "-1,000 keys"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDurations(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, d := range []time.Duration{-time.Hour, 0, 59 * time.Second, 61 * time.Second, 62 * time.Minute, 47 * time.Hour, 80 * time.Hour} {
		got[d.String()] = Elapsed(max(d, 0)) + " " + Age(d) + " " + Duration(d)
	}
	want := map[string]string{
		"-1h0m0s": "0s 0s 0s", "0s": "0s 0s 0s", "59s": "59s 59s 59s", "1m1s": "1m01s 1m 1m", "1h2m0s": "1h02m 1h 1h",
		"47h0m0s": "47h00m 47h 47h", "80h0m0s": "80h00m 3d 3 days",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

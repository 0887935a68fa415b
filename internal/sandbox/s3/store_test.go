package s3

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/johannesboyne/gofakes3"
)

// The last line of a log does not count if it is unfinished, as after kill -9.
func TestTornLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func() *Store { // a store, as another process has it
		t.Helper()
		s, err := Open(dir, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := open()
	if err := first.CreateBucket("bucket"); err != nil {
		t.Fatal(err)
	}
	if _, err := first.PutObject("bucket", "one", nil, strings.NewReader("1"), 1, nil); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(first.logPath("bucket"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"op":"put","key":"torn, and a good deal longer than the line that takes its place`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	other := open()
	if _, err := other.PutObject("bucket", "two", nil, strings.NewReader("2"), 1, nil); err != nil {
		t.Fatal(err)
	}
	third := open()
	listed, err := third.ListBucket("bucket", nil, gofakes3.ListBucketPage{})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, o := range listed.Contents {
		keys = append(keys, o.Key)
	}
	if diff := cmp.Diff([]string{"one", "two"}, keys); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

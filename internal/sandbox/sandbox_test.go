package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/branchenv/branchenv/internal/sandbox/schema"
	"github.com/google/go-cmp/cmp"
	"github.com/johannesboyne/gofakes3"
)

// Of many processes that make a thing of one name at once, one succeeds.
func TestTogether(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const callers, each = 4, 5
	var mu sync.Mutex
	made := map[string]int{}
	var group sync.WaitGroup
	for range callers {
		c := newCaller(t, cloudConfig{Dir: dir}) // each with a store of its own, as in a process of its own
		group.Go(func() {
			for i := range each {
				name := fmt.Sprintf("bucket-%d", i)
				if _, _, err := c.tryCreate(typeBucket, name, map[string]any{"bucket": name}); err == nil {
					mu.Lock()
					made[name]++
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	want := map[string]int{}
	for i := range each {
		want[fmt.Sprintf("bucket-%d", i)] = 1
	}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := names(t, dir); len(got) != each {
		t.Errorf("buckets: %v", got)
	}
}

// Two engines on one server have sessions of their own: another region, other tags, another end.
func TestSessionsByDefault(t *testing.T) {
	t.Parallel()
	c := newCaller(t, cloudConfig{})
	first := c.p.session(t.Context(), false)
	if again := c.p.session(t.Context(), false); again != first {
		t.Error("the session changed by itself")
	}
	if renewed := c.p.session(t.Context(), true); renewed == first {
		t.Error("configuring does not begin a session")
	}
	first.cancel()
	select {
	case <-first.done:
	default:
		t.Error("cancelling does not end the session's waits")
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "sandbox")
	if got, err := Resources(dir); err != nil || len(got) != 0 {
		t.Errorf("a directory that is not there: %v, %v", got, err)
	}
	if err := Reset(dir); err != nil {
		t.Errorf("a directory that is not there: %v", err)
	}
	c := newCaller(t, cloudConfig{Dir: dir})
	c.create(typeBucket, "b", map[string]any{"bucket": "bucket", "tags": map[string]any{"a": "b"}})
	if _, err := c.aws.s3.PutObject("bucket", "key", nil, strings.NewReader("content"), 7, nil); err != nil {
		t.Fatal(err)
	}
	got, err := Resources(dir)
	want := []Resource{{Type: typeBucket, Name: "bucket", ID: "bucket", Tags: map[string]string{"a": "b"}}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("resources: %v, -want +got\n%s", err, diff)
	}
	if err := os.MkdirAll(filepath.Join(dir, stateDir, ".pulumi"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Reset(dir); err != nil {
		t.Fatal(err)
	}
	if got, err := Resources(dir); err != nil || len(got) != 0 {
		t.Errorf("after a reset: %v, %v", got, err)
	}
	if _, err := os.Stat(filepath.Join(dir, stateDir)); !os.IsNotExist(err) {
		t.Errorf("the stacks are still there: %v", err)
	}
	c.create(typeBucket, "b", map[string]any{"bucket": "bucket"}) // one who served it meanwhile goes on
}

func TestResetRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mine := filepath.Join(dir, "thesis.tex")
	if err := os.WriteFile(mine, []byte("years of work"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Reset(dir); err == nil || !strings.Contains(err.Error(), "is not a sandbox directory: it holds thesis.tex") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(mine); err != nil {
		t.Error(err)
	}
}

func TestWaitFactor(t *testing.T) {
	t.Parallel()
	tests := []struct {
		factor string
		want   Waits
		err    string
	}{
		{"", DefaultWaits(), ""},
		{"0", Waits{}, ""},
		{"0.5", Waits{time.Second, 1500 * time.Millisecond, 500 * time.Millisecond, 500 * time.Millisecond}, ""},
		{"fast", Waits{}, `BRANCHENV_SANDBOX_WAIT is "fast"`},
		{"-1", Waits{}, `BRANCHENV_SANDBOX_WAIT is "-1"`},
	}
	for _, test := range tests {
		got, err := Options{}.waits(test.factor)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%q: %v", test.factor, err)
			}
			continue
		}
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%q: %v, -want +got\n%s", test.factor, err, diff)
		}
	}
}

// Every type of the schema can be checked, made of nothing but its name, and told from the others; what kinds says of
// a type that does not exist would never be used.
func TestKindsAreOfTheSchema(t *testing.T) {
	t.Parallel()
	for typ, k := range newCaller(t, cloudConfig{}).p.aws.kinds {
		spec, ok := schema.AWS().Resources[typ]
		if !ok {
			t.Errorf("%s is not in the schema", typ)
			continue
		}
		if p := k.naming.property; p != "" {
			if _, ok := spec.Inputs[p]; !ok {
				t.Errorf("%s is named by %q, which it does not have", typ, p)
			}
		}
		for _, r := range k.rules {
			if _, ok := spec.Inputs[r.property]; !ok {
				t.Errorf("a rule is about %s of %s, which does not exist", r.property, typ)
			}
		}
	}
}

// A log whose last line was not finished, as kill -9 leaves it, reads as if that line were not there.
func TestTornLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := newCaller(t, cloudConfig{Dir: dir})
	c.create(typeBucket, "b", map[string]any{"bucket": "bucket"})
	if _, err := c.aws.s3.PutObject("bucket", "one", nil, strings.NewReader("1"), 1, nil); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(c.aws.s3.logPath("bucket"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"op":"put","key":"torn, and a good deal longer than the line that takes its place`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	other := newCaller(t, cloudConfig{Dir: dir})
	if _, err := other.aws.s3.PutObject("bucket", "two", nil, strings.NewReader("2"), 1, nil); err != nil {
		t.Fatal(err)
	}
	third := newCaller(t, cloudConfig{Dir: dir})
	listed, err := third.aws.s3.ListBucket("bucket", nil, gofakes3.ListBucketPage{})
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

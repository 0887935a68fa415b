package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/sandboxtest"
	"github.com/branchenv/branchenv/internal/sandbox/services"
)

// If many processes create a resource of the same name at once, one succeeds.
func TestTogether(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const callers, each = 4, 5
	var mu sync.Mutex
	made := map[string]int{}
	var group sync.WaitGroup
	for range callers {
		c := sandboxtest.New(t, cloud.Config{Dir: dir}) // each with a store of its own, as in a process of its own
		group.Go(func() {
			for i := range each {
				name := fmt.Sprintf("bucket-%d", i)
				if _, _, err := c.TryCreate(services.TypeBucket, name, map[string]any{"bucket": name}); err == nil {
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

func TestReset(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "sandbox")
	if got, err := Resources(dir); err != nil || len(got) != 0 {
		t.Errorf("a directory that is not there: %v, %v", got, err)
	}
	if err := Reset(dir); err != nil {
		t.Errorf("a directory that is not there: %v", err)
	}
	c := sandboxtest.New(t, cloud.Config{Dir: dir})
	c.Create(services.TypeBucket, "b", map[string]any{"bucket": "bucket", "tags": map[string]any{"a": "b"}})
	if _, err := c.Cloud.S3.PutObject("bucket", "key", nil, strings.NewReader("content"), 7, nil); err != nil {
		t.Fatal(err)
	}
	got, err := Resources(dir)
	want := []Resource{{Type: services.TypeBucket, Name: "bucket", ID: "bucket", Tags: map[string]string{"a": "b"}}}
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
	c.Create(services.TypeBucket, "b", map[string]any{"bucket": "bucket"}) // a process that used the directory before can go on
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
		{"0.5", Waits{Environment: time.Second, Database: 1500 * time.Millisecond, Balancer: 500 * time.Millisecond, Certificate: 500 * time.Millisecond}, ""},
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

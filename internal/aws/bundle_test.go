package aws

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/fault"
)

func TestUploadBundle(t *testing.T) {
	t.Parallel()
	g := newGateway(t, nil)
	c := open(t, g.url)
	bucket := makeBucket(t, c, "bundles")
	file := filepath.Join(t.TempDir(), "app.zip")
	write := func(content string) {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	upload := func(want bool) {
		t.Helper()
		got, err := c.UploadBundle(t.Context(), bucket, "my-branch/a b+c%.zip", file)
		if err != nil || got != want {
			t.Errorf("got %t, %v, want %t", got, err, want)
		}
	}
	write("one")
	upload(true)
	upload(false) // the same
	write("two")
	upload(true) // the same size, another content
	content := strings.Repeat("a larger bundle ", 1<<16)
	write(content)
	upload(true)
	upload(false)

	to := Object{bucket, "copied/ünï &.zip"}
	if err := c.CopyObject(t.Context(), Object{bucket, "my-branch/a b+c%.zip"}, to); err != nil {
		t.Fatal(err)
	}
	out, err := c.s3().GetObject(t.Context(), &s3.GetObjectInput{Bucket: &to.Bucket, Key: &to.Key})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	if got, err := io.ReadAll(out.Body); err != nil || string(got) != content {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if err := c.CopyObject(t.Context(), Object{bucket, "none"}, to); err == nil || !strings.HasPrefix(err.Error(), "copy s3://"+bucket+"/none to s3://"+bucket+"/copied/ünï &.zip: NoSuch") {
		t.Errorf("got %v", err)
	}
}

func TestUploadBundleRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	empty, huge := filepath.Join(dir, "empty.zip"), filepath.Join(dir, "huge.zip")
	for _, f := range []string{empty, huge} {
		if err := os.WriteFile(f, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(huge, maxBundle+1<<20); err != nil { // sparse
		t.Fatal(err)
	}
	c := open(t, newGateway(t, func(w http.ResponseWriter, op, _ string) bool {
		t.Errorf("asked for %s", op)
		return false
	}).url)
	for file, want := range map[string]string{
		empty:                          "is empty",
		huge:                           "has 501 MiB, Beanstalk accepts at most 500",
		dir:                            "is not a file",
		filepath.Join(dir, "none.zip"): "no such file or directory",
	} {
		_, err := c.UploadBundle(t.Context(), "b", "k", file)
		if fault.Code(err) != fault.Usage || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestTaggedResources(t *testing.T) {
	t.Parallel()
	c := fakeAWS(t, func(op string, p url.Values) (reply, bool) {
		body := p.Get("")
		for _, part := range []string{`{"Key":"branchenv:project","Values":["p"]},{"Key":"branchenv:stack","Values":["s"]}`} {
			if !strings.Contains(body, part) {
				t.Errorf("%s is not in %s", part, body)
			}
		}
		if strings.Contains(body, "PaginationToken") {
			return ok(`{"PaginationToken":"","ResourceTagMappingList":[{"ResourceARN":"arn:a","Tags":[{"Key":"k","Value":"v"}]}]}`), op == "GetResources"
		}
		return ok(`{"PaginationToken":"2","ResourceTagMappingList":[{"ResourceARN":"arn:b"}]}`), op == "GetResources"
	})
	got, err := c.TaggedResources(t.Context(), map[string]string{"branchenv:stack": "s", "branchenv:project": "p"})
	want := []Tagged{{"arn:a", map[string]string{"k": "v"}}, {"arn:b", map[string]string{}}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if _, err := c.TaggedResources(t.Context(), nil); fault.Code(err) != fault.Refused {
		t.Errorf("got %v", err)
	}
}

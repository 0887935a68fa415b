//go:build unix

package e2e

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
)

// Every command works on whatever AWS the standard variables name: here the embedded one, served by another process
// under a host name that buckets are not below, so that only S3 in path style finds it. The state lies there as well.
func TestAnyEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "bare")
	before := w.resources(t)
	endpoint, variables := w.serve(t)
	endpoint = strings.Replace(endpoint, "//127.0.0.1:", "//localhost:", 1)
	if _, err := storeAt(endpoint).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("state")}); err != nil {
		t.Fatal(err)
	}
	w.settings(t, "# backend: s3://my-state-bucket", "backend: s3://state/team/shop?s3ForcePathStyle=true&region=eu-central-1&endpoint="+endpoint)
	o := *w
	o.outside = true
	for name, value := range variables {
		if name == "AWS_ENDPOINT_URL" {
			value = endpoint
		}
		o.env = append(o.env, name+"="+value)
	}
	o.git(t, "", "-c", "user.name=ada", "-c", "user.email=ada@example.com", "commit", "-q", "--allow-empty", "-m", "first")
	o.git(t, "", "branch", "topic")
	o.must(t, "application", "preview")
	o.must(t, "application", "up")
	if r := o.must(t, "up", "topic", "--image", image); r.out != "https://topic.preview.example.com\n" || strings.Contains(r.err, "sandbox") {
		t.Errorf("up:\n%s%s", r.out, r.err)
	}
	o.must(t, "up", "topic")
	if r := o.must(t, "preview", "topic"); !strings.Contains(r.out, "nothing to change") {
		t.Errorf("preview:\n%s%s", r.out, r.err)
	}
	var shown struct{ Status, Bucket string }
	o.decode(t, &shown, "show", "topic", "--json")
	if shown.Status != "ready" {
		t.Errorf("show: %+v", shown)
	}
	o.must(t, "keep", "topic", "--for", "5d")
	for _, command := range []string{"list", "why topic --reconcile"} {
		if r := o.must(t, strings.Fields(command)...); !strings.Contains(r.out, "topic") {
			t.Errorf("%s:\n%s%s", command, r.out, r.err)
		}
	}
	if r := o.must(t, "doctor"); r.out != "" {
		t.Errorf("doctor:\n%s%s", r.out, r.err)
	}
	w.must(t, "sandbox", "fill", shown.Bucket, "--versions", "50")
	o.git(t, "", "branch", "-q", "-D", "topic")
	if r := o.must(t, "reconcile", "--yes"); !strings.Contains(r.out, "\ndone ") {
		t.Errorf("reconcile:\n%s%s", r.out, r.err)
	}
	o.must(t, "status")
	o.must(t, "up", "topic", "--image", image)
	var got receipt
	o.decode(t, &got, "destroy", "topic", "--yes", "--json")
	if len(got.Remaining) > 0 {
		t.Errorf("destroy: %+v", got)
	}
	o.must(t, "application", "destroy", "--yes")
	if diff := cmp.Diff(before, w.resources(t)); diff != "" {
		t.Errorf("left behind:\n%s", diff)
	}
}

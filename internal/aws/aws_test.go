package aws

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/fault"
)

// TestOpenFromEnvironment sets variables, and so cannot run beside other tests.
func TestOpenFromEnvironment(t *testing.T) {
	var hosts []string
	record := func(name string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			hosts = append(hosts, name+" "+r.Method+" "+r.URL.Path)
			w.WriteHeader(http.StatusNotFound)
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	clearAWS(t)
	t.Setenv("AWS_ACCESS_KEY_ID", testKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", testSecret)
	t.Setenv("AWS_REGION", "us-west-2")
	t.Setenv("AWS_ENDPOINT_URL", record("all"))
	t.Setenv("AWS_ENDPOINT_URL_S3", record("s3"))
	c, err := Open(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	c.Describe(t.Context(), []Resource{{Type: "aws:s3/bucketV2:BucketV2", ID: "some-bucket"}})
	c.Describe(t.Context(), []Resource{{Type: "aws:ec2/securityGroup:SecurityGroup", ID: "sg-1"}})
	c.Describe(t.Context(), []Resource{{Type: "aws:iam/role:Role", ID: "r"}})
	if diff := cmp.Diff([]string{"s3 HEAD /some-bucket", "all POST /", "all POST /"}, hosts); diff != "" {
		t.Error(diff)
	}
	if c.region != "us-west-2" {
		t.Errorf("region %q", c.region)
	}

	// An explicit endpoint hides the environment's.
	hosts = nil
	open(t, record("explicit")).Describe(t.Context(), []Resource{{Type: "aws:s3/bucketV2:BucketV2", ID: "some-bucket"}})
	if diff := cmp.Diff([]string{"explicit HEAD /some-bucket"}, hosts); diff != "" {
		t.Error(diff)
	}
}

func TestOpenWithoutRegion(t *testing.T) {
	clearAWS(t)
	_, err := Open(t.Context(), Options{})
	if fault.Code(err) != fault.Usage || err.Error() != "no AWS region is set" {
		t.Errorf("got %v", err)
	}
	t.Setenv("AWS_PROFILE", "there-is-none")
	_, err = Open(t.Context(), Options{Region: testRegion})
	if fault.Code(err) != fault.Usage || !strings.Contains(err.Error(), "there-is-none") || !strings.Contains(fault.Hint(err).String(), "AWS_PROFILE") {
		t.Errorf("got %v", err)
	}
}

// TestOpenWithoutCredentials checks that the first call without credentials says what to set.
func TestOpenWithoutCredentials(t *testing.T) {
	clearAWS(t)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	c, err := Open(t.Context(), Options{Region: testRegion})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.EmptyBucket(context.Background(), "b", nil)
	if err == nil || !strings.HasPrefix(err.Error(), `empty bucket "b": no AWS credentials`) {
		t.Errorf("got %v", err)
	}
	if !strings.HasPrefix(fault.Hint(err).String(), "set AWS_PROFILE") {
		t.Errorf("got hint %q", fault.Hint(err).String())
	}
}

// clearAWS removes the person's own AWS settings for a test.
func clearAWS(t *testing.T) {
	t.Helper()
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	none := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
}

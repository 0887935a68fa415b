package aws

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/branchenv/branchenv/internal/sandbox"
)

const (
	testRegion = "eu-central-1"
	testKey    = "AKIDTEST"
	testSecret = "a-secret-that-must-not-show"
)

// backing is the S3 server of this package's tests: the embedded AWS's, which stores files.
var backing *url.URL

func TestMain(m *testing.M) {
	os.Exit(withS3(m.Run))
}

// withS3 runs the tests with the S3 server.
func withS3(run func() int) int {
	dir, err := os.MkdirTemp("", "s3-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	server, err := sandbox.Start(context.Background(), sandbox.Options{Dir: dir, Region: testRegion})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer server.Close()
	backing, err = url.Parse(server.Endpoint())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return run()
}

// gateway stands before the S3 server: it counts requests by operation, can slow them down, and can answer itself.
type gateway struct {
	url    string
	mu     sync.Mutex
	counts map[string]int
	total  atomic.Int64
}

// intercept sees a request, with its body, before the S3 server does. It reports whether it has answered.
type intercept func(w http.ResponseWriter, op string, body string) bool

func newGateway(t testing.TB, before intercept) *gateway {
	t.Helper()
	return newGatewayTo(t, &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(backing)
			r.Out.Host = r.In.Host // it is signed
		},
		Transport:    &http.Transport{MaxIdleConnsPerHost: 100},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}, before)
}

func newGatewayTo(t testing.TB, behind http.Handler, before intercept) *gateway {
	t.Helper()
	g := &gateway{counts: map[string]int{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		op := operation(r)
		g.mu.Lock()
		g.counts[op]++
		g.mu.Unlock()
		g.total.Add(1)
		if before != nil && before(w, op, string(body)) {
			return
		}
		behind.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

func operation(r *http.Request) string {
	q := r.URL.Query()
	switch {
	case q.Has("versions"):
		return "list"
	case q.Has("delete"):
		return "delete"
	case q.Has("uploads") && r.Method == http.MethodGet:
		return "uploads"
	case q.Has("uploadId") && r.Method == http.MethodDelete:
		return "abort"
	}
	return r.Method
}

func (g *gateway) count(op string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.counts[op]
}

// open returns a client for a server of the tests.
func open(t testing.TB, url string) *Client {
	t.Helper()
	c, err := Open(context.Background(), Options{Region: testRegion, Endpoint: &Endpoint{URL: url, AccessKey: testKey, SecretKey: testSecret}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// direct returns a client for the S3 server without a gateway.
func direct(t testing.TB) *Client { return open(t, newGateway(t, nil).url) }

// makeBucket creates a versioned bucket with a new name, so that tests can be repeated on one server.
func makeBucket(t testing.TB, c *Client, name string) string {
	t.Helper()
	name = fmt.Sprintf("%s-%08x", name, rand.Uint32())
	ctx := context.Background()
	_, err := c.s3().CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket:                    &name,
		CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(testRegion)},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.s3().PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket: &name, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// put writes n objects below prefix, each with that many versions, several at once.
func put(t testing.TB, c *Client, bucket, prefix string, n, versions int) {
	t.Helper()
	var group errgroup.Group
	group.SetLimit(16)
	for i := range n {
		group.Go(func() error {
			for range versions {
				_, err := c.s3().PutObject(context.Background(), &s3.PutObjectInput{
					Bucket: &bucket, Key: awssdk.String(fmt.Sprintf("%s%05d", prefix, i)), Body: strings.NewReader("x"),
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

// remove deletes an object without naming a version, which leaves a delete marker.
func remove(t testing.TB, c *Client, bucket, key string) {
	t.Helper()
	if _, err := c.s3().DeleteObject(context.Background(), &s3.DeleteObjectInput{Bucket: &bucket, Key: &key}); err != nil {
		t.Fatal(err)
	}
}

// left returns how many versions and markers a bucket has.
func left(t testing.TB, c *Client, bucket string) int {
	t.Helper()
	entries := map[string]bool{} // the server repeats an entry where a page begins
	pages := s3.NewListObjectVersionsPaginator(c.s3(), &s3.ListObjectVersionsInput{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range page.Versions {
			entries[*v.Key+" "+*v.VersionId] = true
		}
		for _, m := range page.DeleteMarkers {
			entries[*m.Key+" "+*m.VersionId] = true
		}
	}
	return len(entries)
}

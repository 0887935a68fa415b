package aws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/fault"
)

func TestEmptyBucket(t *testing.T) {
	t.Parallel()
	c := direct(t)
	bucket := makeBucket(t, c, "everything")
	put(t, c, bucket, "a/", 50, 3)
	put(t, c, bucket, "b/", 950, 1)
	for _, key := range []string{"odd key+with%25 &<>\"'", "ünïcode/日本", "line\nfeed", "tab\there"} {
		_, err := c.s3().PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("x")})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 25 {
		remove(t, c, bucket, fmt.Sprintf("b/%05d", i))
	}
	for i := range 3 {
		_, err := c.s3().CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: awssdk.String(fmt.Sprintf("c/%d", i))})
		if err != nil {
			t.Fatal(err)
		}
	}
	last := 0
	got, err := c.EmptyBucket(t.Context(), bucket, func(done int) {
		if done <= last {
			t.Errorf("progress goes from %d to %d", last, done)
		}
		last = done
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Emptied{Versions: 1104, Markers: 25, Uploads: 3}, got); diff != "" {
		t.Error(diff)
	}
	if last != 1132 {
		t.Errorf("the last progress is %d", last)
	}
	if n := left(t, c, bucket); n != 0 {
		t.Errorf("%d entries are left", n)
	}
	// An empty bucket can be deleted, uploads included.
	if _, err := c.s3().DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: &bucket}); err != nil {
		t.Error(err)
	}
}

func TestEmptyBucketThatIsMissing(t *testing.T) {
	t.Parallel()
	got, err := direct(t).EmptyBucket(t.Context(), "there-is-no-such-bucket", nil)
	if err != nil || got != (Emptied{}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestEmptyBucketBySmallPages(t *testing.T) {
	t.Parallel()
	g := newGateway(t, nil)
	c := open(t, g.url)
	c.pageSize = 7 // many pages, and their ends between the versions of one key
	bucket := makeBucket(t, c, "small-pages")
	put(t, c, bucket, "k", 40, 3)
	got, err := c.EmptyBucket(t.Context(), bucket, nil)
	if err != nil || got != (Emptied{Versions: 120}) {
		t.Errorf("got %v, %v", got, err)
	}
	if n := g.count("delete"); n != 1 {
		t.Errorf("%d delete requests, want the pages gathered into 1", n)
	}
}

func TestRequestsOfEmptyBucket(t *testing.T) {
	t.Parallel()
	g := newGatewayTo(t, memoryS3(), nil)
	c := open(t, g.url)
	bucket := makeBucket(t, c, "requests")
	put(t, c, bucket, "k", 4000, 1)
	before := g.total.Load()
	if _, err := c.EmptyBucket(t.Context(), bucket, nil); err != nil {
		t.Fatal(err)
	}
	// A list and a delete for each thousand, one delete more, one list that shows it empty, and two for uploads.
	if n := g.total.Load() - before; n > 12 {
		t.Errorf("%d requests for 4000 versions", n)
	}
}

func TestDeletePrefix(t *testing.T) {
	t.Parallel()
	c := direct(t)
	bucket := makeBucket(t, c, "prefixes")
	put(t, c, bucket, "gone/", 5, 2)
	put(t, c, bucket, "stays/", 4, 1)
	got, err := c.DeletePrefix(t.Context(), bucket, "gone/", nil)
	if err != nil || got != (Emptied{Versions: 10}) {
		t.Errorf("got %v, %v", got, err)
	}
	if n := left(t, c, bucket); n != 4 {
		t.Errorf("%d entries are left, want 4", n)
	}
	if _, err := c.DeletePrefix(t.Context(), bucket, "", nil); fault.Code(err) != fault.Refused {
		t.Errorf("an empty prefix: %v", err)
	}
}

// TestEmptyBucketWhileItIsWrittenTo checks that the next round finds a write between two rounds.
func TestEmptyBucketWhileItIsWrittenTo(t *testing.T) {
	t.Parallel()
	c := direct(t)
	bucket := makeBucket(t, c, "written-to")
	put(t, c, bucket, "k", 10, 1)
	var written atomic.Bool
	slow := open(t, newGateway(t, func(_ http.ResponseWriter, op, _ string) bool {
		if op == "delete" && written.CompareAndSwap(false, true) {
			put(t, c, bucket, "late", 3, 1)
		}
		return false
	}).url)
	got, err := slow.EmptyBucket(t.Context(), bucket, nil)
	if err != nil || got != (Emptied{Versions: 13}) {
		t.Errorf("got %v, %v", got, err)
	}
	endless := open(t, newGateway(t, func(_ http.ResponseWriter, op, _ string) bool {
		if op == "delete" {
			put(t, c, bucket, "again", 1, 1)
		}
		return false
	}).url)
	put(t, c, bucket, "k", 1, 1)
	_, err = endless.EmptyBucket(t.Context(), bucket, nil)
	want := fmt.Sprintf("bucket %q is not empty after 8 rounds: something still writes to it", bucket)
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

// TestEmptyBucketCancelled checks that a cancellation begins no further request and lets those in flight end. The count is right.
func TestEmptyBucketCancelled(t *testing.T) {
	t.Parallel()
	server := memoryS3()
	c := open(t, newGatewayTo(t, server, nil).url)
	bucket := makeBucket(t, c, "cancelled")
	put(t, c, bucket, "k", 3500, 1)
	ctx, cancel := context.WithCancel(t.Context())
	var lists atomic.Int32
	slow := open(t, newGatewayTo(t, server, func(_ http.ResponseWriter, op, _ string) bool {
		switch {
		case op == "delete":
			cancel()
		case op == "list" && lists.Add(1) == 2: // the first batch is on its way
			<-ctx.Done()
		}
		return false
	}).url)
	got, err := slow.EmptyBucket(ctx, bucket, nil)
	if !errors.Is(err, context.Canceled) || err.Error() != fmt.Sprintf("empty bucket %q: stopped after 999: context canceled", bucket) {
		t.Errorf("got %v", err)
	}
	if rest := left(t, c, bucket); got != (Emptied{Versions: 999}) || rest != 2501 {
		t.Errorf("%v removed and %d left of 3500", got, rest)
	}
}

// TestEmptyBucketWithLockedKey checks that a key that cannot be deleted does not stop the others, and is named.
func TestEmptyBucketWithLockedKey(t *testing.T) {
	t.Parallel()
	c := direct(t)
	bucket := makeBucket(t, c, "locked")
	put(t, c, bucket, "k", 60, 1)
	const refusal = `<Error><Key>k00007</Key><VersionId>%s</VersionId><Code>AccessDenied</Code>` +
		`<Message>Access Denied because object protected by object lock.</Message></Error>`
	locked := open(t, newGateway(t, func(w http.ResponseWriter, op, body string) bool {
		_, rest, ok := strings.Cut(body, "<Key>k00007</Key><VersionId>")
		if op != "delete" || !ok {
			return false
		}
		id, _, _ := strings.Cut(rest, "<")
		// Delete the rest of the batch as S3 would, by hand.
		for _, part := range strings.Split(body, "<Object>")[1:] {
			key := between(part, "<Key>", "<")
			if key == "k00007" {
				continue
			}
			version := between(part, "<VersionId>", "<")
			if _, err := c.s3().DeleteObject(context.Background(), &s3.DeleteObjectInput{Bucket: &bucket, Key: &key, VersionId: &version}); err != nil {
				t.Error(err)
			}
		}
		fmt.Fprintf(w, `<DeleteResult>`+refusal+`</DeleteResult>`, id)
		return true
	}).url)
	got, err := locked.EmptyBucket(t.Context(), bucket, nil)
	if got != (Emptied{Versions: 59}) || err == nil {
		t.Fatalf("got %v, %v", got, err)
	}
	text := err.Error()
	for _, part := range []string{fmt.Sprintf(`empty bucket %q: 1 key cannot be deleted: "k00007" (version `, bucket), "AccessDenied: Access Denied because object protected by object lock."} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in %q", part, text)
		}
	}
	if h := fault.Hint(err).String(); !strings.HasPrefix(h, "object lock keeps the version") {
		t.Errorf("hint %q", h)
	}
}

func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, _ = strings.Cut(s, to)
	return s
}

// TestEmptyBucketWithControlCharacters deletes keys that are invalid in XML: DeleteObjects would name another key.
func TestEmptyBucketWithControlCharacters(t *testing.T) {
	t.Parallel()
	var deleted []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch op := operation(r); {
		case op == "uploads":
			io.WriteString(w, `<ListMultipartUploadsResult><Bucket>b</Bucket></ListMultipartUploadsResult>`)
		case op == "list" && deleted == nil:
			io.WriteString(w, `<ListVersionsResult><Name>b</Name><EncodingType>url</EncodingType>`+
				`<Version><Key>a%01+b%2Bc</Key><VersionId>1</VersionId></Version><Version><Key>plain+%26</Key><VersionId>2</VersionId></Version></ListVersionsResult>`)
		case op == "list":
			io.WriteString(w, `<ListVersionsResult><Name>b</Name></ListVersionsResult>`)
		case op == "delete":
			body, _ := io.ReadAll(r.Body)
			deleted = append(deleted, strings.Split(string(body), "<Object>")[1:]...)
			io.WriteString(w, `<DeleteResult/>`)
		case op == http.MethodDelete:
			deleted = append(deleted, r.URL.Path+" "+r.URL.Query().Get("versionId"))
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	defer server.Close()
	got, err := open(t, server.URL).EmptyBucket(t.Context(), "b", nil)
	if err != nil || got != (Emptied{Versions: 2}) {
		t.Errorf("got %v, %v", got, err)
	}
	want := []string{"/b/a\x01 b+c 1", `<Key>plain &amp;</Key><VersionId>2</VersionId></Object><Quiet>true</Quiet></Delete>`}
	if diff := cmp.Diff(want, deleted); diff != "" {
		t.Error(diff)
	}
}

// TestEmptyBucketFromBadServer tries wrong answers of S3 servers, and those of a busy one.
func TestEmptyBucketFromBadServer(t *testing.T) {
	t.Parallel()
	list := `<ListVersionsResult><Name>b</Name><IsTruncated>%t</IsTruncated>%s</ListVersionsResult>`
	one := `<Version><Key>k</Key><VersionId>1</VersionId></Version>`
	for name, tt := range map[string]struct {
		answer func(op string, n int) (status int, body string) // n counts the requests of that operation from 1
		want   Emptied
		err    string // part of the error; "" for none
		hint   string // beginning of the hint
	}{
		"SlowDown is waited out": {func(op string, n int) (int, string) {
			switch {
			case n == 1 && op != "uploads":
				return 503, `<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>`
			case op == "list" && n == 2:
				return 200, fmt.Sprintf(list, false, one)
			case op == "list":
				return 200, fmt.Sprintf(list, false, "")
			}
			return 200, `<DeleteResult/>`
		}, Emptied{Versions: 1}, "", ""},
		"errors in a 200 are tried again in the next round": {func(op string, n int) (int, string) {
			switch {
			case op == "delete" && n == 1:
				return 200, `<DeleteResult><Error><Key>l</Key><VersionId>2</VersionId><Code>InternalError</Code><Message>We</Message></Error></DeleteResult>`
			case op == "list" && n == 1:
				return 200, fmt.Sprintf(list, false, one+`<DeleteMarker><Key>l</Key><VersionId>2</VersionId></DeleteMarker>`)
			case op == "list" && n == 2:
				return 200, fmt.Sprintf(list, false, `<DeleteMarker><Key>l</Key><VersionId>2</VersionId></DeleteMarker>`)
			case op == "list":
				return 200, fmt.Sprintf(list, false, "")
			}
			return 200, `<DeleteResult/>`
		}, Emptied{Versions: 1, Markers: 1}, "", ""},
		"truncated XML is read again": {func(op string, n int) (int, string) {
			switch {
			case op == "list" && n == 1:
				return 200, fmt.Sprintf(list, false, one)[:90]
			case op == "list" && n == 2:
				return 200, fmt.Sprintf(list, false, one)
			case op == "list":
				return 200, fmt.Sprintf(list, false, "")
			}
			return 200, `<DeleteResult/>`
		}, Emptied{Versions: 1}, "", ""},
		"an empty answer is no empty bucket": {func(op string, n int) (int, string) { return 200, "" },
			Emptied{}, `empty bucket "b": the list of versions has no content`, ""},
		"500 on a later page": {func(op string, n int) (int, string) {
			switch {
			case op == "list" && n == 1:
				return 200, fmt.Sprintf(list, true, one+`<NextKeyMarker>k</NextKeyMarker><NextVersionIdMarker>1</NextVersionIdMarker>`)
			case op == "list":
				return 501, `<Error><Code>NotImplemented</Code><Message>no second page</Message></Error>`
			}
			return 200, `<DeleteResult/>`
		}, Emptied{}, `empty bucket "b": NotImplemented: no second page`, ""},
		"a list without end": {func(op string, n int) (int, string) {
			if op == "list" {
				return 200, fmt.Sprintf(list, true, one+`<NextKeyMarker>k</NextKeyMarker>`)
			}
			return 200, `<DeleteResult/>`
		}, Emptied{}, `empty bucket "b": the list continues with the page just read`, ""},
		"expired credentials": {func(op string, n int) (int, string) {
			return 400, "<Error><Code>ExpiredToken</Code><Message>The provided token\n has expired.</Message></Error>"
		}, Emptied{}, `empty bucket "b": ExpiredToken: The provided token has expired.`, "the AWS credentials have expired"},
		"MFA delete": {func(op string, n int) (int, string) {
			switch op {
			case "list":
				return 200, fmt.Sprintf(list, false, one)
			case "delete":
				return 403, `<Error><Code>AccessDenied</Code><Message>Mfa Authentication must be used for this request</Message></Error>`
			}
			return 200, ""
		}, Emptied{}, `empty bucket "b": AccessDenied: Mfa Authentication must be used`, "MFA delete is on"},
		"no permission": {func(op string, n int) (int, string) {
			return 403, `<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`
		}, Emptied{}, `empty bucket "b": AccessDenied: Access Denied`, "the credentials need s3:ListBucketVersions"},
		"gone meanwhile": {func(op string, n int) (int, string) {
			switch op {
			case "list":
				return 200, fmt.Sprintf(list, false, one)
			case "delete":
				return 404, `<Error><Code>NoSuchBucket</Code><Message>gone</Message></Error>`
			}
			return 200, ""
		}, Emptied{}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var g *gateway
			g = newGateway(t, func(w http.ResponseWriter, op, _ string) bool {
				status, body := tt.answer(op, g.count(op))
				if op == "uploads" && status == 200 {
					body = `<ListMultipartUploadsResult><Bucket>b</Bucket><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>`
				}
				w.WriteHeader(status)
				io.WriteString(w, body)
				return true
			})
			got, err := open(t, g.url).EmptyBucket(t.Context(), "b", nil)
			if got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			switch {
			case tt.err == "" && err != nil, tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("got error %v, want %q", err, tt.err)
			case !strings.HasPrefix(fault.Hint(err).String(), tt.hint):
				t.Errorf("got hint %q, want %q", fault.Hint(err).String(), tt.hint)
			}
		})
	}
}

package aws

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Sizes of BenchmarkEmptyBucket, in versions. One request for each version is measured on fewer versions and scaled.
var (
	benchVersions = flag.Int("versions", 50000, "object versions that BenchmarkEmptyBucket removes")
	benchSingles  = flag.Int("singles", 2000, "object versions that BenchmarkEmptyBucket removes one by one")
)

const (
	listLatency   = 50 * time.Millisecond  // added to each list
	deleteLatency = 400 * time.Microsecond // added to each delete, a key
)

// BenchmarkEmptyBucket empties a bucket in three ways, on the same S3 server with the same latency: page after page as the AWS
// provider's force-destroy does, with one request for each version as a shell script does, and as branchenv does.
// Run it with -benchtime=1x: filling the buckets takes longer than emptying them.
func BenchmarkEmptyBucket(b *testing.B) {
	server := memoryS3()
	g := newGatewayTo(b, server, func(_ http.ResponseWriter, op, body string) bool {
		switch op {
		case "list":
			time.Sleep(listLatency)
		case "delete":
			time.Sleep(deleteLatency * time.Duration(strings.Count(body, "<Object>")))
		case http.MethodDelete:
			time.Sleep(deleteLatency)
		}
		return false
	})
	slow, fast := open(b, g.url), open(b, newGatewayTo(b, server, nil).url)
	perThousand := map[string]float64{} // seconds for 1000 versions
	run := func(name string, versions int, empty func(bucket string) error) {
		b.Run(name, func(b *testing.B) {
			var requests int64
			var spent time.Duration
			for i := range b.N {
				b.StopTimer()
				bucket := makeBucket(b, fast, fmt.Sprintf("bench-%s-%d", name, i))
				put(b, fast, bucket, "assets/", versions, 1)
				before, start := g.total.Load(), time.Now()
				b.StartTimer()
				if err := empty(bucket); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				spent += time.Since(start)
				requests += g.total.Load() - before
				if n := left(b, fast, bucket); n > 0 {
					b.Fatalf("%d entries are left", n)
				}
			}
			thousands := float64(versions) * float64(b.N) / 1000
			perThousand[name] = spent.Seconds() / thousands
			b.ReportMetric(float64(requests)/thousands, "requests/1000")
			b.ReportMetric(perThousand[name]*float64(*benchVersions)/1000, "s/bucket")
			if name == "branchenv" {
				b.ReportMetric(perThousand["pages"]/perThousand[name], "x-pages")
				b.ReportMetric(perThousand["singles"]/perThousand[name], "x-singles")
			}
		})
	}
	ctx := context.Background()
	run("singles", *benchSingles, func(bucket string) error { return emptyBySingles(ctx, slow.s3(), bucket) })
	run("pages", *benchVersions, func(bucket string) error { return emptyByPages(ctx, slow.s3(), bucket) })
	run("branchenv", *benchVersions, func(bucket string) error {
		_, err := slow.EmptyBucket(ctx, bucket, nil)
		return err
	})
}

// emptyByPages lists a page, deletes it, and lists the next, as the AWS provider does.
func emptyByPages(ctx context.Context, c *s3.Client, bucket string) error {
	return forEachPage(ctx, c, bucket, func(ids []types.ObjectIdentifier) error {
		quiet := true
		_, err := c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &bucket, Delete: &types.Delete{Objects: ids, Quiet: &quiet}})
		return err
	})
}

// emptyBySingles deletes each version with its own request.
func emptyBySingles(ctx context.Context, c *s3.Client, bucket string) error {
	return forEachPage(ctx, c, bucket, func(ids []types.ObjectIdentifier) error {
		for _, id := range ids {
			if _, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: id.Key, VersionId: id.VersionId}); err != nil {
				return err
			}
		}
		return nil
	})
}

func forEachPage(ctx context.Context, c *s3.Client, bucket string, do func([]types.ObjectIdentifier) error) error {
	pages := s3.NewListObjectVersionsPaginator(c, &s3.ListObjectVersionsInput{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		if err := do(entries(page)); err != nil {
			return err
		}
	}
	return nil
}

func entries(page *s3.ListObjectVersionsOutput) []types.ObjectIdentifier {
	var ids []types.ObjectIdentifier
	for _, v := range page.Versions {
		ids = append(ids, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
	}
	for _, m := range page.DeleteMarkers {
		ids = append(ids, types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
	}
	return ids
}

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"
)

// versionsPerKey is how many versions Fill gives each key; the last of every tenth key is a delete marker.
const versionsPerKey = 5

// writers is how many requests Fill has in flight.
const writers = 8

// ErrNoBucket says that a bucket does not exist.
var ErrNoBucket = errors.New("there is no such bucket")

// Fill writes object versions into a bucket, small ones, over the HTTP endpoint like any client, so that there is
// something for a destroy to empty. Of a versioned bucket, every tenth key ends in a delete marker. progress, which may
// be nil, is told the number written so far, not in order. The error is ErrNoBucket where there is no such bucket.
func (s *Server) Fill(ctx context.Context, bucket string, versions int, progress func(done int)) error {
	client := s3.New(s3.Options{
		BaseEndpoint: aws.String(s.Endpoint()), UsePathStyle: true, Region: s.cloud.Region,
		Credentials: credentials.NewStaticCredentialsProvider("sandbox", "sandbox", ""),
	})
	if exists, err := s.cloud.S3.BucketExists(bucket); err != nil {
		return err
	} else if !exists {
		return ErrNoBucket
	}
	if progress == nil {
		progress = func(int) {}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for first := 0; first < versions; first += versionsPerKey {
		group.Go(func() error {
			key := fmt.Sprintf("assets/%02d/file-%05d.txt", first/versionsPerKey%100, first/versionsPerKey)
			last := min(first+versionsPerKey, versions)
			for n := first; n < last; n++ {
				if err := writeVersion(ctx, client, bucket, key, n, n == last-1 && first/versionsPerKey%10 == 9); err != nil {
					return fmt.Errorf("fill bucket %s: %w", bucket, err)
				}
				progress(n + 1)
			}
			return nil
		})
	}
	return group.Wait()
}

func writeVersion(ctx context.Context, client *s3.Client, bucket, key string, n int, marker bool) error {
	if marker {
		_, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key})
		return err
	}
	_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(fmt.Sprintf("version %d of %s\n", n, key))})
	return err
}

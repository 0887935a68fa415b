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

// versionsPerKey is the number of versions that Fill writes for each key.
const versionsPerKey = 5

// writers is the number of requests that Fill sends at once.
const writers = 8

// ErrNoBucket means that a bucket does not exist.
var ErrNoBucket = errors.New("there is no such bucket")

// Fill writes small object versions to a bucket, over the HTTP endpoint like any client. The newest version of every tenth key
// is a delete marker. progress is called with the number of versions written so far, not in order; it may be nil. The error is
// ErrNoBucket if there is no such bucket.
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

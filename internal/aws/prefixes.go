package aws

import (
	"context"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Prefixes are the first parts of the bucket's keys, each with the slash that ends it, in order; keys without a slash
// are left out. Objects that have only old versions and delete markers left do not count. None for a missing bucket.
func (c *Client) Prefixes(ctx context.Context, bucket string) ([]string, error) {
	var found []string
	in := &s3.ListObjectsV2Input{Bucket: awssdk.String(bucket), Delimiter: awssdk.String("/")}
	for pages := s3.NewListObjectsV2Paginator(c.s3(), in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if code(err) == "NoSuchBucket" {
			return nil, nil
		}
		if err != nil {
			return nil, failed(err, "list bucket %s", bucket)
		}
		for _, p := range page.CommonPrefixes {
			if prefix := awssdk.ToString(p.Prefix); strings.HasSuffix(prefix, "/") {
				found = append(found, prefix)
			}
		}
	}
	return found, nil
}

package aws

import (
	"context"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Prefixes returns the first parts of the bucket's keys, each with the slash at its end, in order. Keys without a slash, old
// versions and delete markers do not count. A missing bucket has none.
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

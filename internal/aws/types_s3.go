package aws

import (
	"context"
	"errors"
	"net/http"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// TypeBucket is the type token of a bucket.
const TypeBucket = "aws:s3/bucketV2:BucketV2"

// bucketSettings is how the tokens of a bucket's settings begin. They go with their bucket.
const bucketSettings = "aws:s3/bucket"

var s3Types = []Type{
	{
		Token: TypeBucket, Noun: "bucket", pace: quick,
		describe: (*Client).describeBucket, find: (*Client).findBucket,
		arn: arnForm{service: "s3"},
	},
	{
		Token: "aws:s3/bucketObjectv2:BucketObjectv2", Noun: "object", pace: quick,
		describe: (*Client).describeObject, find: (*Client).overwritten,
	},
	bucketSetting("aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2", "bucket CORS rules"),
	bucketSetting("aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2", "bucket lifecycle"),
	bucketSetting("aws:s3/bucketOwnershipControls:BucketOwnershipControls", "bucket ownership controls"),
	bucketSetting("aws:s3/bucketPolicy:BucketPolicy", "bucket policy"),
	bucketSetting("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "bucket public access block"),
	bucketSetting("aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2", "bucket encryption"),
	bucketSetting("aws:s3/bucketVersioningV2:BucketVersioningV2", "bucket versioning"),
}

func bucketSetting(token, noun string) Type {
	return Type{Token: token, Noun: noun, pace: quick, describe: (*Client).describeBucketSetting, find: (*Client).overwritten}
}

// describeBucket makes a HEAD request, which S3 answers without a body: a 404 has only the code NotFound, and a 403 may be
// somebody else's bucket.
func (c *Client) describeBucket(ctx context.Context, r Resource) (answer, error) {
	_, err := c.s3().HeadBucket(ctx, &s3.HeadBucketInput{Bucket: awssdk.String(r.name("bucket"))})
	var resp *smithyhttp.ResponseError
	if errors.As(err, &resp) && resp.HTTPStatusCode() == http.StatusForbidden {
		return answer{state: Unknown, note: "AWS denies access: the bucket may belong to another account"}, nil
	}
	return answer{state: Exists, gone: []string{"NotFound", "NoSuchBucket"}}, err
}

// findBucket finds a bucket by its name, which has a random part. The provider tags a bucket only after its creation.
func (c *Client) findBucket(ctx context.Context, r Resource) (Found, []string, error) {
	name := r.text("bucket")
	a, err := c.describeBucket(ctx, Resource{ID: name})
	if err != nil || a.state != Exists {
		return Found{}, a.gone, err
	}
	return Found{ID: name, Untagged: true}, nil, nil
}

func (c *Client) describeObject(ctx context.Context, r Resource) (answer, error) {
	bucket := r.text("bucket")
	if bucket == "" {
		return answer{}, missing("bucket")
	}
	_, err := c.s3().HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: awssdk.String(r.name("key"))})
	return answer{state: Exists, gone: []string{"NotFound", "NoSuchKey", "NoSuchBucket"}}, err
}

// describeBucketSetting asks for the bucket of a setting: policy, versioning, lifecycle and so on go with their bucket.
func (c *Client) describeBucketSetting(ctx context.Context, r Resource) (answer, error) {
	bucket := r.text("bucket")
	if bucket == "" {
		return answer{}, missing("bucket")
	}
	a, err := c.describeBucket(ctx, Resource{ID: bucket})
	if err == nil && a.state == Exists {
		a = answer{state: Unknown, note: "not checked by itself: its bucket still exists"}
	}
	return a, err
}

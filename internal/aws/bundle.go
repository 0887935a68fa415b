package aws

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
)

// maxBundle is the most bytes of a source bundle that Beanstalk accepts.
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/applications-sourcebundle.html
const maxBundle = 500 << 20

// Object is an object in S3.
type Object struct{ Bucket, Key string }

// UploadBundle uploads a file to a bucket, unless an object of that key has the same size and SHA-256. It reports whether it
// uploaded. The file is read from disk twice and never held in memory, and S3 checks its SHA-256.
func (c *Client) UploadBundle(ctx context.Context, bucket, key, file string) (uploaded bool, err error) {
	f, err := os.Open(file)
	if err != nil {
		return false, bundleError(file, err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return false, bundleError(file, err)
	case !info.Mode().IsRegular():
		return false, fault.Usagef("source bundle %q is not a file", file).WithHint("give a .zip file")
	case info.Size() == 0:
		return false, fault.Usagef("source bundle %q is empty", file).WithHint("give a .zip file")
	case info.Size() > maxBundle:
		return false, fault.Usagef("source bundle %q has %d MiB, Beanstalk accepts at most 500", file, info.Size()>>20)
	}
	hash := sha256.New()
	size, err := io.Copy(hash, f)
	if err != nil {
		return false, bundleError(file, err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return false, bundleError(file, err)
	}
	sum := base64.StdEncoding.EncodeToString(hash.Sum(nil))
	same, err := c.holds(ctx, Object{bucket, key}, size, sum)
	if err != nil || same {
		return false, err
	}
	_, err = c.s3().PutObject(ctx, &s3.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: f, ContentLength: &size, ChecksumSHA256: &sum, ContentType: awssdk.String("application/zip"),
	})
	if err != nil {
		return false, failed(err, "upload %q to s3://%s/%s", file, bucket, text.Line(key))
	}
	return true, nil
}

// holds reports whether an object has that size and SHA-256 (base64).
func (c *Client) holds(ctx context.Context, o Object, size int64, sum string) (bool, error) {
	out, err := c.s3().HeadObject(ctx, &s3.HeadObjectInput{Bucket: &o.Bucket, Key: &o.Key, ChecksumMode: types.ChecksumModeEnabled})
	switch code(err) {
	case "NotFound", "NoSuchKey": // a missing bucket shows at the upload
		return false, nil
	}
	if err != nil {
		return false, failed(err, "look up s3://%s/%s", o.Bucket, text.Line(o.Key))
	}
	return awssdk.ToInt64(out.ContentLength) == size && awssdk.ToString(out.ChecksumSHA256) == sum, nil
}

func bundleError(file string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fault.Usagef("source bundle %q: %w", file, err)
}

// CopyObject copies an object within S3. It may have at most 5 GB.
func (c *Client) CopyObject(ctx context.Context, from, to Object) error {
	segments := strings.Split(from.Key, "/")
	for i, s := range segments {
		// S3 decodes a plus as a space here, and PathEscape does not escape it.
		segments[i] = strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
	}
	source := from.Bucket + "/" + strings.Join(segments, "/")
	_, err := c.s3().CopyObject(ctx, &s3.CopyObjectInput{Bucket: &to.Bucket, Key: &to.Key, CopySource: &source})
	if err != nil {
		return failed(err, "copy s3://%s/%s to s3://%s/%s", from.Bucket, text.Line(from.Key), to.Bucket, text.Line(to.Key))
	}
	return nil
}

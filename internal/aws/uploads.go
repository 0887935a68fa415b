package aws

import (
	"context"
	"errors"
	"fmt"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"
)

// abortUploads aborts the bucket's unfinished multipart uploads, several at once, and returns how many it found. As with
// versions, the uploads of a page are aborted only after the next page was read.
func (e *emptying) abortUploads(ctx context.Context) (found int, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(abortsInFlight)
	abort := func(uploads []types.MultipartUpload) {
		for _, u := range uploads {
			group.Go(func() error { return e.abort(ctx, u) })
		}
	}
	var pending []types.MultipartUpload
	in := &s3.ListMultipartUploadsInput{Bucket: &e.bucket, Prefix: &e.prefix, EncodingType: types.EncodingTypeUrl}
	for {
		out, err := e.uploads(ctx, in)
		if err != nil {
			return found, firstError(group.Wait(), err)
		}
		abort(pending)
		pending = out.Uploads
		found += len(pending)
		if !awssdk.ToBool(out.IsTruncated) {
			abort(pending)
			break
		}
		if same(in.KeyMarker, out.NextKeyMarker) && same(in.UploadIdMarker, out.NextUploadIdMarker) {
			return found, firstError(group.Wait(), errEndless)
		}
		in.KeyMarker, in.UploadIdMarker = out.NextKeyMarker, out.NextUploadIdMarker
	}
	return found, group.Wait()
}

// uploads returns one page with decoded keys.
func (e *emptying) uploads(ctx context.Context, in *s3.ListMultipartUploadsInput) (*s3.ListMultipartUploadsOutput, error) {
	out, err := e.s3.ListMultipartUploads(ctx, in)
	if code(err) == "NoSuchUpload" { // some servers' answer if there are none
		return &s3.ListMultipartUploadsOutput{}, nil
	}
	if err != nil {
		return nil, err
	}
	if out.Bucket == nil {
		return nil, errors.New("the list of unfinished uploads has no content")
	}
	if out.EncodingType == types.EncodingTypeUrl {
		for i := range out.Uploads {
			if out.Uploads[i].Key, err = decoded(out.Uploads[i].Key); err != nil {
				return nil, err
			}
		}
		if out.NextKeyMarker, err = decoded(out.NextKeyMarker); err != nil {
			return nil, err
		}
	}
	if awssdk.ToBool(out.IsTruncated) && awssdk.ToString(out.NextKeyMarker) == "" {
		return nil, errors.New("the list of unfinished uploads has more entries, but does not say where")
	}
	return out, nil
}

func (e *emptying) abort(ctx context.Context, u types.MultipartUpload) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, stop := withGrace(ctx, grace)
	defer stop()
	_, err := e.s3.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &e.bucket, Key: u.Key, UploadId: u.UploadId})
	switch code(err) {
	case "":
		if err != nil {
			return err
		}
	case "NoSuchUpload": // somebody else completed or aborted it
		return nil
	default:
		return fmt.Errorf("abort the upload of %q: %w", awssdk.ToString(u.Key), err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.done.Uploads++
	e.progress(e.done.Total())
	return nil
}

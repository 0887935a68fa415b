package aws

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"

	"github.com/branchenv/branchenv/internal/fault"
)

const (
	// batchSize is the most keys of one DeleteObjects.
	// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
	batchSize = 1000
	// deletesInFlight is how many batches are deleted at once while the list is read. It is so many that the list, whose
	// pages can only be read one after the other, decides the time.
	deletesInFlight = 12
	// abortsInFlight is how many unfinished uploads are aborted at once. Each takes one request.
	abortsInFlight = 12
	// maxRounds is how often a bucket is listed again because something was written meanwhile.
	maxRounds = 8
	// grace is how long requests in flight may go on after a cancellation, so that the count is right.
	grace = 5 * time.Second
)

// Emptied counts the removals that AWS confirmed.
type Emptied struct {
	Versions int // object versions; objects in a bucket without versions
	Markers  int // delete markers
	Uploads  int // unfinished multipart uploads
}

// Total returns the sum.
func (e Emptied) Total() int { return e.Versions + e.Markers + e.Uploads }

// EmptyBucket removes all versions, delete markers and unfinished uploads from a bucket, but not the bucket itself. It lists
// the bucket until it finds nothing, at most eight times, so that it also removes what is written meanwhile.
//
// progress receives the number removed so far, from one goroutine at a time; it may be nil. A missing bucket is no error. A key
// that cannot be deleted does not stop the others; the error names the first few. After an error or a cancellation the count
// holds what was removed until then. The size of the bucket does not matter for memory.
func (c *Client) EmptyBucket(ctx context.Context, bucket string, progress func(done int)) (Emptied, error) {
	return c.empty(ctx, bucket, "", progress)
}

// DeletePrefix removes the keys that begin with prefix, as EmptyBucket does. prefix must not be empty.
func (c *Client) DeletePrefix(ctx context.Context, bucket, prefix string, progress func(done int)) (Emptied, error) {
	if prefix == "" {
		return Emptied{}, fault.Refusedf("delete a prefix of bucket %q: the prefix is empty", bucket)
	}
	return c.empty(ctx, bucket, prefix, progress)
}

func (c *Client) empty(ctx context.Context, bucket, prefix string, progress func(int)) (Emptied, error) {
	if progress == nil {
		progress = func(int) {}
	}
	e := &emptying{s3: c.s3(), bucket: bucket, prefix: prefix, pageSize: c.pageSize, progress: progress}
	for range maxRounds {
		before := e.done
		e.refused = refusals{}
		found, err := e.round(ctx)
		switch {
		case code(err) == "NoSuchBucket":
			return e.done, nil
		case err != nil:
			return e.done, e.failed(ctx, err)
		case found == 0:
			return e.done, nil
		case e.done == before: // the next round would find the same
			return e.done, e.refused.err(bucket)
		}
	}
	if e.refused.count > 0 {
		return e.done, e.refused.err(bucket)
	}
	return e.done, fault.Failedf("bucket %q is not empty after %d rounds: something still writes to it", bucket, maxRounds).
		WithHint("stop what writes to the bucket and run the same command again")
}

// emptying is the state of emptying one bucket.
type emptying struct {
	s3             *s3.Client
	bucket, prefix string
	pageSize       int32

	mu       sync.Mutex // guards the fields below
	progress func(int)
	done     Emptied
	refused  refusals
}

// batch is up to batchSize entries, deleted by one request.
type batch struct {
	ids    []types.ObjectIdentifier
	marker []bool // whether the entry is a delete marker
}

// round lists and empties the bucket once. It returns the number of entries that it found.
func (e *emptying) round(ctx context.Context) (found int, err error) {
	// Uploads come first: an upload that is completed meanwhile becomes a version, and versions are listed later.
	uploads, err := e.abortUploads(ctx)
	if err != nil {
		return uploads, err
	}
	versions, err := e.deleteVersions(ctx)
	return uploads + versions, err
}

// deleteVersions lists page after page, and meanwhile deletes the pages before, several batches at once.
func (e *emptying) deleteVersions(ctx context.Context) (found int, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(deletesInFlight)
	// The last entry of a page is deleted only after the next page was read: some servers continue a list only from a
	// version that still exists.
	var pending batch
	send := func(n int) {
		b := batch{pending.ids[:n:n], pending.marker[:n:n]}
		pending = batch{pending.ids[n:], pending.marker[n:]}
		group.Go(func() error { return e.delete(ctx, b) })
	}
	in := &s3.ListObjectVersionsInput{Bucket: &e.bucket, Prefix: &e.prefix, MaxKeys: &e.pageSize, EncodingType: types.EncodingTypeUrl}
	for {
		page, err := e.list(ctx, in)
		if err != nil {
			return found, firstError(group.Wait(), err)
		}
		found += len(page.ids)
		pending.ids = append(pending.ids, page.ids...)
		pending.marker = append(pending.marker, page.marker...)
		if !page.more {
			break
		}
		for len(pending.ids) >= batchSize {
			send(min(batchSize, len(pending.ids)-1))
		}
		if same(in.KeyMarker, page.key) && same(in.VersionIdMarker, page.version) {
			return found, firstError(group.Wait(), errEndless)
		}
		in.KeyMarker, in.VersionIdMarker = page.key, page.version
	}
	for parts := (len(pending.ids) + batchSize - 1) / batchSize; parts > 0; parts-- { // of equal size, because the largest takes longest
		send((len(pending.ids) + parts - 1) / parts)
	}
	return found, group.Wait()
}

// firstError returns the error of the requests in flight, which then ended the list, or else the list's own error.
func firstError(inFlight, list error) error {
	if inFlight != nil {
		return inFlight
	}
	return list
}

// delete removes a batch. It does not begin with a cancelled context. If the context is cancelled later, it has some time to
// end.
func (e *emptying) delete(ctx context.Context, b batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, stop := withGrace(ctx, grace)
	defer stop()
	var together []types.ObjectIdentifier
	var errs []types.Error
	for _, id := range b.ids {
		if inXML(awssdk.ToString(id.Key)) {
			together = append(together, id)
			continue
		}
		refusal, err := e.deleteOne(ctx, id)
		if err != nil {
			return err
		}
		errs = append(errs, refusal...)
	}
	if len(together) > 0 {
		out, err := e.s3.DeleteObjects(ctx, &s3.DeleteObjectsInput{
			Bucket: &e.bucket,
			Delete: &types.Delete{Objects: together, Quiet: awssdk.Bool(true)},
		})
		if err != nil {
			return err
		}
		errs = append(errs, out.Errors...)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, m := range b.marker {
		switch {
		case len(errs) > 0 && e.refused.add(errs, b.ids[i]):
		case m:
			e.done.Markers++
		default:
			e.done.Versions++
		}
	}
	e.progress(e.done.Total())
	return nil
}

// deleteOne removes an entry whose key is invalid in XML: DeleteObjects would name another key. It returns a refusal of S3 in
// the form of DeleteObjects.
func (e *emptying) deleteOne(ctx context.Context, id types.ObjectIdentifier) ([]types.Error, error) {
	_, err := e.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &e.bucket, Key: id.Key, VersionId: id.VersionId})
	var api smithy.APIError
	if errors.As(err, &api) {
		why, message := api.ErrorCode(), api.ErrorMessage()
		return []types.Error{{Key: id.Key, VersionId: id.VersionId, Code: &why, Message: &message}}, nil
	}
	return nil, err
}

// inXML reports whether s is valid in XML 1.0.
// https://www.w3.org/TR/xml/#charsets
func inXML(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF || r == utf8.RuneError
	})
}

// withGrace returns a context that ends d after ctx does.
func withGrace(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(d, cancel) })
	return longer, func() { stop(); cancel() }
}

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
	// batchSize is the most keys that DeleteObjects takes.
	// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
	batchSize = 1000
	// deletesInFlight is how many batches are deleted at once while the list goes on: enough that the list, which can
	// only be read one page after the other, is what takes the time.
	deletesInFlight = 12
	// abortsInFlight is how many unfinished uploads are aborted at once; each takes a request.
	abortsInFlight = 12
	// maxRounds bounds how often a bucket is gone through again because things were written meanwhile.
	maxRounds = 8
	// grace is how long requests in flight may go on after a cancellation, so that the count stays true.
	grace = 5 * time.Second
)

// Emptied counts what was removed, as far as AWS confirmed it.
type Emptied struct {
	Versions int // object versions; the objects themselves in a bucket without versions
	Markers  int // delete markers
	Uploads  int // unfinished multipart uploads
}

// Total is everything together.
func (e Emptied) Total() int { return e.Versions + e.Markers + e.Uploads }

// EmptyBucket removes everything in a bucket: all versions, delete markers and unfinished uploads. The bucket itself
// stays. It goes through the bucket until it finds nothing, so what is written meanwhile goes too, within limits.
//
// progress may be nil; it is told the number removed so far, by one goroutine at a time. A missing bucket is fine. Keys
// that cannot be deleted do not stop the others; the error names the first few. After an error or a cancellation the
// count is what was removed until then. Memory does not depend on the size of the bucket.
func (c *Client) EmptyBucket(ctx context.Context, bucket string, progress func(done int)) (Emptied, error) {
	return c.empty(ctx, bucket, "", progress)
}

// DeletePrefix is EmptyBucket for the keys that begin with prefix, which must not be empty.
func (c *Client) DeletePrefix(ctx context.Context, bucket, prefix string, progress func(done int)) (Emptied, error) {
	if prefix == "" {
		return Emptied{}, fault.Refusedf("delete everything below an empty prefix of bucket %q", bucket)
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
		case e.done == before: // the same would be found again
			return e.done, e.refused.err(bucket)
		}
	}
	if e.refused.count > 0 {
		return e.done, e.refused.err(bucket)
	}
	return e.done, fault.Failedf("bucket %q is not empty after %d rounds: something still writes to it", bucket, maxRounds).
		WithHint("stop what writes to the bucket and run the same command again")
}

// emptying is the work on one bucket.
type emptying struct {
	s3             *s3.Client
	bucket, prefix string
	pageSize       int32

	mu       sync.Mutex // guards what follows
	progress func(int)
	done     Emptied
	refused  refusals
}

// batch is up to batchSize entries, deleted by one request.
type batch struct {
	ids    []types.ObjectIdentifier
	marker []bool // whether the entry is a delete marker
}

// round goes through the bucket once and tells how many entries it found.
func (e *emptying) round(ctx context.Context) (found int, err error) {
	// Uploads first: one that is completed meanwhile is a version when those are listed.
	uploads, err := e.abortUploads(ctx)
	if err != nil {
		return uploads, err
	}
	versions, err := e.deleteVersions(ctx)
	return uploads + versions, err
}

// deleteVersions lists page after page and deletes behind the list, several batches at once.
func (e *emptying) deleteVersions(ctx context.Context) (found int, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(deletesInFlight)
	// The entry that a page ends with is kept back until the next page is here: some servers can go on only from a
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
	for parts := (len(pending.ids) + batchSize - 1) / batchSize; parts > 0; parts-- { // even ones: the largest takes longest
		send((len(pending.ids) + parts - 1) / parts)
	}
	return found, group.Wait()
}

// firstError is the error of the requests in flight, which ended the list if there is one, else the list's own.
func firstError(inFlight, list error) error {
	if inFlight != nil {
		return inFlight
	}
	return list
}

// delete removes a batch. A cancelled context keeps it from beginning, and leaves it some time to end.
func (e *emptying) delete(ctx context.Context, b batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, stop := lasting(ctx, grace)
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

// deleteOne removes an entry whose key cannot be told in XML: the request for many would name another key. A refusal
// by S3 is returned as that request would.
func (e *emptying) deleteOne(ctx context.Context, id types.ObjectIdentifier) ([]types.Error, error) {
	_, err := e.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &e.bucket, Key: id.Key, VersionId: id.VersionId})
	var api smithy.APIError
	if errors.As(err, &api) {
		why, message := api.ErrorCode(), api.ErrorMessage()
		return []types.Error{{Key: id.Key, VersionId: id.VersionId, Code: &why, Message: &message}}, nil
	}
	return nil, err
}

// inXML tells whether XML 1.0 can hold a text.
// https://www.w3.org/TR/xml/#charsets
func inXML(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF || r == utf8.RuneError
	})
}

// lasting is a context that ends d after ctx does.
func lasting(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(d, cancel) })
	return longer, func() { stop(); cancel() }
}

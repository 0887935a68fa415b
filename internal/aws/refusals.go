package aws

import (
	"context"
	"errors"
	"fmt"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
)

// maxNamed is the most keys that an error names.
const maxNamed = 5

// refusals are the keys that S3 refused to delete.
type refusals struct {
	count int
	named []string // the first of them, with the reason
	hint  string   // the first hint
}

// add records id if it is among the errors of a batch, and reports whether it is.
func (r *refusals) add(errs []types.Error, id types.ObjectIdentifier) bool {
	for _, e := range errs {
		if awssdk.ToString(e.Key) != awssdk.ToString(id.Key) || version(e.VersionId) != version(id.VersionId) {
			continue
		}
		switch awssdk.ToString(e.Code) {
		case "NoSuchKey", "NoSuchVersion": // somebody else deleted it meanwhile
			return true
		}
		r.count++
		why := text.Line(awssdk.ToString(e.Code) + ": " + awssdk.ToString(e.Message))
		if len(r.named) < maxNamed {
			r.named = append(r.named, fmt.Sprintf("%q (version %s): %s", awssdk.ToString(id.Key), text.Line(version(id.VersionId)), why))
		}
		if r.hint == "" {
			r.hint = deleteHint(awssdk.ToString(e.Code), why)
		}
		return true
	}
	return false
}

// version returns a version's id. A version from before versioning was switched on is called null.
func version(id *string) string {
	if awssdk.ToString(id) == "" {
		return "null"
	}
	return *id
}

// err returns the refusals as an error, or nil if there are none.
func (r *refusals) err(bucket string) error {
	if r.count == 0 {
		return nil
	}
	message := fmt.Sprintf("empty bucket %q: %s cannot be deleted: %s", bucket, text.Count(r.count, "key"), strings.Join(r.named, "; "))
	if more := r.count - len(r.named); more > 0 {
		message += fmt.Sprintf("; and %d more", more)
	}
	return fault.Failedf("%s", message).WithHint("%s", r.hint)
}

// deleteHint returns what to do about a refused delete.
func deleteHint(code, message string) string {
	low := strings.ToLower(message)
	switch {
	case strings.Contains(low, "object lock"), strings.Contains(low, "worm"), strings.Contains(low, "retention"),
		strings.Contains(low, "legal hold"), code == "ObjectLocked":
		return "object lock keeps the version: lift a legal hold, or delete it with s3:BypassGovernanceRetention in governance mode; " +
			"in compliance mode nobody can before its retention date: run the same command again after it"
	case strings.Contains(low, "mfa"):
		return "MFA delete is on: the account's root user must switch it off (aws s3api put-bucket-versioning --mfa …), then run the same command again"
	case code == "AccessDenied":
		return "the credentials need s3:DeleteObject and s3:DeleteObjectVersion on the bucket's objects, and no bucket policy may deny them"
	case code == "InternalError", code == "SlowDown", code == "ServiceUnavailable":
		return "S3 is busy: run the same command again"
	}
	return ""
}

// failed returns err as the error of emptying the bucket.
func (e *emptying) failed(ctx context.Context, err error) error {
	if stop := ctx.Err(); stop != nil {
		return fmt.Errorf("empty bucket %q: stopped after %d: %w", e.bucket, e.done.Total(), stop)
	}
	wrapped := failed(err, "empty bucket %q", e.bucket)
	var f *fault.Error
	if c := code(err); c != "" && errors.As(wrapped, &f) {
		switch h := deleteHint(c, cause(err)); {
		case c == "AccessDenied" && !strings.Contains(strings.ToLower(cause(err)), "mfa"):
			_ = f.WithHint("the credentials need s3:ListBucketVersions, s3:ListBucketMultipartUploads, s3:AbortMultipartUpload, s3:DeleteObject and s3:DeleteObjectVersion")
		case h != "":
			_ = f.WithHint("%s", h)
		}
	}
	return wrapped
}

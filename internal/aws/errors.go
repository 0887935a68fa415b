package aws

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
)

// callError is a failed call in readable words. It wraps the SDK's error.
type callError struct {
	message string
	err     error
}

func (e *callError) Error() string { return e.message }
func (e *callError) Unwrap() error { return e.err }

// guarded marks the errors of a credentials provider. The SDK would hide them in the error of the call.
type guarded struct{ awssdk.CredentialsProvider }

type credentialsError struct{ err error }

func (e *credentialsError) Error() string {
	if message := e.err.Error(); !strings.Contains(message, "no EC2 IMDS role found") { // the SDK's last resort
		return "no usable AWS credentials: " + message
	}
	return "no AWS credentials"
}
func (e *credentialsError) Unwrap() error { return e.err }

func (g guarded) Retrieve(ctx context.Context) (awssdk.Credentials, error) {
	c, err := g.CredentialsProvider.Retrieve(ctx)
	if err != nil && ctx.Err() == nil {
		err = &credentialsError{err}
	}
	return c, err
}

// failed returns err as the error of an operation, with a hint if there is a remedy. The format names the operation.
func failed(err error, format string, args ...any) error {
	message := fmt.Sprintf(format, args...) + ": " + cause(err)
	f := &fault.Error{Code: fault.Failed, Err: &callError{message, err}}
	return f.WithHint("%s", hint(err))
}

// cause returns the innermost readable reason of err in one line.
func cause(err error) string {
	var api smithy.APIError
	var creds *credentialsError
	var link *url.Error
	var bad *smithy.DeserializationError
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled.Error()
	case errors.Is(err, context.DeadlineExceeded) && errors.As(err, &link):
		return text.Line("no answer in time from " + host(link.URL))
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.As(err, &creds):
		return text.Line(creds.Error())
	case errors.As(err, &api):
		return text.Line(api.ErrorCode() + ": " + api.ErrorMessage())
	case errors.As(err, &link):
		return text.Line("no answer from " + host(link.URL) + ": " + link.Err.Error())
	case errors.As(err, &bad):
		return text.Line("unreadable answer: " + bad.Err.Error())
	}
	return text.Line(err.Error())
}

func host(raw string) string {
	if u, err := url.Parse(raw); err == nil {
		return u.Host
	}
	return "AWS"
}

// unreadable reports whether err is an answer that could not be decoded.
func unreadable(err error) awssdk.Ternary {
	var bad *smithy.DeserializationError
	if errors.As(err, &bad) {
		return awssdk.TrueTernary
	}
	return awssdk.UnknownTernary
}

// code returns AWS's error code in err, or "".
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// hint returns what to do about err, or "".
func hint(err error) string {
	var creds *credentialsError
	var link *url.Error
	if errors.As(err, &creds) {
		return "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN); with SSO run: aws sso login; or try it with --sandbox"
	}
	switch code(err) {
	case "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired":
		return "the AWS credentials have expired: renew them (with SSO: aws sso login) and run the same command again"
	case "InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure", "SignatureDoesNotMatch",
		"InvalidSignatureException", "IncompleteSignature", "MissingAuthenticationToken":
		return "AWS does not accept these credentials: check AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN)"
	case "RequestTimeTooSkewed":
		return "set this machine's clock"
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Forbidden":
		return "the credentials lack a permission that the message or the operation names"
	case "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException":
		return "the bucket is in another region: check region in the settings file"
	}
	if errors.As(err, &link) {
		return "check the network, the region and AWS_ENDPOINT_URL"
	}
	return ""
}

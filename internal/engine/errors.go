package engine

import (
	"cmp"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
)

// explainText returns the error of an operation, with a hint if its text shows a known cause.
func (w *Workspace) explainText(what string, err error, stderr string, failures []string) error {
	if errors.Is(err, operation.ErrStopped) || strings.Contains(err.Error(), operation.ErrStopped.Error()) {
		return fault.Failedf("%s of stack %s: %w", what, w.Name, operation.ErrStopped).WithHint("run the same command again to go on")
	}
	if len(failures) == 0 {
		failures = []string{cmp.Or(cause(stderr), cause(err.Error()))}
	}
	text := strings.Join(failures, "; ")
	e := fault.Failedf("%s stack %s: %s", what, w.Name, text)
	switch {
	case strings.Contains(text+stderr, "no space left on device"), strings.Contains(text+stderr, "disk quota exceeded"):
		return w.diskFull(what)
	case strings.Contains(text, "unknown userid"):
		return e.WithHint("this pulumi needs a name for the user that it runs as: add a line for the uid to /etc/passwd, run as a user that has one, or install Pulumi's own release, to which USER and HOME are enough")
	case strings.Contains(text, "incorrect passphrase"), strings.Contains(text, "passphrase must be set"):
		return e.WithHint("set PULUMI_CONFIG_PASSPHRASE (or PULUMI_CONFIG_PASSPHRASE_FILE) to the passphrase that this stack was made with")
	case strings.Contains(stderr, "the stack is currently locked"):
		return w.engine.LockedError(w.Name)
	case strings.HasPrefix(text, "no resource named "): // an excluded URN, which existed when the state was read
		return fault.Failedf("%s stack %s: its state was changed %w since it was read", what, w.Name, fault.ByAnother).WithHint("run the same command again")
	case strings.Contains(text, "unexpected end of JSON input"): // pulumi saw only the beginning of a lock (3.250)
		return fault.Failedf("%s stack %s: %s: a file of its state is being written %w, or is damaged", what, w.Name, text, fault.ByAnother).WithHint("run the same command again")
	case strings.Contains(text, "NoCredentialProviders"), strings.Contains(text, "No valid credential sources"):
		return e.WithHint("give AWS credentials: AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	case strings.Contains(text, "InvalidClientTokenId"), strings.Contains(text, "SignatureDoesNotMatch"), strings.Contains(text, "invalid AWS Region"):
		return e.WithHint("check region in the settings and the AWS credentials: AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	case strings.Contains(text, "Failed to find go files"):
		return e.WithHint("the pulumi-language-go that pulumi finds is too old for options.binary of Pulumi.yaml: install Pulumi's own, https://www.pulumi.com/docs/install/")
	case nameTaken.MatchString(text):
		return e.WithHint("something of that name exists that is not this stack's: remove it, or choose another project or branch name; then run the same command again")
	case strings.Contains(text, "ExpiredToken"):
		return e.WithHint("renew the AWS credentials, then run the same command again")
	}
	return e.WithHint("run the same command again once the cause is mended: it goes on from here")
}

// diskFull returns the error for a disk that filled up while pulumi worked.
func (w *Workspace) diskFull(what string) error {
	e := fault.Failedf("%s stack %s: disk full: there was no room for the state, or for pulumi's temporary files", what, w.Name)
	hint := "make room on the disks of the backend and of TMPDIR, then run the same command again"
	if w.engine.RestoreCommand != nil {
		if restore := w.engine.RestoreCommand(w.Name); restore != "" {
			return e.WithHint("%s; if the state cannot be read then, put back the copy from before this run first: %s", hint, restore)
		}
	}
	return e.WithHint("%s", hint)
}

// rpcPrefix matches the prefix that gRPC adds to an error.
var rpcPrefix = regexp.MustCompile(`rpc error: code = \w+ desc = `)

// nameTaken matches the errors of AWS for a name that is in use.
var nameTaken = regexp.MustCompile(`AlreadyExists|BucketAlreadyOwnedByYou|InvalidGroup\.Duplicate|DuplicateLoadBalancerName|already exists|ResourceExistsException`)

// cause returns the line of pulumi's output that states the error.
func cause(stderr string) string {
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	if i := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "panic: ") }); i >= 0 {
		return engineLine("pulumi crashed: " + lines[i])
	}
	for i, line := range lines {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "error: "); ok {
			if rest == "" && i+1 < len(lines) {
				rest = lines[i+1]
			}
			return engineLine(rest)
		}
	}
	return engineLine(lines[len(lines)-1])
}

// errorLines returns the lines of pulumi's output that state an error.
func errorLines(stdout string) string {
	lines := slices.DeleteFunc(strings.Split(stdout, "\n"), func(line string) bool {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "error: ")
		return !ok || rest == ""
	})
	return strings.Join(lines, "\n")
}

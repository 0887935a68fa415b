// Package git runs the git program. No other package does.
//
// git sees only the repository that it is given: variables that select another one, such as those that git exports to
// its hooks, are removed. git never prompts, and its messages are in English.
package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
)

// Protocols are those by which git may reach a remote. Others can run programs: ext::, and any git-remote-*.
const Protocols = "https:http:ssh:git:file"

const (
	maxOutput = 64 << 20 // bytes, of half a million branches
	maxSaid   = 64 << 10 // bytes of git's error messages
)

// Command is a run of git.
type Command struct {
	Dir     string        // where it runs; "" is the current folder
	Args    []string      // text from outside must follow "--", or must not begin with a hyphen
	Input   []byte        // its standard input
	Timeout time.Duration // 0 for no other limit than the context's
}

// Failure is the error of a run of git that ended with another exit code than 0.
type Failure struct {
	Code int    // its exit code; -1 if it was killed
	Said string // its standard error, unchanged
}

func (f *Failure) Error() string {
	said := text.Line(strings.TrimPrefix(f.Said, "fatal: "))
	if said == "" {
		said = fmt.Sprintf("it ended with exit code %d", f.Code)
	}
	return "git: " + said
}

// Run runs git and returns its standard output, at most 64 MB. The error is a Failure or the context's error. It may also
// say that git is not installed (errors.Is exec.ErrNotFound), gave no answer in time, or printed too much.
func (c Command) Run(ctx context.Context) ([]byte, error) {
	limited := ctx
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, c.Timeout)
		defer cancel()
	}
	args := []string{"-c", "core.askPass=", "-c", "protocol.ext.allow=never", "-c", "core.fsmonitor=false"}
	if c.Dir != "" {
		args = append(args, "-C", c.Dir)
	}
	cmd := exec.CommandContext(limited, "git", append(args, c.Args...)...) // #nosec G204 -- no shell
	cmd.Env = Environment(os.Environ())
	cmd.Stdin = bytes.NewReader(c.Input)
	cmd.WaitDelay = 5 * time.Second // what git started may hold its output open
	stdout, stderr := bounded{max: maxOutput}, bounded{max: maxSaid}
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, fault.Failedf("git is not installed: %w", err).WithHint("install git")
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case limited.Err() != nil:
		return nil, fault.Failedf("git gave no answer in %s", c.Timeout)
	case stdout.full:
		return nil, fault.Refusedf("git printed more than %d MB", maxOutput>>20)
	case errors.As(err, &exit):
		return nil, &Failure{exit.ExitCode(), stderr.String()}
	case err != nil:
		return nil, fmt.Errorf("run git: %w", err)
	}
	return stdout.Bytes(), nil
}

// Line runs git in dir and returns its standard output without the line break at the end.
func Line(ctx context.Context, dir string, args ...string) (string, error) {
	output, err := Command{Dir: dir, Args: args}.Run(ctx)
	return strings.TrimSuffix(string(output), "\n"), err
}

// bounded keeps the first max bytes of an output. It drops the rest, so that the program does not block.
type bounded struct {
	bytes.Buffer
	max  int
	full bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if room := b.max - b.Len(); len(p) > room {
		b.full = true
		_, _ = b.Buffer.Write(p[:room])
		return len(p), nil
	}
	return b.Buffer.Write(p)
}

package git

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// redirect sets every variable that git counts as a repository's own, and others that select one, to another repository.
func redirect(t *testing.T, other string) {
	t.Helper()
	output, err := exec.Command("git", "rev-parse", "--local-env-vars").Output()
	if err != nil {
		t.Fatal(err)
	}
	names := append(strings.Fields(string(output)), "GIT_NAMESPACE", "GIT_CEILING_DIRECTORIES", "GIT_QUARANTINE_PATH", "GIT_TRACE")
	for _, name := range names {
		t.Setenv(name, other)
	}
	t.Setenv("GIT_CONFIG_PARAMETERS", "'core.worktree'='"+other+"'")
	t.Setenv("GIT_CONFIG_COUNT", "1")
	t.Setenv("GIT_CONFIG_KEY_0", "core.worktree")
	t.Setenv("GIT_CONFIG_VALUE_0", other)
	t.Setenv("GIT_CEILING_DIRECTORIES", "/")
}

// TestVariablesSelectNoRepository asks git about a repository with the variables of another one's hook.
func TestVariablesSelectNoRepository(t *testing.T) {
	here, other := t.TempDir(), t.TempDir()
	run := func(dir string, args ...string) string {
		t.Helper()
		line, err := Line(t.Context(), dir, args...)
		if err != nil {
			t.Fatalf("git %q: %v", args, err)
		}
		return line
	}
	run(here, "init", "--quiet", "--initial-branch=here", ".")
	run(other, "init", "--quiet", "--initial-branch=other", ".")
	redirect(t, filepath.Join(other, ".git"))
	sub := filepath.Join(here, "a", "b")
	if err := os.MkdirAll(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := run(sub, "symbolic-ref", "--short", "HEAD"); got != "here" {
		t.Errorf("branch %q; want that of the folder's repository", got)
	}
	top, err := filepath.EvalSymlinks(here)
	if err != nil {
		t.Fatal(err)
	}
	if got := run(sub, "rev-parse", "--show-toplevel"); got != top {
		t.Errorf("work tree %q; want %q", got, top)
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	got := Environment([]string{
		"PATH=/bin", "GIT_DIR=/x", "GIT_WORK_TREE=/x", "GIT_OF_THE_FUTURE=1", "GIT_SSH_COMMAND=ssh -i key", "GIT_SSL_CAINFO=ca", "SSH_AUTH_SOCK=s",
		"GIT_CONFIG_GLOBAL=/g", "LC_ALL=de_DE", "GIT_ASKPASS=window", "GIT_CONFIG_COUNT=4",
		"GIT_CONFIG_KEY_0=core.worktree", "GIT_CONFIG_VALUE_0=/x", "GIT_CONFIG_KEY_1=http.https://example.com/.extraHeader", "GIT_CONFIG_VALUE_1=Authorization: x=y",
		"GIT_CONFIG_KEY_2=remote.origin.url", "GIT_CONFIG_VALUE_2=/x", "GIT_CONFIG_KEY_3=url.https://t@h/.insteadOf", "GIT_CONFIG_VALUE_3=https://h/",
	})
	want := []string{
		"PATH=/bin", "GIT_SSH_COMMAND=ssh -i key", "GIT_SSL_CAINFO=ca", "SSH_AUTH_SOCK=s", "GIT_CONFIG_GLOBAL=/g",
		"GIT_CONFIG_KEY_0=http.https://example.com/.extraHeader", "GIT_CONFIG_VALUE_0=Authorization: x=y",
		"GIT_CONFIG_KEY_1=url.https://t@h/.insteadOf", "GIT_CONFIG_VALUE_1=https://h/", "GIT_CONFIG_COUNT=2",
		"GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "SSH_ASKPASS=", "GIT_ALLOW_PROTOCOL=" + Protocols, "LC_ALL=C",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if got := Environment(nil); !slices.Contains(got, "GIT_SSH_COMMAND=ssh -oBatchMode=yes") {
		t.Errorf("ssh may ask: %q", got)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	_, err := Line(t.Context(), t.TempDir(), "symbolic-ref", "--quiet", "HEAD")
	var failure *Failure
	if !errors.As(err, &failure) || failure.Code != 128 || !strings.Contains(err.Error(), "git: not a git repository") {
		t.Errorf("no repository: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Line(ctx, "", "version"); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled call: %v", err)
	}
	if _, err := (Command{Args: []string{"hash-object", "--stdin"}, Timeout: time.Nanosecond}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "gave no answer in 1ns") {
		t.Errorf("no time: %v", err)
	}
}

func TestNotInstalled(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := Line(t.Context(), "", "version"); !errors.Is(err, exec.ErrNotFound) || !strings.Contains(err.Error(), "git is not installed") {
		t.Errorf("error %v", err)
	}
}

package github

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/branchenv/branchenv/internal/fault"
)

const maxGitOutput = 64 << 20 // bytes, of half a million branches

// remote is the Source that asks a git remote, through the git program.
type remote struct {
	Options
	address string // a URL, or an absolute path
	cache   *cache
}

// likeSSH is git's short form of an SSH address, host:path: a colon before any slash.
var likeSSH = regexp.MustCompile(`^[^/:]+:`)

// protocols are those by which git may fetch. Others can run programs: ext::, and what git-remote-* there is.
const protocols = "https:http:ssh:git:file"

func openRemote(o Options) (Source, error) {
	address := o.Git
	scheme, _, isURL := strings.Cut(address, "://")
	switch {
	case strings.HasPrefix(address, "-") || strings.ContainsFunc(address, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return nil, fault.Usagef("%q is not a git remote", line(address))
	case strings.Contains(address, "::"), isURL && !slices.Contains(strings.Split(protocols, ":"), scheme):
		return nil, fault.Usagef("%q is not a git remote that is asked", line(address)).WithHint("use https, ssh, git, http or file")
	case !isURL && !likeSSH.MatchString(address):
		// A path, and never the name of one of a checkout's remotes.
		if !filepath.IsAbs(address) {
			address = filepath.Join(o.Dir, address)
		}
		absolute, err := filepath.Abs(address)
		if err != nil {
			return nil, fault.Usagef("%q is not a path: %w", line(o.Git), err)
		}
		address = absolute
	}
	return &remote{Options: o, address: address, cache: &cache{dir: o.CacheDir, log: o.Log}}, nil
}

// String implements Source.
func (r *remote) String() string { return line(r.address) }

// Branches implements Source. One run of git tells all branches at once.
func (r *remote) Branches(ctx context.Context) (List, error) {
	refs, defaultBranch, err := r.refs(ctx, heads+"*")
	if err != nil {
		return List{}, err
	}
	list := List{Repository: r.String(), Default: defaultBranch}
	for ref, commit := range refs {
		list.Branches = append(list.Branches, Branch{Name: strings.TrimPrefix(ref, heads), Commit: commit})
	}
	slices.SortFunc(list.Branches, func(a, b Branch) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// Branch implements Source. The branch and the default branch are asked for in one breath.
func (r *remote) Branch(ctx context.Context, name string) (Branch, bool, error) {
	if name == "" || strings.ContainsAny(name, "\\ ~^:?*[\x7f") {
		return Branch{}, false, fault.Usagef("%q is no branch name", line(name))
	}
	refs, _, err := r.refs(ctx, heads+name)
	if err != nil {
		return Branch{}, false, err
	}
	commit, found := refs[heads+name]
	if !found {
		return Branch{}, false, nil
	}
	return Branch{Name: name, Commit: commit}, true, nil
}

// refs are the branches that git's pattern finds, by full name, and the name of the default branch, which must exist:
// a remote that shows no default branch says nothing about the others.
func (r *remote) refs(ctx context.Context, pattern string) (map[string]string, string, error) {
	output, err := r.git(ctx, nil, "ls-remote", "--symref", "--", r.address, "HEAD", pattern)
	if err != nil {
		return nil, "", fmt.Errorf("list the branches of %s: %w", r, err)
	}
	refs, defaultBranch, alive := map[string]string{}, "", false
	for text := range strings.Lines(string(output)) {
		left, name, ok := strings.Cut(strings.TrimSuffix(text, "\n"), "\t")
		target, symbolic := strings.CutPrefix(left, "ref: "+heads)
		switch {
		case ok && symbolic && name == "HEAD" && target != "":
			defaultBranch = target
		case ok && strings.HasPrefix(left, "ref: "):
		case !ok || !commitHash.MatchString(left):
			return nil, "", fault.Refusedf("list the branches of %s: git printed %q", r, line(text))
		case name == "HEAD":
			alive = true
		case strings.HasPrefix(name, heads) && (name == pattern || pattern == heads+"*"):
			refs[name] = left
		}
	}
	if defaultBranch == "" || !alive {
		return nil, "", fault.Refusedf("%s has no default branch: its HEAD is at no branch that exists", r).
			WithHint("commit or push something where nothing was yet; else, in the remote: git symbolic-ref HEAD refs/heads/main")
	}
	return refs, defaultBranch, nil
}

// git runs git and returns what it printed. It never asks anybody anything, and stops after Timeout.
func (r *remote) git(ctx context.Context, input []byte, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", append([]string{"-c", "core.askPass=", "-c", "protocol.ext.allow=never"}, args...)...) // #nosec G204 -- no shell; the address was checked and comes after --
	cmd.Env = gitEnvironment(os.Environ())
	cmd.Stdin = bytes.NewReader(input)
	cmd.WaitDelay = 5 * time.Second // what git started may hold its output open
	var stdout, stderr bounded
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, fault.Failedf("git is not installed").WithHint("install git, or take GitHub as the source")
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fault.Failedf("git gave no answer in %s", r.Timeout)
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case stdout.full:
		return nil, fault.Refusedf("git printed more than %d MB", maxGitOutput>>20)
	case err != nil:
		said := line(strings.ReplaceAll(stderr.buffer.String(), r.address, r.String()))
		return nil, fault.Failedf("git: %s", strings.TrimPrefix(said, "fatal: ")).
			WithHint("try: git ls-remote %s", r)
	}
	return stdout.buffer.Bytes(), nil
}

// gitEnvironment is the environment for git: nothing of a repository that happens to be around, no questions, no
// protocol that runs programs, and messages in English.
func gitEnvironment(environ []string) []string {
	ours := []string{"GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "SSH_ASKPASS=", "GIT_ALLOW_PROTOCOL=" + protocols, "LC_ALL=C"}
	out := slices.DeleteFunc(slices.Clone(environ), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		switch name {
		case "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_NAMESPACE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_TRACE", "GIT_TRACE_CURL":
			return true
		}
		return false
	})
	if !slices.ContainsFunc(environ, func(v string) bool { return strings.HasPrefix(v, "GIT_SSH") }) {
		ours = append(ours, "GIT_SSH_COMMAND=ssh -oBatchMode=yes")
	}
	return append(out, ours...)
}

// bounded takes as much of an output as maxGitOutput.
type bounded struct {
	buffer bytes.Buffer
	full   bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.buffer.Len()+len(p) > maxGitOutput {
		b.full = true
		return 0, errors.New("too much output")
	}
	return b.buffer.Write(p)
}

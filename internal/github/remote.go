package github

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/branchenv/branchenv/internal/address"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/git"
)

// remote is the Source that asks a git remote, through the git program.
type remote struct {
	Options
	address string // a URL, or an absolute path
	path    string // the absolute path of a local repository, else ""
	name    string // host and path of a remote that is not local
	cache   *cache
}

func openRemote(o Options) (Source, error) {
	r := &remote{Options: o, address: o.Git, cache: &cache{dir: o.CacheDir, log: o.Log}}
	if wrong, instead := address.CheckGit(o.Git); wrong != "" {
		return nil, fault.Usagef("%q %s", line(o.Git), wrong).WithHint("%s", instead)
	}
	file, isFile := address.FilePath(o.Git)
	switch {
	case isFile:
		r.path = filepath.Clean(file)
	case !address.IsPath(o.Git):
		var err error
		r.name, err = normalRemote(o.Git)
		return r, err
	default:
		// A path, never the name of a remote.
		path := o.Git
		if !filepath.IsAbs(path) {
			path = filepath.Join(o.Dir, path)
		}
		absolute, err := filepath.Abs(path)
		if err != nil {
			return nil, fault.Usagef("%q is not a path: %w", line(o.Git), err)
		}
		r.path, r.address = absolute, absolute
	}
	return r, nil
}

// String implements Source.
func (r *remote) String() string { return line(r.address) }

// maxIdentityWait is how long Identity waits for a remote's answer.
const maxIdentityWait = 10 * time.Second

// Identity implements Source. If the remote does not answer, the default branch is missing.
func (r *remote) Identity(ctx context.Context) (Identity, error) {
	if r.path != "" {
		return r.identity(ctx, r.defaultBranch(ctx, r.localHead(ctx))), ctx.Err()
	}
	short := *r
	short.Timeout = min(r.Timeout, maxIdentityWait)
	defaultBranch := ""
	output, err := short.git(ctx, nil, "ls-remote", "--symref", "--", r.address, "HEAD")
	switch {
	case ctx.Err() != nil:
		return Identity{}, ctx.Err()
	case err != nil:
		r.Log(line("the default branch is not known: " + err.Error()))
	}
	for text := range strings.Lines(string(output)) {
		if target, ok := strings.CutSuffix(text, "\tHEAD\n"); ok && strings.HasPrefix(target, "ref: "+heads) {
			defaultBranch = strings.TrimPrefix(target, "ref: "+heads)
		}
	}
	return r.identity(ctx, defaultBranch), nil
}

// identity returns the remote's normalised address. For a local repository that is the folder of its branches, whichever work
// tree, symbolic link or spelling the settings name.
func (r *remote) identity(ctx context.Context, defaultBranch string) Identity {
	id := r.name
	if r.path != "" {
		id = printable(strings.TrimSuffix(r.repository(ctx), "/.git"))
	}
	return Identity{ID: "git:" + id, Name: r.String(), Default: defaultBranch}.limited()
}

// repository returns the folder in which the local repository keeps its branches, with symbolic links resolved. It returns the
// path if there is no repository.
func (r *remote) repository(ctx context.Context) string {
	path := r.gitDir()
	if output, err := r.git(ctx, nil, "--git-dir="+path, "rev-parse", "--path-format=absolute", "--git-common-dir"); err == nil {
		path = strings.TrimSuffix(string(output), "\n")
	}
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	return path
}

// gitDir returns the folder that git uses as the repository at the path.
// Source: git's documentation of GIT_DIR and upload-pack, "--strict": the path, path/.git, path.git.
func (r *remote) gitDir() string {
	for _, end := range []string{"/.git", "", ".git/.git", ".git"} {
		_, head := os.Stat(r.path + end + "/HEAD")
		link, err := os.Stat(r.path + end)
		if head == nil || err == nil && link.Mode().IsRegular() {
			return r.path + end
		}
	}
	return r.path
}

// localHead returns the branch in the local repository's HEAD, or "" if HEAD names none.
func (r *remote) localHead(ctx context.Context) string {
	output, err := r.git(ctx, nil, "--git-dir="+r.gitDir(), "symbolic-ref", "--quiet", "HEAD")
	name, isBranch := strings.CutPrefix(strings.TrimSuffix(string(output), "\n"), heads)
	if err != nil || !isBranch {
		return ""
	}
	return name
}

// Branches implements Source. One run of git lists all branches. A local copy of another repository is refused.
func (r *remote) Branches(ctx context.Context) (List, error) {
	refs, defaultBranch, err := r.refs(ctx, heads+"*")
	if err != nil {
		return List{}, err
	}
	if err := r.checkOriginal(ctx); err != nil {
		return List{}, err
	}
	list := List{Identity: r.identity(ctx, defaultBranch), Repository: r.String(), Default: defaultBranch}
	for ref, commit := range refs {
		list.Branches = append(list.Branches, Branch{Name: strings.TrimPrefix(ref, heads), Commit: commit})
	}
	slices.SortFunc(list.Branches, func(a, b Branch) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// Branch implements Source. One run of git asks for the branch and the default branch.
func (r *remote) Branch(ctx context.Context, name string) (Branch, bool, error) {
	if name == "" || strings.ContainsAny(name, "\\ ~^:?*[\x7f") {
		return Branch{}, false, fault.Usagef("%q is not a branch name", line(name))
	}
	refs, _, err := r.refs(ctx, heads+name)
	if err != nil {
		return Branch{}, false, err
	}
	commit, found := refs[heads+name]
	if !found {
		return Branch{}, false, r.checkOriginal(ctx)
	}
	return Branch{Name: name, Commit: commit}, true, nil
}

// refs returns the commits of the branches that match git's pattern, by full name, and the name of the default branch. The
// default branch must exist: without it the answer says nothing about the others.
func (r *remote) refs(ctx context.Context, pattern string) (map[string]string, string, error) {
	output, err := r.git(ctx, nil, "ls-remote", "--symref", "--", r.address, "HEAD", pattern)
	if err != nil {
		return nil, "", fmt.Errorf("list the branches of %s: %w", r, err)
	}
	refs, defaultBranch, hasCommit := map[string]string{}, "", false
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
			hasCommit = true
		case strings.HasPrefix(name, heads) && (name == pattern || pattern == heads+"*"):
			refs[name] = left
		}
	}
	defaultBranch = r.defaultBranch(ctx, defaultBranch)
	if hasCommit && defaultBranch == "" {
		return nil, "", fault.Refusedf("%s has no default branch: its HEAD names no branch", r).
			WithHint("in the remote: git symbolic-ref HEAD refs/heads/BRANCH")
	}
	if !hasCommit {
		return nil, "", fault.Refusedf("%s has no commit on its default branch", r).
			WithHint("commit something first; if it has commits: git symbolic-ref HEAD refs/heads/BRANCH")
	}
	return refs, defaultBranch, nil
}

// git runs git and returns its output. It stops after Timeout.
func (r *remote) git(ctx context.Context, input []byte, args ...string) ([]byte, error) {
	output, err := git.Command{Args: args, Input: input, Timeout: r.Timeout}.Run(ctx)
	var failure *git.Failure
	if errors.As(err, &failure) {
		failure.Said = strings.ReplaceAll(failure.Said, r.address, r.String())
		return nil, fault.Failedf("%s", line(failure.Error())).WithHint("try: git ls-remote %s", r)
	}
	return output, err
}

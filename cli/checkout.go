package cli

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/address"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/git"
	"github.com/branchenv/branchenv/internal/text"
)

// maxRemoteWait is the longest time for which init waits for a remote.
const maxRemoteWait = 5 * time.Second

// checkout is what git knows of the repository around a folder.
type checkout struct {
	dir    string   // the folder, absolute
	inside bool     // the folder is in a git repository
	up     string   // the path from the folder to the top of the checkout; "." if it is the top, or in none
	remote string   // the remote whose branches get environments; "" if there is none
	url    string   // the remote's URL or path, as git has it
	others []string // the other remotes
}

// readCheckout returns what git knows of the repository around dir.
func readCheckout(ctx context.Context, dir string) checkout {
	c := checkout{dir: dir, up: "."}
	if up, err := git.Line(ctx, dir, "rev-parse", "--show-cdup"); err == nil {
		c.inside, c.up = true, filepath.Clean(up) // "" is the top
	}
	names, err := git.Line(ctx, dir, "remote")
	if err != nil || names == "" {
		return c
	}
	remotes := strings.Split(names, "\n")
	branch, _ := git.Line(ctx, dir, "symbolic-ref", "--short", "HEAD")
	upstream, _ := git.Line(ctx, dir, "config", "branch."+branch+".remote")
	c.remote = chooseRemote(remotes, upstream)
	c.others = slices.DeleteFunc(remotes, func(name string) bool { return name == c.remote })
	c.url, _ = git.Line(ctx, dir, "remote", "get-url", "--", c.remote)
	return c
}

// chooseRemote returns the remote origin, else the one that the checked-out branch follows, else upstream, else the first.
func chooseRemote(remotes []string, followed string) string {
	for _, name := range []string{"origin", followed, "upstream"} {
		if slices.Contains(remotes, name) {
			return name
		}
	}
	return remotes[0]
}

// source returns the remote as the settings in the folder name it, or the checkout itself if there is no remote.
func (c checkout) source() config.Source {
	switch {
	case c.url == "":
		return config.Source{Git: c.up}
	case !address.IsPath(c.url) || filepath.IsAbs(c.url):
		return sourceOf(c.url)
	}
	path := filepath.Join(c.up, c.url)
	if !strings.HasPrefix(path, "..") {
		path = "./" + path
	}
	return config.Source{Git: path}
}

// resolve returns the source that a person gave. The folder itself stands for its checkout.
func (c checkout) resolve(source string) string {
	path := source
	if source == "" || !address.IsPath(source) {
		return source
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(c.dir, path)
	}
	if filepath.Clean(path) == c.dir {
		return c.up
	}
	return source
}

// checkRepository refuses a source that is a path if it is not a git repository.
func (c checkout) checkRepository(ctx context.Context, source config.Source) error {
	path := source.Git
	if path == "" || !address.IsPath(path) {
		return nil
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(c.dir, path)
	}
	_, err := git.Command{Dir: c.dir, Args: []string{"ls-remote", "--", path, "HEAD"}, Timeout: maxRemoteWait}.Run(ctx)
	var failure *git.Failure
	if errors.As(err, &failure) {
		return fault.Usagef("--source: %s is not a git repository", text.ShellWord(source.Git)).
			WithHint("write github:OWNER/NAME, or the URL or path of a git repository")
	}
	return nil
}

// refuseItself refuses the checkout as the source if it has a remote: its own branches are not the remote's.
func (c checkout) refuseItself(dir, given string) error {
	if given == "" || c.url == "" || !address.IsPath(given) {
		return nil
	}
	if !filepath.IsAbs(given) {
		given = filepath.Join(dir, given)
	}
	if filepath.Clean(given) != filepath.Join(c.dir, c.up) {
		return nil
	}
	source := c.source()
	return fault.Usagef("the checkout has a remote, %q, whose branches are not the checkout's own", c.remote).
		WithHint("leave --source out, or write --source %s", text.ShellWord(cmp.Or(source.GitHub, source.Git)))
}

// defaultBranch returns the source's default branch, and a note if it is not certain.
func (c checkout) defaultBranch(ctx context.Context, source config.Source) (name, note string) {
	from := ""
	switch {
	case source == c.source() && c.remote != "":
		from = c.remote
		head, err := git.Line(ctx, c.dir, "symbolic-ref", "--quiet", "refs/remotes/"+c.remote+"/HEAD")
		if name, ok := strings.CutPrefix(head, "refs/remotes/"+c.remote+"/"); err == nil && ok && utf8.ValidString(name) {
			return name, ""
		}
	case source.GitHub != "":
		from = "https://github.com/" + source.GitHub
	case source != c.source():
		from = source.Git
	}
	if from != "" {
		if name := remoteDefault(ctx, c.dir, from); name != "" {
			return name, ""
		}
	}
	head, err := git.Line(ctx, c.dir, "symbolic-ref", "--quiet", "HEAD")
	name, ok := strings.CutPrefix(head, "refs/heads/")
	if err != nil || !ok || !utf8.ValidString(name) {
		name, _ = git.Line(ctx, c.dir, "config", "init.defaultBranch")
	}
	name = cmp.Or(name, "main")
	if from != "" {
		note = "could not ask " + cmp.Or(source.GitHub, source.Git) + " for its default branch; assumed " + name + ". If that is wrong, change protected and branches in branchenv.yaml"
	}
	return name, note
}

// remoteDefault returns the default branch of a remote, which is a name or an address; "" if the remote does not tell.
func remoteDefault(ctx context.Context, dir, remote string) string {
	output, err := git.Command{Dir: dir, Args: []string{"ls-remote", "--symref", "--", remote, "HEAD"}, Timeout: maxRemoteWait}.Run(ctx)
	if err != nil {
		return ""
	}
	for text := range strings.Lines(string(output)) {
		name, isBranch := strings.CutPrefix(text, "ref: refs/heads/")
		if name, isHead := strings.CutSuffix(name, "\tHEAD\n"); isBranch && isHead && utf8.ValidString(name) {
			return name
		}
	}
	return ""
}

package github

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/branchenv/branchenv/internal/address"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
)

// This file refuses a local repository that is a copy: a branch that a copy lacks may exist in the repository that people push
// to. It also refuses a repository with branches that this user may not read. It cannot detect a copy at a remote server.

// gitRemote is a remote in the settings of a repository.
type gitRemote struct {
	name, url string
	fetch     []string // refspecs
	mirror    bool
}

// remotesOf returns the remotes in the output of git config --list --null, in their order.
func remotesOf(settings string) []gitRemote {
	var remotes []gitRemote
	for setting := range strings.SplitSeq(settings, "\x00") {
		key, value, _ := strings.Cut(setting, "\n")
		rest, isRemote := strings.CutPrefix(key, "remote.")
		dot := strings.LastIndex(rest, ".")
		if !isRemote || dot < 0 {
			continue
		}
		name := rest[:dot]
		i := slices.IndexFunc(remotes, func(r gitRemote) bool { return r.name == name })
		if i < 0 {
			i, remotes = len(remotes), append(remotes, gitRemote{name: name})
		}
		switch r := &remotes[i]; rest[dot+1:] {
		case "url":
			if r.url == "" {
				r.url = value
			}
		case "fetch":
			r.fetch = append(r.fetch, value)
		case "mirror":
			r.mirror = value != "false"
		}
	}
	return slices.DeleteFunc(remotes, func(r gitRemote) bool { return r.url == "" })
}

// copyOf returns which kind of copy a repository with these remotes is, and of which remote; "" for the original. Only a
// repository without any remote counts as the original: git clone --bare -o NAME leaves no other trace than the remote.
func copyOf(remotes []gitRemote, bare, shallow bool) (what string, of gitRemote) {
	for _, preferred := range []func(gitRemote) bool{gitRemote.isOrigin, gitRemote.copies, func(gitRemote) bool { return true }} {
		if i := slices.IndexFunc(remotes, preferred); i >= 0 {
			of = remotes[i]
			break
		}
	}
	switch {
	case shallow:
		what = "a shallow clone"
	case of.single():
		what = "a clone of single branches"
	case of.copies() && (bare || of.mirror):
		what = "a mirror, as old as its last fetch"
	case bare && of.url != "":
		what = fmt.Sprintf("a bare repository with a remote, %q, which may have newer branches", of.name)
	case of.url != "":
		what = fmt.Sprintf("a checkout with a remote, %q, whose branches are not its own", of.name)
	}
	return what, of
}

func (r gitRemote) isOrigin() bool { return r.name == "origin" }

// copies reports whether fetching from the remote overwrites the repository's own branches.
func (r gitRemote) copies() bool {
	return slices.ContainsFunc(r.fetch, func(spec string) bool {
		_, to, _ := strings.Cut(spec, ":")
		return strings.HasPrefix(to, "refs/*") || strings.HasPrefix(to, heads)
	})
}

// single reports whether the repository fetches only some branches of origin.
func (r gitRemote) single() bool {
	return r.isOrigin() && len(r.fetch) > 0 && !slices.ContainsFunc(r.fetch, func(spec string) bool {
		from, _, _ := strings.Cut(strings.TrimPrefix(spec, "+"), ":")
		return from == heads+"*" || from == "refs/*"
	})
}

// checkOriginal refuses a local repository that is a copy, and one whose branches cannot all be read.
func (r *remote) checkOriginal(ctx context.Context) error {
	if r.path == "" {
		return nil
	}
	if err := checkReadable(r.repository(ctx)); err != nil {
		return err
	}
	gitDir := "--git-dir=" + r.gitDir()
	output, err := r.git(ctx, nil, gitDir, "rev-parse", "--is-shallow-repository", "--is-bare-repository")
	if err != nil {
		return fmt.Errorf("inspect the repository %s: %w", r, err)
	}
	settings, err := r.git(ctx, nil, gitDir, "config", "--local", "--includes", "--list", "--null")
	if err != nil {
		return fmt.Errorf("inspect the repository %s: %w", r, err)
	}
	answers := strings.Fields(string(output))
	if len(answers) != 2 {
		return fault.Failedf("git printed %q for the kind of the repository %s", line(string(output)), r)
	}
	what, of := copyOf(remotesOf(string(settings)), answers[1] == "true", answers[0] == "true")
	if what == "" {
		return nil
	}
	refusal := fault.Refusedf("%s is %s: a branch that it lacks may still exist", r, line(what))
	if of.url == "" {
		return refusal.WithHint("name the repository that people push to, in the settings: source: {github: owner/name} or source: {git: URL}")
	}
	return refusal.WithHint("write %s in the settings; if people push to %s itself: git -C %s remote remove %s",
		r.settingFor(of.url), r, text.ShellWord(r.path), text.ShellWord(of.name))
}

// checkReadable refuses a repository with branches that this user may not read: git silently skips such a folder. commonDir is
// the folder of the branches, in files of either format.
// Source: git's gitrepository-layout, "refs", "packed-refs"; reftable, "Layout".
func checkReadable(commonDir string) error {
	for _, name := range []string{"refs/heads", "packed-refs", "reftable"} {
		if err := readAll(filepath.Join(commonDir, name)); err != nil {
			return fault.Refusedf("the branches in %s cannot all be read: a branch that git does not see may still exist: %s", line(commonDir), line(err.Error())).
				WithHint("allow the user with the uid %d to read it and everything in it", os.Geteuid())
		}
	}
	return nil
}

// readAll opens a file, or everything in a folder, and returns the first error. Like git, it follows symbolic links, and
// ignores lock files and files that were removed meanwhile.
func readAll(path string) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		var entries []os.DirEntry
		entries, err = os.ReadDir(path)
		for _, entry := range entries {
			if name := entry.Name(); strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".lock") {
				continue
			}
			if err := readAll(filepath.Join(path, entry.Name())); err != nil {
				return err
			}
		}
	case err == nil && info.Mode().IsRegular():
		var file *os.File
		if file, err = os.Open(path); err == nil { // #nosec G304 -- only opened
			err = file.Close()
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// settingFor returns the source to write in the settings for a remote's URL.
func (r *remote) settingFor(url string) string {
	if github, ok := address.OnGitHub(url); ok {
		return "source: {github: " + github + "}"
	}
	if address.IsPath(url) && !filepath.IsAbs(url) {
		url = filepath.Join(strings.TrimSuffix(r.path, "/.git"), url)
	}
	return "source: {git: " + line(url) + "}"
}

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

// This file refuses a local repository that has other branches than the one that people push to: a branch that it
// lacks is not gone, and neither is one that this user may not read. Whether a remote repository is a mirror, and how old, cannot be told.

// gitRemote is a remote as the settings of a repository have it.
type gitRemote struct {
	name, url string
	fetch     []string // refspecs
	mirror    bool
}

// remotesOf reads the remotes from what git config --list --null prints, in their order.
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

// lessThan returns how a repository with these remotes is less than another one, and which remote that is; or "". Only a
// repository without any remote is the one that people push to: git clone --bare -o NAME leaves no trace but the remote.
func lessThan(remotes []gitRemote, bare, shallow bool) (what string, of gitRemote) {
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

// copies reports whether the repository takes its own branches from the remote.
func (r gitRemote) copies() bool {
	return slices.ContainsFunc(r.fetch, func(spec string) bool {
		_, to, _ := strings.Cut(spec, ":")
		return strings.HasPrefix(to, "refs/*") || strings.HasPrefix(to, heads)
	})
}

// single reports whether less than all branches of origin are fetched.
func (r gitRemote) single() bool {
	return r.isOrigin() && len(r.fetch) > 0 && !slices.ContainsFunc(r.fetch, func(spec string) bool {
		from, _, _ := strings.Cut(strings.TrimPrefix(spec, "+"), ":")
		return from == heads+"*" || from == "refs/*"
	})
}

// checkWhole refuses a local repository that is less than another, and one whose branches cannot all be read.
func (r *remote) checkWhole(ctx context.Context) error {
	if r.path == "" {
		return nil
	}
	if err := checkReadable(r.repository(ctx)); err != nil {
		return err
	}
	gitDir := "--git-dir=" + r.gitDir()
	output, err := r.git(ctx, nil, gitDir, "rev-parse", "--is-shallow-repository", "--is-bare-repository")
	if err != nil {
		return fmt.Errorf("look at the repository %s: %w", r, err)
	}
	settings, err := r.git(ctx, nil, gitDir, "config", "--local", "--includes", "--list", "--null")
	if err != nil {
		return fmt.Errorf("look at the repository %s: %w", r, err)
	}
	is := strings.Fields(string(output))
	if len(is) != 2 {
		return fault.Failedf("git printed %q for the kind of the repository %s", line(string(output)), r)
	}
	what, of := lessThan(remotesOf(string(settings)), is[1] == "true", is[0] == "true")
	if what == "" {
		return nil
	}
	refusal := fault.Refusedf("%s is %s: a branch that it lacks is not gone", r, line(what))
	if of.url == "" {
		return refusal.WithHint("name the repository that people push to, in the settings: source: {github: owner/name} or source: {git: URL}")
	}
	return refusal.WithHint("write %s in the settings; if people push to %s itself: git -C %s remote remove %s",
		r.settingFor(of.url), r, text.ShellWord(r.path), text.ShellWord(of.name))
}

// checkReadable refuses a repository that keeps branches where this user cannot read them: git skips such a folder
// without a word. commonDir is where the repository keeps its branches, as files of either format.
// Source: git's gitrepository-layout, "refs", "packed-refs"; reftable, "Layout".
func checkReadable(commonDir string) error {
	for _, name := range []string{"refs/heads", "packed-refs", "reftable"} {
		if err := readAll(filepath.Join(commonDir, name)); err != nil {
			return fault.Refusedf("the branches in %s cannot all be read: a branch that git does not see is not gone: %s", line(commonDir), line(err.Error())).
				WithHint("let the user with the uid %d read it and all that is in it", os.Geteuid())
		}
	}
	return nil
}

// readAll returns the first error of opening the file, or all that is in the folder. As git does, it follows symbolic
// links and passes over lock files, and what is removed meanwhile.
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

// settingFor returns the settings' source for the URL of a remote of the local repository.
func (r *remote) settingFor(url string) string {
	if github, ok := address.OnGitHub(url); ok {
		return "source: {github: " + github + "}"
	}
	if address.IsPath(url) && !filepath.IsAbs(url) {
		url = filepath.Join(strings.TrimSuffix(r.path, "/.git"), url)
	}
	return "source: {git: " + line(url) + "}"
}

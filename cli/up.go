package cli

import (
	"archive/zip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"
	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/ci"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/stacks"
)

// versionFlags are the flags of up and preview; they say what the environment runs.
func versionFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "image", Usage: "run the container image `REF`"},
		&urfave.StringFlag{Name: "bundle", Usage: "upload the source bundle `FILE` (zip, jar or war) and run it"},
		&urfave.StringFlag{Name: "version", Usage: "run the application version `LABEL`, which exists"},
		&urfave.StringFlag{Name: "commit", Usage: "the branch's head is the commit `SHA`, for {sha} in the settings' image"},
		&urfave.StringFlag{Name: "like", Usage: "start from the settings and version of the environment of branch `OTHER`"},
		&urfave.StringFlag{Name: "timeout", Usage: "wait for AWS no longer than `DURATION` at a time, as in 45m", DefaultText: "the settings' timeout"},
		allowForkFlag(),
	}
}

func (s *session) upCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "up",
		Usage:     "create or update a branch's environment; ends with its URL",
		ArgsUsage: "[BRANCH]",
		Description: "BRANCH defaults to the branch that the CI system builds, else to the one that is checked out.\n" +
			"Without a version it gets the settings' image for the branch's head; if they name none, it keeps the one it has.",
		Flags: append(versionFlags(),
			&urfave.BoolFlag{Name: "if-exists", Usage: "only update: do nothing if the branch has no environment"},
			&urfave.BoolFlag{Name: "allow-data-loss", Usage: "delete or replace the database or the bucket if the settings ask for it"}),
		Action: s.up,
	}
}

// skipped is up's JSON document if it made nothing.
type skipped struct {
	Branch  string `json:"branch"`
	Skipped string `json:"skipped"` // the reason
}

func (s *session) up(c *urfave.Context) error {
	file, request, err := s.upRequest(c)
	if err != nil {
		return err
	}
	if reason := skipReason(file, request.Branch); reason != "" {
		return s.printSkipped(skipped{request.Branch, reason})
	}
	var environment stacks.Environment
	changes := 0
	err = s.change(c.Context, file, func(m stacks.Manager) error {
		environment, err = m.Up(c.Context, request)
		return err
	}, func(e operation.Event) {
		if e.Kind == operation.ResourceDone && shown(e) {
			changes++
		}
	})
	if err == nil && environment != (stacks.Environment{}) {
		s.sayVersion(request.Image, environment.Version, changes)
	}
	switch {
	case err != nil:
		return err
	case environment == (stacks.Environment{}):
		return s.printSkipped(skipped{request.Branch, "it has no environment, and --if-exists was given"})
	case s.json:
		return s.out.document(environment)
	}
	s.out.linef("%s", environment.URL)
	return nil
}

// sayVersion says that nothing was changed, and warns of an image whose tag may come to mean another image: the same
// reference again deploys nothing. image is what was asked for, "" if the version came from elsewhere.
func (s *session) sayVersion(image, version string, changes int) {
	if changes == 0 {
		s.say("nothing changed")
	}
	if image == "" && strings.ContainsAny(version, ":/") { // no label of a bundle
		image = version
	}
	if moves(image) {
		s.warn("image %s: if the tag latest moves, up will not notice; use a digest or a tag for each commit", image)
	}
}

// moves reports whether image has the tag latest, be it for want of another one, and no digest.
func moves(image string) bool {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return false
	}
	if _, fixed := named.(reference.Digested); fixed {
		return false
	}
	tagged, ok := reference.TagNameOnly(named).(reference.Tagged)
	return ok && tagged.Tag() == "latest"
}

func (s *session) printSkipped(why skipped) error {
	s.say("branch %s is skipped: %s", why.Branch, why.Skipped)
	if s.json {
		return s.out.document(why)
	}
	return nil
}

// skipReason tells why branch gets no environment, or "".
func skipReason(file *config.File, branch string) string {
	pattern, skips := file.Skips(branch)
	if !skips {
		return ""
	}
	return fmt.Sprintf("it matches %q of the settings' skip", pattern)
}

// upRequest checks what was typed against everything that can be known without AWS.
func (s *session) upRequest(c *urfave.Context) (*config.File, stacks.UpRequest, error) {
	request := stacks.UpRequest{
		Image: c.String("image"), Bundle: c.String("bundle"), Version: c.String("version"), Like: c.String("like"),
		IfExists: c.Bool("if-exists"), AllowDataLoss: c.Bool("allow-data-loss"),
	}
	var err error
	if request.Timeout, err = durationFlag(c, "timeout"); err != nil {
		return nil, request, err
	}
	if err := oneOf(c, "image", "bundle", "version"); err != nil {
		return nil, request, err
	}
	if c.IsSet("timeout") && request.Timeout < time.Minute {
		return nil, request, fault.Usagef("a --timeout of %s is too short for AWS", request.Timeout).WithHint("give at least 1m")
	}
	if err := errors.Join(checkImage(request.Image), checkBundle(request.Bundle), checkCommit(c)); err != nil {
		return nil, request, err
	}
	file, err := s.settings()
	if err != nil {
		return nil, request, err
	}
	var build ci.Build
	if request.Branch, build, err = s.ownBranch(c, file, false); err != nil {
		return nil, request, err
	}
	if skipReason(file, request.Branch) == "" {
		if err := s.checkInvented(c.Context, file, request.Branch); err != nil {
			return nil, request, err
		}
	}
	if request.Commit = ci.Commit(c.String("commit")); request.Commit == "" {
		request.Commit, request.CommitUnknown = headCommit(c.Context, build, file.Dir, request.Branch)
	}
	if request.Like == request.Branch {
		return nil, request, fault.Usagef("--like names %s itself", request.Branch).WithHint("name another branch, or leave --like out")
	}
	return file, request, nil
}

// checkImage refuses what is not an image reference.
func checkImage(image string) error {
	if image == "" {
		return nil
	}
	if _, err := reference.ParseNormalizedNamed(image); err != nil {
		return fault.Usagef("--image %q is not an image reference: %w", image, err).
			WithHint("write it as in registry.example.com/app:1.2 or app@sha256:…")
	}
	return nil
}

// checkCommit refuses what is not a whole commit: an abbreviation names no image.
func checkCommit(c *urfave.Context) error {
	if commit := c.String("commit"); c.IsSet("commit") && ci.Commit(commit) == "" {
		return fault.Usagef("--commit %.80q is not a commit", commit).WithHint("give the whole hash, 40 hexadecimal digits")
	}
	return nil
}

// checkBundle refuses a source bundle that Beanstalk could not unpack. A jar and a war are zip archives too.
func checkBundle(path string) error {
	if path == "" {
		return nil
	}
	hint := "give a readable zip, jar or war file"
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.Usagef("the bundle %s does not exist", path).WithHint("%s", hint)
	case err != nil:
		return fault.Usagef("the bundle: %w", err).WithHint("%s", hint)
	case !info.Mode().IsRegular():
		return fault.Usagef("the bundle %s is not a file", path).WithHint("%s", hint)
	}
	archive, err := zip.OpenReader(path)
	if err != nil {
		return fault.Usagef("the bundle %s: %w", path, err).WithHint("%s", hint)
	}
	defer archive.Close()
	if len(archive.File) == 0 {
		return fault.Usagef("the bundle %s is empty", path).WithHint("%s", hint)
	}
	for _, entry := range archive.File {
		if reason := misplaced(entry.Name); reason != "" {
			return fault.Usagef("the bundle %s has an entry %.80q, %s", path, entry.Name, reason).
				WithHint("pack the bundle from inside its folder, with / between the parts of names")
		}
	}
	return nil
}

// misplaced says why an entry of a zip archive would not be unpacked below the folder that it is unpacked in; "" if it would.
func misplaced(name string) string {
	switch {
	case strings.Contains(name, `\`):
		return `which has a \ in its name`
	case strings.HasPrefix(name, "/") || len(name) > 2 && name[1:3] == ":/":
		return "which is an absolute path"
	case slices.Contains(strings.Split(name, "/"), ".."):
		return "which lies outside of it"
	}
	return ""
}

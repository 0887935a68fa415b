package cli

import (
	"context"
	"errors"
	"fmt"
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

// versionFlags are the flags of up and preview that say what the environment runs.
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
		Action: action(parseUp, s.up),
	}
}

type upOptions struct {
	branchOptions
	// request has what was typed; upRequest adds the branch and, unless it was typed, the commit.
	request stacks.UpRequest
}

func parseUp(c *urfave.Context) (upOptions, error) {
	branch, err := parseBranch(c)
	if err != nil {
		return upOptions{}, err
	}
	o := upOptions{branch, stacks.UpRequest{
		Image: c.String("image"), Bundle: c.String("bundle"), Version: c.String("version"), Like: c.String("like"),
		Commit: ci.Commit(c.String("commit")), IfExists: c.Bool("if-exists"), AllowDataLoss: c.Bool("allow-data-loss"),
	}}
	if o.request.Timeout, err = durationFlag(c, "timeout"); err != nil {
		return upOptions{}, err
	}
	if err := oneOf(c, "image", "bundle", "version"); err != nil {
		return upOptions{}, err
	}
	if c.IsSet("timeout") && o.request.Timeout < time.Minute {
		return upOptions{}, fault.Usagef("a --timeout of %s is too short for AWS", o.request.Timeout).WithHint("give at least 1m")
	}
	return o, errors.Join(checkImage(o.request.Image), checkBundle(o.request.Bundle), checkCommit(c.String("commit")))
}

// skipped is the JSON document of `up` if no environment was created.
type skipped struct {
	Branch  string `json:"branch"`
	Skipped string `json:"skipped"` // the reason
}

func (s *session) up(ctx context.Context, o upOptions) error {
	file, request, err := s.upRequest(ctx, o)
	if err != nil {
		return err
	}
	if reason := skipReason(file, request.Branch); reason != "" {
		return s.printSkipped(skipped{request.Branch, reason})
	}
	var environment stacks.Environment
	changes := 0
	err = s.change(ctx, file, func(m stacks.Manager) error {
		environment, err = m.Up(ctx, request)
		return err
	}, func(e operation.Event) {
		if e.Kind == operation.ResourceDone && changesAWS(e) {
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

// sayVersion says if nothing was changed. It also warns of an image whose tag may get another meaning: the same reference deploys
// nothing a second time. image is the value of --image.
func (s *session) sayVersion(image, version string, changes int) {
	if changes == 0 {
		s.say("nothing changed")
	}
	if image == "" && strings.ContainsAny(version, ":/") { // no label of a bundle
		image = version
	}
	if isLatest(image) {
		s.warn("image %s: if the tag latest moves, up will not notice; use a digest or a tag for each commit", image)
	}
}

// isLatest reports whether image has the tag latest, which it also has without any tag, and no digest.
func isLatest(image string) bool {
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

// skipReason returns why the branch gets no environment; "" if it may get one.
func skipReason(file *config.File, branch string) string {
	pattern, skips := file.Skips(branch)
	if !skips {
		return ""
	}
	return fmt.Sprintf("it matches %q of the settings' skip", pattern)
}

// upRequest returns the request for o, after every check that needs no AWS.
func (s *session) upRequest(ctx context.Context, o upOptions) (*config.File, stacks.UpRequest, error) {
	request := o.request
	file, err := s.settings()
	if err != nil {
		return nil, request, err
	}
	var build ci.Build
	if request.Branch, build, err = s.trustedBranch(ctx, file, o.branchOptions, false); err != nil {
		return nil, request, err
	}
	if skipReason(file, request.Branch) == "" {
		if err := s.checkInvented(ctx, file, request.Branch); err != nil {
			return nil, request, err
		}
	}
	if request.Commit == "" {
		request.Commit, request.CommitUnknown = headCommit(ctx, build, file.Dir, request.Branch)
	}
	if request.Like == request.Branch {
		return nil, request, fault.Usagef("--like names %s itself", request.Branch).WithHint("name another branch, or leave --like out")
	}
	return file, request, nil
}

// checkImage refuses anything but an image reference.
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

// checkCommit refuses anything but a whole commit: an abbreviation names no image.
func checkCommit(commit string) error {
	if commit != "" && ci.Commit(commit) == "" {
		return fault.Usagef("--commit %.80q is not a commit", commit).WithHint("give the whole hash, 40 hexadecimal digits")
	}
	return nil
}

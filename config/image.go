package config

import (
	"regexp"
	"strings"

	"github.com/distribution/reference"

	"github.com/branchenv/branchenv/internal/fault"
)

var (
	placeholder = regexp.MustCompile(`\{[^{}]*\}`)
	commitHash  = regexp.MustCompile(`^[0-9a-f]{7,64}$`)
	notInTag    = regexp.MustCompile(`[^A-Za-z0-9._-]+`)
)

func checkImage(template string) (what, instead string) {
	for _, p := range placeholder.FindAllString(template, -1) {
		if p != "{sha}" && p != "{branch}" {
			return quote(p) + " is not a placeholder", "use {sha} and {branch}"
		}
	}
	example := strings.NewReplacer("{sha}", strings.Repeat("0", 40), "{branch}", "main").Replace(template)
	if _, err := reference.ParseNormalizedNamed(example); err != nil {
		return quote(template) + " is not an image reference", "write one such as registry.example.com/app:{sha}"
	}
	return "", ""
}

// NeedsCommit reports whether an image template contains {sha}.
func NeedsCommit(template string) bool { return strings.Contains(template, "{sha}") }

// ExpandImage fills in an image template of the settings. {sha} is the commit's full hash. {branch} is the branch name, with
// each run of characters that are invalid in a tag replaced by a hyphen, as docker/metadata-action does. The error has exit
// code 2.
func ExpandImage(template, sha, branch string) (string, error) {
	if NeedsCommit(template) && !commitHash.MatchString(sha) {
		return "", fault.Usagef("the image %q needs a commit, and %q is not one", template, sha).
			WithHint("run in a checkout of the branch, or name the image with --image")
	}
	tag := strings.TrimLeft(notInTag.ReplaceAllString(branch, "-"), ".-")
	image := strings.NewReplacer("{sha}", sha, "{branch}", tag).Replace(template)
	if _, err := reference.ParseNormalizedNamed(image); err != nil {
		return "", fault.Usagef("the image %q of branch %q is not an image reference: %w", image, branch, err).
			WithHint("correct image in the settings, or name the image with --image")
	}
	return image, nil
}

package config_test

import (
	"strings"
	"testing"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
)

// TestSource checks the refusals of addresses, and what they say to write instead.
func TestSource(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"github: octocat_acme/shop":                  "",
		"git: ../shop.git":                           "",
		"git: https://github.com/you/shop.git":       "",
		"github: a/..":                               `"a/.." is not a GitHub repository: write owner/name`,
		"github: https://github.com/a/b":             `is not a GitHub repository: write a/b`,
		"github: github.com/you/shop.git":            `is not a GitHub repository: write you/shop`,
		"git: https://github.com/you/shop/tree/main": `is not a git remote: write github: you/shop`,
		"git: github.com/you/shop":                   `is not a git remote: write github: you/shop`,
		"git: octocat_acme/shop":                     `write github: octocat_acme/shop, or git: ./octocat_acme/shop for a folder`,
		"git: ftp://example.com/shop.git":            `is not a git remote of a supported kind: write a path, or a URL with https, ssh, git, http or file`,
		"git: https://x:secret@ftp.example.com/shop": `the address holds a user or a password`,
		`git: "https://example.com/shop?token=x"`:    `is not a git remote: it has a ? or a #: write the URL without the part after it`,
	} {
		text := "project: shop\nregion: eu-central-1\ndomain: preview.example.com\nsource: {" + source + "}\n"
		_, err := config.Parse("branchenv.yaml", []byte(text))
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", source, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || fault.Code(err) != fault.Usage || strings.Contains(err.Error(), "secret")):
			t.Errorf("%s: %v; want %q", source, err, want)
		}
	}
}

package address

import (
	"strings"
	"testing"
)

func TestOnGitHub(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://github.com/you/shop":                    "you/shop",
		"https://github.com/you/shop.git":                "you/shop",
		"https://github.com/you/shop/":                   "you/shop",
		"https://github.com/you/shop/tree/main":          "you/shop",
		"https://github.com/you/shop/pull/7?diff=split":  "you/shop",
		"https://github.com/you/shop?tab=readme":         "you/shop",
		"https://github.com/you/shop#readme":             "you/shop",
		"https://x:token@github.com/you/shop":            "you/shop",
		"HTTPS://GitHub.com/you/Shop":                    "you/Shop",
		"https://www.github.com/you/shop":                "you/shop",
		"ssh://git@ssh.github.com:443/you/shop.git":      "you/shop",
		"git@github.com:you/shop.git":                    "you/shop",
		"github.com:you/shop":                            "you/shop",
		"github.com/you/shop":                            "you/shop",
		"github.com/you/shop.git":                        "you/shop",
		"github.com/octocat_acme/shop/tree/main":         "octocat_acme/shop",
		"https://github.com/you":                         "",
		"https://github.com.evil.example/you/shop":       "",
		"https://evil.example/github.com/you/shop":       "",
		"https://evil.example/?x=https://github.com/a/b": "",
		"https://github.com/you/..":                      "",
		"you/shop":                                       "",
		"":                                               "",
	} {
		got, ok := OnGitHub(text)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %t; want %q", text, got, ok, want)
		}
	}
}

func TestCheckGitHub(t *testing.T) {
	t.Parallel()
	for text, instead := range map[string]string{
		"you/shop": "", "octocat_acme/shop": "", "a/.github": "", "a/b.c": "",
		"a/..": "write owner/name", "a/.": "write owner/name", "shop": "write owner/name", "": "write owner/name", "a b/c": "write owner/name",
		"a/b/c": "write a/b", "a/b.git": "write a/b", "https://github.com/a/b": "write a/b", "github.com/a/b/tree/main": "write a/b",
		"https://example.com/a/b": "write owner/name", strings.Repeat("a", 101) + "/b": "write owner/name",
	} {
		wrong, got := CheckGitHub(text)
		if got != instead || (wrong == "") != (instead == "") {
			t.Errorf("%q: %q, %q; want %q", text, wrong, got, instead)
		}
	}
}

func TestCheckGit(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		".", "..", "../shop", "../shop.git", "./acme/shop", "/srv/shop.git", "shop.git", "repos/shop.git", "~/shop", "file:///srv/shop.git", "file://localhost/srv/shop.git",
		"https://example.com/a/b.git", "https://github.com/a/b", "https://github.com/a/b.git", "ssh://git@example.com:2222/a/b", "git@example.com:a/b.git",
		"git@github.com:a/b.git", "git://example.com/a", "http://127.0.0.1:8080/a", "ssh://git@[2001:db8::1]/a",
	} {
		if wrong, instead := CheckGit(text); wrong != "" || instead != "" {
			t.Errorf("%q: %s, %s", text, wrong, instead)
		}
	}
	for text, want := range map[string]string{
		"":                                 "write a path or a URL",
		"--upload-pack=touch x":            "write a path or a URL",
		"a\nb":                             "write a path or a URL",
		"ext::sh -c x":                     "https, ssh, git, http or file",
		"ftp://example.com/a":              "https, ssh, git, http or file",
		"gopher://x/y":                     "https, ssh, git, http or file",
		"https://":                         "write a path or a URL",
		"https://example.com":              "write a URL such as",
		"https://example.com/a?token=x":    "without the part after it",
		"https://github.com/a/b/tree/main": "write github: a/b",
		"https://github.com/a":             "write github: owner/name",
		"github.com/a":                     "write github: owner/name",
		"github.com":                       "write github: owner/name",
		"github.com/a/b":                   "write github: a/b",
		"github.com/a/b.git":               "write github: a/b",
		"file://srv/shop.git":              "write file:///path",
		"file://a@localhost/shop.git":      "write file:///path",
		"acme/shop":                        "write github: acme/shop, or git: ./acme/shop for a folder",
		"octocat_acme/shop":                "write github: octocat_acme/shop",
		"gitlab.com/group/shop":            "write https://gitlab.com/group/shop, or ./gitlab.com/group/shop for a folder",
	} {
		wrong, instead := CheckGit(text)
		if wrong == "" || !strings.Contains(instead, want) {
			t.Errorf("%q: %q, %q; want %q", text, wrong, instead, want)
		}
	}
}

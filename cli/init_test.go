package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/config"
)

func TestSourceOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]config.Source{
		"octocat_acme/shop":                      {GitHub: "octocat_acme/shop"},
		"github.com/you/shop":                    {GitHub: "you/shop"},
		"github.com/you/shop.git":                {GitHub: "you/shop"},
		"https://github.com/you/shop/tree/main":  {GitHub: "you/shop"},
		"https://github.com/you":                 {Git: "https://github.com/you"}, // which the settings refuse
		"acme/shop":                              {GitHub: "acme/shop"},
		"git@github.com:acme/shop.git":           {GitHub: "acme/shop"},
		"ssh://git@github.com/acme/shop.git":     {GitHub: "acme/shop"},
		"ssh://git@github.com:22/acme/shop":      {GitHub: "acme/shop"},
		"https://github.com/acme/shop":           {GitHub: "acme/shop"},
		"https://x:token@github.com/acme/shop/":  {GitHub: "acme/shop"},
		"https://github.com.evil.example/a/b":    {Git: "https://github.com.evil.example/a/b"},
		"https://x:token@git.example.com/a/b":    {Git: "https://git.example.com/a/b"},
		"ssh://git@git.example.com/shop.git":     {Git: "ssh://git@git.example.com/shop.git"},
		"git@git.example.com:acme/deep/shop.git": {Git: "git@git.example.com:acme/deep/shop.git"},
		"../shop.git":                            {Git: "../shop.git"},
		"/srv/git/shop.git":                      {Git: "/srv/git/shop.git"},
	} {
		if diff := cmp.Diff(want, sourceOf(text)); diff != "" {
			t.Errorf("sourceOf(%q):\n%s", text, diff)
		}
	}
}

func TestSourceGiven(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]config.Source{
		"github:acme/shop":         {GitHub: "acme/shop"},
		"github:nonsense":          {GitHub: "nonsense"}, // which the settings refuse
		"git:acme/shop":            {Git: "acme/shop"},   // which the settings refuse
		"git:../shop.git":          {Git: "../shop.git"},
		"git://git.example.com/a":  {Git: "git://git.example.com/a"},
		"git@github.com:acme/shop": {GitHub: "acme/shop"},
		"acme/shop":                {GitHub: "acme/shop"},
	} {
		if diff := cmp.Diff(want, sourceGiven(text)); diff != "" {
			t.Errorf("sourceGiven(%q):\n%s", text, diff)
		}
	}
}

func TestFirstAnswers(t *testing.T) {
	t.Parallel()
	none := func(string) string { return "" }
	from := func(m map[string]string) func(string) string { return func(name string) string { return m[name] } }
	tests := map[string]struct {
		given       initOptions
		env         func(string) string
		dir, remote string
		want        config.Answers
		notes       int
	}{
		"nothing known": {initOptions{}, none, "/src/My Shop", "", config.Answers{
			Project: "my-shop", Region: "eu-central-1", Domain: "preview.example.com", Source: config.Source{Git: "."},
		}, 3},
		"remote and region": {initOptions{}, from(map[string]string{"AWS_REGION": "us-east-1"}), "/src/x", "git@github.com:acme/storefront.git", config.Answers{
			Project: "storefront", Region: "us-east-1", Domain: "preview.example.com", Source: config.Source{GitHub: "acme/storefront"},
		}, 1},
		"flags": {initOptions{project: "p", region: "r", domain: "d", source: "s/t"}, from(map[string]string{"AWS_REGION": "us-east-1"}), "/src/x", "git@github.com:a/b", config.Answers{
			Project: "p", Region: "r", Domain: "d", Source: config.Source{GitHub: "s/t"},
		}, 0},
	}
	for name, test := range tests {
		got, notes := firstAnswers(test.given, test.env, test.dir, checkout{dir: test.dir, inside: true, up: ".", remote: "origin", url: test.remote})
		if diff := cmp.Diff(test.want, got); diff != "" || len(notes) != test.notes {
			t.Errorf("%s: notes %q, answers:\n%s", name, notes, diff)
		}
	}
}

func TestChooseRemote(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		remotes        []string
		followed, want string
	}{
		{[]string{"github"}, "", "github"},
		{[]string{"a", "origin"}, "a", "origin"},
		{[]string{"a", "b", "upstream"}, "b", "b"},
		{[]string{"a", "upstream"}, "", "upstream"},
		{[]string{"a", "b"}, "gone", "a"},
	} {
		if got := chooseRemote(test.remotes, test.followed); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}

// TestCheckoutSource: the remote as seen from the settings' folder, never the checkout if there is a remote.
func TestCheckoutSource(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		up, url string
		want    config.Source
	}{
		{".", "", config.Source{Git: "."}},
		{"..", "", config.Source{Git: ".."}},
		{".", "git@github.com:acme/shop.git", config.Source{GitHub: "acme/shop"}},
		{".", "../shop.git", config.Source{Git: "../shop.git"}},
		{"..", "../shop.git", config.Source{Git: "../../shop.git"}},
		{".", "repos/shop", config.Source{Git: "./repos/shop"}}, // a folder, and no repository of GitHub
		{".", "/srv/shop.git", config.Source{Git: "/srv/shop.git"}},
	} {
		if diff := cmp.Diff(test.want, (checkout{up: test.up, url: test.url}).source()); diff != "" {
			t.Errorf("%+v:\n%s", test, diff)
		}
	}
}

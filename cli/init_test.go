package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/config"
)

func TestSourceOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]config.Source{
		"":                                       {Git: "."},
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

func TestFirstAnswers(t *testing.T) {
	t.Parallel()
	none := func(string) string { return "" }
	from := func(m map[string]string) func(string) string { return func(name string) string { return m[name] } }
	tests := map[string]struct {
		flag, env   func(string) string
		dir, remote string
		want        config.Answers
		notes       int
	}{
		"nothing known": {none, none, "/src/My Shop", "", config.Answers{
			Project: "my-shop", Region: "eu-central-1", Domain: "preview.example.com", Source: config.Source{Git: "."},
		}, 3},
		"remote and region": {none, from(map[string]string{"AWS_REGION": "us-east-1"}), "/src/x", "git@github.com:acme/storefront.git", config.Answers{
			Project: "storefront", Region: "us-east-1", Domain: "preview.example.com", Source: config.Source{GitHub: "acme/storefront"},
		}, 1},
		"flags": {from(map[string]string{"project": "p", "region": "r", "domain": "d", "source": "s/t"}), from(map[string]string{"AWS_REGION": "us-east-1"}), "/src/x", "git@github.com:a/b", config.Answers{
			Project: "p", Region: "r", Domain: "d", Source: config.Source{GitHub: "s/t"},
		}, 0},
	}
	for name, test := range tests {
		got, notes := firstAnswers(test.flag, test.env, test.dir, test.remote)
		if diff := cmp.Diff(test.want, got); diff != "" || len(notes) != test.notes {
			t.Errorf("%s: notes %q, answers:\n%s", name, notes, diff)
		}
	}
}

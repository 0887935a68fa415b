package config

import (
	"testing"

	"github.com/bmatcuk/doublestar/v4"
	"pgregory.net/rapid"
)

// TestMatches checks that the short cut changes no answer.
func TestMatches(t *testing.T) {
	t.Parallel()
	agree := func(pattern, name string) (bool, bool) {
		want, err := doublestar.Match(pattern, name)
		return matches(pattern, name), name != "" && (pattern == name || err == nil && want)
	}
	for _, test := range [][2]string{
		{"ui/**", "ui"}, {"ui/**", "ui/a/b"}, {"ui/**", "uix"}, {"**/*-no-infra", "a-no-infra"}, {"**/*-no-infra", "x/y/a-no-infra"}, {"**/*-no-infra", "-no-infra"},
		{"a", "a"}, {"a", "b"}, {"{a,b}c", "bc"}, {"[ab]c", "bc"}, {`a\*`, "a*"}, {"*", ""}, {"", ""}, {"a/**/b", "a/b"}, {"a[", "a["},
	} {
		if got, want := agree(test[0], test[1]); got != want {
			t.Errorf("%q and %q: %t; want %t", test[0], test[1], got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringOfN(rapid.SampledFrom([]rune(`ab/*?[]{}\,-^!`)), 0, 8, -1).Draw(t, "pattern")
		name := rapid.StringOfN(rapid.SampledFrom([]rune(`ab/*-,`)), 0, 8, -1).Draw(t, "name")
		if got, want := agree(pattern, name); got != want {
			t.Fatalf("%q and %q: %t; want %t", pattern, name, got, want)
		}
	})
}

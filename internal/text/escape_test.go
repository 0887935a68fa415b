package text

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestEscape(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"feature/ü-日本 ok":       "feature/ü-日本 ok",
		"a\nb\r\tc":             `a\x0ab\x0d\x09c`,
		"\x1b[31mred\x1b]0;t\a": `\x1b[31mred\x1b]0;t\x07`,
		"x\u202ey\u2066z":       `x\u202ey\u2066z`,
		"c1 \u009b31m":          `c1 \u009b31m`,
		"bad \xff byte":         `bad \xff byte`,
		"tag \U000e0041":        `tag \U000e0041`,
		"\uFFFD stays":          "\uFFFD stays",
	} {
		if diff := cmp.Diff(want, Escape(in)); diff != "" {
			t.Errorf("Escape(%q):\n%s", in, diff)
		}
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("a\x1b[2Jb\u202e\xff\n")
	f.Fuzz(func(t *testing.T, s string) {
		got := Escape(s)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("Escape(%q) = %q", s, got)
		}
		if Escape(got) != got {
			t.Errorf("Escape(%q) = %q is not clean", s, got)
		}
	})
}

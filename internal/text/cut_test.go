package text

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in    string
		limit int
		want  string
	}{
		{"", 0, ""},
		{"abc", 10, "abc"},
		{"0123456789", 10, "0123456789"},
		{"0123456789a", 10, "0123456…"},
		{"ééééééé", 10, "ééé…"},
		{"bad \xff byte", 9, "bad  …"},
		{"abc", 1, "…"},
	} {
		if got := Cut(tt.in, tt.limit); got != tt.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", tt.in, tt.limit, got, tt.want)
		}
	}
}

func FuzzCut(f *testing.F) {
	f.Add("日本 ünïcode \xff", 5)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		if limit < len("…") || limit > 1000 {
			t.Skip()
		}
		if got := Cut(s, limit); len(got) > limit || got != s && !utf8.ValidString(got) || Cut(got, limit) != got {
			t.Errorf("Cut(%q, %d) = %q", s, limit, got)
		}
	})
}

func TestShorten(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                          "",
		strings.Repeat("é", 600):    strings.Repeat("é", 600),
		strings.Repeat("é", 10_000): strings.Repeat("é", 300) + "… (10000 characters)",
	} {
		if got := Shorten(in); got != want {
			t.Errorf("Shorten(%d runes) = %q", utf8.RuneCountInString(in), got)
		}
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":          `""`,
		"a\nb":      `"a\nb"`,
		"ünïcode":   `"ünïcode"`,
		"éééééééé":  `"éééééééé"`,
		"ééééééééx": `"éééééééé…" (9 characters)`,
	} {
		if got := Quote(in, 8); got != want {
			t.Errorf("Quote(%q, 8) = %s, want %s", in, got, want)
		}
	}
}

package text

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                 "",
		"plain text":                       "plain text",
		" two\r\n lines\t\tand  spaces ":   "two lines and spaces",
		"\x1b[31mred\x1b[0m":               "red",
		"\x1b]0;title\x07after":            "after",
		"\x1b]8;;http://x\x1b\\link":       "link",
		"\u009b2Jcleared":                  "cleared",
		"\x1b":                             "",
		"bell\a, back\b, nul\x00, del\x7f": "bell, back, nul, del",
		"right\u202eto left\u2066":         "rightto left",
		"zero\u200bwidth":                  "zerowidth",
		"bad \xff byte":                    "bad \uFFFD byte",
		"日本 ünïcode":                       "日本 ünïcode",
		"line\u2028separator":              "line separator",
		strings.Repeat("é", 800):           strings.Repeat("é", 599) + "…",
		strings.Repeat("x", 600):           strings.Repeat("x", 600),
	} {
		if got := Line(in); got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzLine(f *testing.F) {
	for _, s := range []string{"a\nb", "\x1b[2J", "\x1b]0;x\x07", "\u009d", "\xff\xfe", "\u202e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Line(s)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > maxLine {
			t.Errorf("Line(%q) = %q", s, got)
		}
		for _, r := range got {
			if r < ' ' || (r >= 0x7f && r < 0xa0) || r == '\u2028' || r == '\u202e' {
				t.Errorf("Line(%q) = %q holds %U", s, got, r)
			}
		}
		if again := Line(got); again != got {
			t.Errorf("Line(Line(%q)) = %q, want %q", s, again, got)
		}
	})
}

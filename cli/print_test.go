package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"feature/ü-日本 ok":       "feature/ü-日本 ok",
		"a\nb\r\tc":             `a\x0ab\x0d\x09c`,
		"\x1b[31mred\x1b]0;t\a": `\x1b[31mred\x1b]0;t\x07`,
		"x\u202ey\u2066z":       `x\u202ey\u2066z`,
		"c1 \u009b31m":          `c1 \u009b31m`,
		"bad \xff byte":         `bad \xff byte`,
		"tag \U000e0041":        `tag \U000e0041`,
		"\uFFFD stays":          "\uFFFD stays",
	} {
		if diff := cmp.Diff(want, clean(text)); diff != "" {
			t.Errorf("clean(%q):\n%s", text, diff)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\x1b[2Jb\u202e\xff\n")
	f.Fuzz(func(t *testing.T, text string) {
		got := clean(text)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("clean(%q) = %q", text, got)
		}
		if clean(got) != got {
			t.Errorf("clean(%q) = %q is not clean", text, got)
		}
	})
}

func FuzzMarshal(f *testing.F) {
	f.Add("a\x1b[2Jb\u202e\u009b\U000e0041<&>\n\"")
	f.Fuzz(func(t *testing.T, text string) {
		document, err := marshal(map[string]string{"branch": text})
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(document, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
			t.Errorf("unprintable: %q", document)
		}
		var back map[string]string
		if err := json.Unmarshal([]byte(document), &back); err != nil {
			t.Fatalf("%q: %v", document, err)
		}
		if want := strings.ToValidUTF8(text, "\uFFFD"); utf8.ValidString(text) && back["branch"] != want {
			t.Errorf("%q came back as %q", text, back["branch"])
		}
	})
}

func TestDurations(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, d := range []time.Duration{0, 59 * time.Second, 61 * time.Second, 62 * time.Minute, 47 * time.Hour, 80 * time.Hour} {
		got[d.String()] = elapsed(d) + " " + age(d)
	}
	want := map[string]string{
		"0s": "0s 0s", "59s": "59s 59s", "1m1s": "1m01s 1m", "1h2m0s": "1h02m 1h", "47h0m0s": "47h00m 47h", "80h0m0s": "80h00m 3d",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	got := []string{count(0, "key"), count(1, "key"), count(999, "key"), count(1000, "key"), count(1234567, "key")}
	want := []string{"0 keys", "1 key", "999 keys", "1,000 keys", "1,234,567 keys"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

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

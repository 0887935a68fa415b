package text

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		word       string
		candidates string
		edits      int
		want       string
	}{
		{"lisst", "up list show", 2, "list"},
		{"LIST", "up list show", 0, "list"},
		{"kep", "deep keep", 2, "keep"},
		{"dep", "keep deep", 1, "deep"},
		{"bc", "ac dc bc", 1, "bc"},
		{"frankfurt", "eu-central-1", 3, ""},
		{"ünicode", "unicode", 1, "unicode"},
		{"", "a b", 2, ""},
		{"a", "", 2, ""},
		{strings.Repeat("x", 100_000), "xx", 1_000_000, ""},
	} {
		if got := Nearest(tt.word, strings.Fields(tt.candidates), tt.edits); got != tt.want {
			t.Errorf("Nearest(%.20q, %q, %d) = %q, want %q", tt.word, tt.candidates, tt.edits, got, tt.want)
		}
	}
}

package fault

import (
	"errors"
	"strings"
	"testing"
)

// TestLongTexts checks that no argument makes an error or a hint too long to be read.
func TestLongTexts(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("y", 100_000)
	e := Usagef("%q is %d, not %w", strings.Repeat("x", 100_000), 3, errors.New("why")).WithHint("not %s", long)
	if len(e.Error()) > 700 || len(Hint(e).String()) > 700 || !strings.HasSuffix(e.Error(), `(100000 characters)" is 3, not why`) {
		t.Errorf("%s, hint %s", e, Hint(e))
	}
	for name, e := range map[string]*Error{
		"command":      Usagef("no").WithHint("%s", Command{"up", long}),
		"text":         Usagef("no").WithHint("%s", Textf("not %s", long)),
		"both":         Usagef("no").WithHint("%s", Textf("not %s: %s", long, Command{"up", long})),
		"in the error": Usagef("no %s", Command{"up", long}),
	} {
		if hint := Hint(e).Render(inSandbox); len(hint) > 1400 || len(e.Error()) > 700 {
			t.Errorf("%s: %d and %d bytes", name, len(e.Error()), len(hint))
		}
	}
}

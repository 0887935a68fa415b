package fault

import (
	"errors"
	"strings"
	"testing"
)

// TestLongTexts checks that no argument makes an error or a hint too long to be read.
func TestLongTexts(t *testing.T) {
	t.Parallel()
	e := Usagef("%q is %d, not %w", strings.Repeat("x", 100_000), 3, errors.New("why")).WithHint("not %s", strings.Repeat("y", 100_000))
	if len(e.Error()) > 700 || len(e.Hint) > 700 || !strings.HasSuffix(e.Error(), `(100000 characters)" is 3, not why`) {
		t.Errorf("%s, hint %s", e, e.Hint)
	}
}

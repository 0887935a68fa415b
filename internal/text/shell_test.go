package text

import "testing"

func TestShellWord(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"feature/login-1.2": "feature/login-1.2",
		"":                  "''",
		"$(rm)":             "'$(rm)'",
		"`rm`;":             "'`rm`;'",
		"a b":               "'a b'",
		"it's":              `'it'\''s'`,
		"ünïcode":           "'ünïcode'",
	} {
		if got := ShellWord(in); got != want {
			t.Errorf("ShellWord(%q) = %s, want %s", in, got, want)
		}
	}
}

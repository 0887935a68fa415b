package text

import "testing"

func TestRedact(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"no address":                                 "no address",
		"https://example.com/a.git":                  "https://example.com/a.git",
		"clone https://u:p@example.com/a.git!":       "clone https://example.com/a.git!",
		"https://token@example.com":                  "https://example.com",
		"get 'https://x.example/a?token=b#c' failed": "get 'https://x.example/a' failed",
		"git@example.com:a/b":                        "git@example.com:a/b",
	} {
		if got := Redact(in); got != want {
			t.Errorf("Redact(%q) = %q, want %q", in, got, want)
		}
	}
}

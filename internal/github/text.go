package github

import (
	"regexp"
	"strings"
	"unicode"
)

// maxLine is the longest text from outside that is shown, in bytes.
const maxLine = 300

// credentials is what may stand before the host of a URL. Some put a token there as the user's name.
var credentials = regexp.MustCompile(`(://)[^/\s@]+@`)

// queries is what follows the path of a URL, where some put a token.
var queries = regexp.MustCompile(`(://[^\s?#]+)[?#][^\s'"]*`)

// redact removes from URLs in s what may be a credential.
func redact(s string) string {
	return queries.ReplaceAllString(credentials.ReplaceAllString(s, "$1"), "$1")
}

// line makes text from outside fit to be shown: one line without credentials, control characters and what changes the
// direction of text, cut where it is long.
func line(s string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r):
			return ' '
		case unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
	clean = redact(strings.Join(strings.Fields(clean), " "))
	if len(clean) > maxLine {
		clean = strings.ToValidUTF8(clean[:maxLine], "") + "…"
	}
	return clean
}

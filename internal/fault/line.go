package fault

import (
	"regexp"
	"strings"
	"unicode"
)

// maxLine is the length, in runes, to which Line cuts: enough for the longest messages that help.
const maxLine = 600

// escapes are terminal escape sequences: CSI, OSC and other strings up to their end, and what else begins with ESC.
var escapes = regexp.MustCompile(`(?:\x1b\[|\x{9b})[0-?]*[ -/]*[@-~]?|(?:\x1b[\]PX^_]|[\x{90}\x{98}\x{9d}-\x{9f}])[^\x07\x1b\x{9c}]*(?:\x07|\x1b\\|\x{9c})?|\x1b[ -/]*[0-~]?`)

// Line makes a text from elsewhere (AWS, the engine, another program) fit to be part of an error or a line: escape
// sequences, control and invisible format characters are removed, what is not UTF-8 becomes U+FFFD, white space becomes
// single spaces, and at most 600 runes are kept. It is for texts that are read; a name, which must stay what it is, is
// quoted instead.
func Line(s string) string {
	s = escapes.ReplaceAllString(strings.ToValidUTF8(s, "\uFFFD"), "")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsGraphic(r): // control, format (bidirectional overrides among them), private use
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > maxLine {
		s = string(runes[:maxLine-1]) + "…"
	}
	return s
}

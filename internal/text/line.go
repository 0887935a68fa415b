package text

import (
	"regexp"
	"strings"
	"unicode"
)

// maxLine is the length to which Line and Shorten cut, in characters: enough for the longest messages that help.
const maxLine = 600

// escapes matches terminal escape sequences: CSI, OSC and other strings up to their end, and the rest that begins with ESC.
var escapes = regexp.MustCompile(`(?:\x1b\[|\x{9b})[0-?]*[ -/]*[@-~]?|(?:\x1b[\]PX^_]|[\x{90}\x{98}\x{9d}-\x{9f}])[^\x07\x1b\x{9c}]*(?:\x07|\x1b\\|\x{9c})?|\x1b[ -/]*[0-~]?`)

// Line returns a message from outside as one line of at most 600 characters; a longer one ends in an ellipsis. See
// OneLine.
func Line(s string) string {
	s = OneLine(s)
	if runes := []rune(s); len(runes) > maxLine {
		s = string(runes[:maxLine-1]) + "…"
	}
	return s
}

// OneLine returns a message from outside as one line of any length. It removes terminal escape sequences, control
// characters and invisible format characters, bidirectional overrides among them. Bytes that are not UTF-8 become U+FFFD,
// and white space becomes single spaces.
func OneLine(s string) string {
	s = escapes.ReplaceAllString(strings.ToValidUTF8(s, "\uFFFD"), "")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsGraphic(r): // control, format, private use
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

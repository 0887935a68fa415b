package text

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Cut returns s if it has at most limit bytes. A longer text is cut between two characters and ends in an ellipsis, at
// most limit bytes with it.
func Cut(s string, limit int) string {
	const ellipsis = "…"
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:max(0, limit-len(ellipsis))], "") + ellipsis
}

// Shorten returns s if it has at most 600 characters. Of a longer text it returns the first 300 characters and how many
// there are in all.
func Shorten(s string) string {
	if len(s) <= maxLine {
		return s
	}
	n := utf8.RuneCountInString(s)
	if n <= maxLine {
		return s
	}
	return string([]rune(s)[:maxLine/2]) + fmt.Sprintf("… (%d characters)", n)
}

// Quote returns s in double quotes, with escapes as in Go. Of a text with more than limit characters it quotes the first
// limit, and says how many there are in all.
func Quote(s string, limit int) string {
	if n := utf8.RuneCountInString(s); n > limit {
		return strconv.Quote(string([]rune(s)[:limit])+"…") + fmt.Sprintf(" (%d characters)", n)
	}
	return strconv.Quote(s)
}

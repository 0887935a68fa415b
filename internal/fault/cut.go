package fault

import (
	"fmt"
	"unicode/utf8"
)

// Cut bounds a text that came from outside, in runes: of one with more than maxLine it returns the beginning and says
// how many there are. Every text that an error or a hint is made from passes it, so that what is printed stays readable.
func Cut(s string) string {
	if len(s) <= maxLine {
		return s
	}
	n := utf8.RuneCountInString(s)
	if n <= maxLine {
		return s
	}
	return string([]rune(s)[:maxLine/2]) + fmt.Sprintf("… (%d characters)", n)
}

// bound bounds the texts among the arguments of a format.
func bound(args []any) {
	for i, arg := range args {
		if s, ok := arg.(string); ok {
			args[i] = Cut(s)
		}
	}
}

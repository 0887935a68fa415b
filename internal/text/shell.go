package text

import (
	"regexp"
	"strings"
)

// plainWord matches words that a shell reads as they are.
var plainWord = regexp.MustCompile(`^[-_./:=@%+,0-9A-Za-z]+$`)

// ShellWord returns s quoted so that a POSIX shell reads it as one word. Hints are copied into a shell, and branch names
// are chosen by others.
func ShellWord(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

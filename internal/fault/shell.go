package fault

import (
	"regexp"
	"strings"
)

// ShellWord writes s so that a POSIX shell reads it back as one word. A hint is there to be copied into a shell, and a
// branch's name is what somebody else chose.
func ShellWord(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

var plainWord = regexp.MustCompile(`^[-_./:=@%+,0-9A-Za-z]+$`)

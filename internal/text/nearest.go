package text

import (
	"strings"

	"github.com/agext/levenshtein"
)

// maxWord is the length in bytes of the longest word that Nearest compares: longer than any name it is asked about.
const maxWord = 80

// Nearest returns the candidate that word is most likely a mistyped form of, or "" if none is within so many edits. An
// edit is a letter too many, a letter missing or a wrong letter; capitals make no difference. Of two candidates at the
// same distance, it prefers the one that begins with the same letter, then the earlier one.
func Nearest(word string, candidates []string, edits int) string {
	if word == "" || len(word) > maxWord {
		return ""
	}
	best, least := "", edits+1
	word = strings.ToLower(word)
	for _, c := range candidates {
		lower := strings.ToLower(c)
		d := levenshtein.Distance(word, lower, nil)
		if d < least || d == least && best != "" && !sameStart(word, best) && sameStart(word, lower) {
			best, least = c, d
		}
	}
	return best
}

func sameStart(word, candidate string) bool {
	return candidate != "" && word[0] == strings.ToLower(candidate)[0]
}

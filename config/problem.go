package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/branchenv/branchenv/internal/text"
)

// Problem is one mistake in a settings file.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`    // from 1
	Column  int    `json:"column"`  // from 1
	Key     string `json:"key"`     // dotted path; "" for the file as a whole
	What    string `json:"what"`    // what is wrong
	Instead string `json:"instead"` // what to write instead
}

// String returns the problem in one line: FILE:LINE:COLUMN: KEY: WHAT: INSTEAD.
func (p Problem) String() string {
	parts := []string{fmt.Sprintf("%s:%d:%d", plain(p.File), p.Line, p.Column)}
	for _, part := range []string{p.Key, p.What, p.Instead} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// Problems are all mistakes in a settings file, in the order of its lines. Load, Parse and Resolve return them within a fault
// with exit code 2; errors.As finds them.
type Problems []Problem

// Error returns one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// maxProblems is how many problems are reported: more than a person corrects before the next try.
const maxProblems = 50

// tidy sorts the problems by place and removes repeated ones, because a layer that several kinds share is checked with each.
// It only counts those beyond maxProblems.
func (ps Problems) tidy() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Key, b.Key), cmp.Compare(a.What, b.What))
	})
	ps = slices.Compact(ps)
	if more := len(ps) - maxProblems; more > 0 {
		next := ps[maxProblems]
		next.Key, next.What, next.Instead = "", fmt.Sprintf("and %d more problems from here on", more), "correct those above first"
		ps = append(ps[:maxProblems:maxProblems], next)
	}
	return ps
}

var harmless = regexp.MustCompile(`^[A-Za-z0-9_./@*+-]+$`)

// maxShown is how many characters of a string from outside are shown.
const maxShown = 80

// plain returns s, in quotes if it could be misread or could break a line of output.
func plain(s string) string {
	if harmless.MatchString(s) {
		return s
	}
	return quote(s)
}

// quote quotes s for a message, and cuts it if it is long.
func quote(s string) string { return text.Quote(s, maxShown) }

// nearest returns the candidate that s is most likely a mistyped form of, or "".
func nearest(s string, candidates []string) string { return text.Nearest(s, candidates, len(s)/3) }

// suggestion returns advice for a wrong word: the candidate that was probably meant, or all candidates.
func suggestion(s string, candidates []string) string {
	if near := nearest(s, candidates); near != "" {
		return "write " + near
	}
	return "use one of " + strings.Join(candidates, ", ")
}

// MistypedKind returns the kind that word was probably meant to be: word is the beginning of its name, or a mistyped form. It
// returns "" if word resembles no kind, is one, or is the match of an entry of branches.
func (f *File) MistypedKind(word string) string {
	kinds := f.Kinds()
	if slices.Contains(kinds, word) || slices.ContainsFunc(f.layers.branches, func(l layer) bool { return l.match == word }) {
		return ""
	}
	for _, kind := range kinds {
		if len(word) >= 2 && strings.HasPrefix(kind, strings.ToLower(word)) {
			return kind
		}
	}
	return nearest(word, kinds)
}

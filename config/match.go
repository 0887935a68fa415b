package config

import (
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// matches tells whether name is what pattern stands for, or written exactly like it: a branch may have characters
// that mean something in a pattern. The pattern was checked.
func matches(pattern, name string) bool {
	if name == "" || pattern == name {
		return name != ""
	}
	if differs(pattern, name) {
		return false
	}
	ok, err := doublestar.Match(pattern, name)
	return err == nil && ok
}

// differs tells whether the plain text that pattern begins and ends with is not that of name. It is what most patterns
// and names need to be told apart, at a fraction of the cost.
func differs(pattern, name string) bool {
	const special = `*?[]{}\,`
	for i := 0; i < len(pattern) && i < len(name) && strings.IndexByte(special, pattern[i]) < 0; i++ {
		if pattern[i] != name[i] {
			return true
		}
	}
	for i := 1; i <= len(pattern) && i <= len(name) && strings.IndexByte(special, pattern[len(pattern)-i]) < 0; i++ {
		if pattern[len(pattern)-i] != name[len(name)-i] {
			return true
		}
	}
	return false
}

// Protects returns the first of the Protected patterns that stands for the branch or the stack. Either may be "".
func (f *File) Protects(branch, stack string) (pattern string, ok bool) {
	for _, p := range f.Protected {
		if matches(p, branch) || matches(p, stack) {
			return p, true
		}
	}
	return "", false
}

// Skips returns the first of the Skip patterns that stands for the branch: it gets no environment.
func (f *File) Skips(branch string) (pattern string, ok bool) {
	for _, p := range f.Skip {
		if matches(p, branch) {
			return p, true
		}
	}
	return "", false
}

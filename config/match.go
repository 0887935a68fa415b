package config

import (
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// matches reports whether pattern matches name or equals it: a branch name may have characters that are special in a
// pattern. The pattern is a valid one.
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

// differs reports whether name lacks the plain text with which pattern begins and ends. That decides most cases at a
// fraction of the cost.
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

// Protects returns the first of the Protected patterns that matches the branch or the stack. Either may be "".
func (f *File) Protects(branch, stack string) (pattern string, ok bool) {
	for _, p := range f.Protected {
		if matches(p, branch) || matches(p, stack) {
			return p, true
		}
	}
	return "", false
}

// Skips returns the first of the Skip patterns that matches the branch. Such a branch gets no environment.
func (f *File) Skips(branch string) (pattern string, ok bool) {
	for _, p := range f.Skip {
		if matches(p, branch) {
			return p, true
		}
	}
	return "", false
}

package config

import "github.com/bmatcuk/doublestar/v4"

// matches tells whether name is what pattern stands for, or written exactly like it: a branch may have characters
// that mean something in a pattern. The pattern was checked.
func matches(pattern, name string) bool {
	ok, err := doublestar.Match(pattern, name)
	return name != "" && (pattern == name || err == nil && ok)
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

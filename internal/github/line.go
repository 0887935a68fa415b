package github

import "github.com/branchenv/branchenv/internal/text"

// maxLine is the longest text from outside that is shown, in bytes.
const maxLine = 300

// line returns text from outside as one short line without credentials.
func line(s string) string { return text.Cut(text.Redact(text.OneLine(s)), maxLine) }

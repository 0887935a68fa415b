package cli

import (
	"errors"
	"slices"
	"strings"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
)

// report prints err. Of an error that joins several, each error gets a line, and each hint.
func (s *session) report(err error) {
	lines := s.messages(err)
	more := max(0, len(lines)-maxLines)
	for _, line := range lines[:len(lines)-more] {
		s.err.linef("%s: error: %s", program, bounded(line))
	}
	if more > 0 {
		s.err.linef("%s: error: and %s", program, text.Count(more, "more line"))
	}
	printed := map[string]bool{}
	for _, hint := range fault.Hints(err) {
		if line := s.render(hint); !printed[line] {
			s.err.linef("%s: hint: %s", program, bounded(line))
			printed[line] = true
		}
	}
}

// Limits of what is printed of one error: lines, and bytes of a line. They are a safeguard: the problems of a settings file, and
// the text of another program (text.Line), are shorter.
const (
	maxLines   = 100
	maxMessage = 2000
)

// bounded cuts a message that is too long to read, and adds its length.
func bounded(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return text.Cut(message, maxMessage) + " (" + text.Count(len(message), "byte") + ")"
}

// messages returns the lines of err's text. If err joins errors, each has lines of its own.
func (s *session) messages(err error) []string {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) && joined.(error).Error() == err.Error() {
		var lines []string
		for _, e := range joined.Unwrap() {
			lines = append(lines, s.messages(e)...)
		}
		return lines
	}
	var lines []string
	for line := range strings.Lines(s.render(fault.Message(err))) {
		if line = strings.TrimRight(line, " \r\n\t"); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// say prints a message, unless --quiet was given.
func (s *session) say(format string, args ...any) {
	if !s.quiet {
		s.warn(format, args...)
	}
}

// warn prints a message, even if --quiet was given.
func (s *session) warn(format string, args ...any) {
	s.err.linef("%s: %s", program, bounded(s.render(fault.Textf(format, args...))))
}

// render returns t with each command as a person would type it after this one.
func (s *session) render(t fault.Text) string { return t.Render(s.withFlags) }

// withFlags returns c with this command's --sandbox and --config: a hint from the sandbox must not lead to the real account, nor
// to other settings.
func (s *session) withFlags(c fault.Command) string {
	if len(c) == 0 || slices.Contains(withoutAccount, c[0]) {
		return c.String()
	}
	return fault.Command(append(s.globalFlags(), c...)).String()
}

// withoutAccount are the commands that use no account, and so do not take --sandbox.
var withoutAccount = []string{"init", "config", "sandbox", "version", "completion", "complete"}

// globalFlags returns the flags for the settings and the AWS of this command.
func (s *session) globalFlags() []string {
	var flags []string
	if s.config != "" {
		flags = append(flags, "--config", s.config)
	}
	if s.sandbox {
		flags = append(flags, "--sandbox")
	}
	return flags
}

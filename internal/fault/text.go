package fault

import (
	"fmt"
	"slices"
	"strings"

	"github.com/branchenv/branchenv/internal/text"
)

// Text is a text for people that may name commands: a hint, a reason, a warning. The zero Text is empty. Texts may be the
// arguments of others, and their commands stay commands there. In JSON a Text is its plain string.
type Text struct {
	plain  string
	format string // with args, what plain is made from; unset if no command is named
	args   []any
}

// Textf returns the text that format and args make, as with fmt.Sprintf. Commands, texts and errors among args keep the
// commands that they name.
func Textf(format string, args ...any) Text {
	t := Text{plain: fmt.Sprintf(format, args...)}
	t.keep(format, args)
	return t
}

// keep remembers what t is made from if that names a command.
func (t *Text) keep(format string, args []any) {
	if !slices.ContainsFunc(args, namesCommand) {
		return
	}
	t.format = strings.NewReplacer("%%", "%%", "%w", "%v").Replace(format)
	t.args = slices.Clone(args)
	for i, arg := range t.args {
		if err, ok := arg.(error); ok {
			t.args[i] = Message(err)
		}
	}
}

// shortened returns t with every argument shortened.
func (t Text) shortened() Text {
	if t.format == "" {
		return Text{plain: text.Shorten(t.plain)}
	}
	args := slices.Clone(t.args)
	shorten(args)
	return Textf(t.format, args...)
}

// Line returns t as one clean line, as text.Line does. Commands keep their arguments.
func (t Text) Line() Text {
	if t.format == "" {
		return Text{plain: text.Line(t.plain)}
	}
	args := slices.Clone(t.args)
	for i, arg := range args {
		switch arg := arg.(type) {
		case string:
			args[i] = linePart(arg)
		case Text:
			args[i] = arg.Line()
		}
	}
	return Textf(t.format, args...)
}

// linePart returns s, a part of a line, as text.Line does, but keeps a space at either end.
func linePart(s string) string {
	part := text.Line(s)
	if strings.HasPrefix(s, " ") {
		part = " " + part
	}
	if strings.HasSuffix(s, " ") && part != " " {
		part += " "
	}
	return part
}

func namesCommand(arg any) bool {
	switch arg := arg.(type) {
	case Command:
		return true
	case Text:
		return arg.format != ""
	case error:
		return Message(arg).format != ""
	}
	return false
}

// String returns the plain text: every command as a person would type it who uses no flags.
func (t Text) String() string { return t.plain }

// IsZero reports whether the text is empty.
func (t Text) IsZero() bool { return t.plain == "" }

// Render returns the text with every command in it as command returns it.
func (t Text) Render(command func(Command) string) string {
	if t.format == "" {
		return t.plain
	}
	args := slices.Clone(t.args)
	for i, arg := range args {
		switch arg := arg.(type) {
		case Command:
			args[i] = command(arg)
		case Text:
			args[i] = arg.Render(command)
		}
	}
	return fmt.Sprintf(t.format, args...)
}

// Equal reports whether both texts are the same, their commands included.
func (t Text) Equal(u Text) bool {
	mark := func(c Command) string { return "\x00" + strings.Join(c, "\x00") + "\x00" }
	return t.plain == u.plain && t.Render(mark) == u.Render(mark)
}

// MarshalText returns the plain text.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.plain), nil }

// UnmarshalText reads a plain text. Commands in it are not known as such any more.
func (t *Text) UnmarshalText(plain []byte) error {
	*t = Text{plain: string(plain)}
	return nil
}

// Message returns err's text with the commands that err, or the errors in it, name.
func Message(err error) Text {
	if e, ok := err.(*Error); ok && e.message.format != "" {
		return e.message
	}
	t := Text{plain: err.Error()}
	format, args := "", []any(nil)
	rest := t.plain
	for _, inner := range unwrap(err) {
		m := Message(inner)
		before, after, found := strings.Cut(rest, m.plain)
		if m.format == "" || !found {
			continue
		}
		format += "%s%s"
		args = append(args, before, m)
		rest = after
	}
	if len(args) > 0 {
		t.format, t.args = format+"%s", append(args, rest)
	}
	return t
}

// unwrap returns the errors that err wraps or joins.
func unwrap(err error) []error {
	switch err := err.(type) {
	case interface{ Unwrap() error }:
		if inner := err.Unwrap(); inner != nil {
			return []error{inner}
		}
	case interface{ Unwrap() []error }:
		return err.Unwrap()
	}
	return nil
}

// Line is text.Line.
func Line(s string) string { return text.Line(s) }

// Cut is text.Shorten.
func Cut(s string) string { return text.Shorten(s) }

// ShellWord is text.ShellWord.
func ShellWord(s string) string { return text.ShellWord(s) }

// shorten shortens the texts among the arguments of a format, so that every error and every hint stays readable.
func shorten(args []any) {
	for i, arg := range args {
		switch arg := arg.(type) {
		case string:
			args[i] = text.Shorten(arg)
		case Text:
			args[i] = arg.shortened()
		case Command:
			short := make(Command, len(arg))
			for j, word := range arg {
				short[j] = text.Shorten(word)
			}
			args[i] = short
		}
	}
}

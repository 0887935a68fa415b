package fault

import "github.com/branchenv/branchenv/internal/text"

// Line is text.Line.
func Line(s string) string { return text.Line(s) }

// Cut is text.Shorten.
func Cut(s string) string { return text.Shorten(s) }

// ShellWord is text.ShellWord.
func ShellWord(s string) string { return text.ShellWord(s) }

// shorten shortens the texts among the arguments of a format, so that every error and every hint stays readable.
func shorten(args []any) {
	for i, arg := range args {
		if s, ok := arg.(string); ok {
			args[i] = text.Shorten(s)
		}
	}
}

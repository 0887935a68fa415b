// Package fault holds errors that carry an exit code and a hint, which says what the reader can do. Any other error is a plain
// failure, exit code 1.
//
// Hints and other texts name commands of branchenv as data. The command line adds its own flags to them when it prints a text;
// a web page or a chat message would render them in another way.
package fault

import (
	"errors"
	"fmt"
)

// Exit codes of the command line. They are part of its contract.
const (
	Failed  = 1  // something went wrong
	Usage   = 2  // wrong usage or settings; nothing was touched
	Refused = 3  // refused for safety; nothing was touched
	Partial = 99 // some environments failed; they were listed
)

// Error is an error with an exit code and, if there is a remedy, a hint.
type Error struct {
	Code int // one of the exit codes
	Err  error

	hint    Text // what to do about it, a sentence without a full stop; may be empty
	message Text // Err's text, if it names commands
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Usagef returns an error of usage or settings: exit code 2.
func Usagef(format string, args ...any) *Error {
	shorten(args)
	return newError(Usage, fmt.Errorf(format, args...), format, args)
}

// Refusedf returns a refusal for safety: exit code 3.
func Refusedf(format string, args ...any) *Error {
	shorten(args)
	return newError(Refused, fmt.Errorf(format, args...), format, args)
}

// Failedf returns a plain failure: exit code 1.
func Failedf(format string, args ...any) *Error {
	shorten(args)
	return newError(Failed, fmt.Errorf(format, args...), format, args)
}

// Partialf returns the error of a command that worked for some stacks and failed for others: exit code 99.
func Partialf(format string, args ...any) *Error {
	shorten(args)
	return newError(Partial, fmt.Errorf(format, args...), format, args)
}

// newError returns the error err, which was made from format and args.
func newError(code int, err error, format string, args []any) *Error {
	e := &Error{Code: code, Err: err, message: Text{plain: err.Error()}}
	e.message.keep(format, args)
	return e
}

// WithHint sets the hint of e and returns e. Commands and other texts may be among args.
func (e *Error) WithHint(format string, args ...any) *Error {
	shorten(args)
	e.hint = Textf(format, args...)
	return e
}

// Code returns the exit code for err: 0 for nil, the code of the outermost Error in its chain, else 1.
func Code(err error) int {
	if err == nil {
		return 0
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Failed
}

// Hint returns the first of Hints, or the empty text.
func Hint(err error) Text {
	if hints := Hints(err); len(hints) > 0 {
		return hints[0]
	}
	return Text{}
}

// Hints returns the hints of err: the outermost one in its chain, or if err joins errors, those of each of them.
func Hints(err error) []Text {
	if e, ok := err.(*Error); ok && !e.hint.IsZero() {
		return []Text{e.hint}
	}
	var hints []Text
	for _, inner := range unwrap(err) {
		hints = append(hints, Hints(inner)...)
	}
	return hints
}

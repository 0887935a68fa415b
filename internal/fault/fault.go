// Package fault holds the errors that carry an exit code and a hint. The hint says what the reader can do. Any other error
// is a plain failure, exit code 1.
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
	Code int    // one of the exit codes
	Hint string // what to do about it, a sentence without a full stop; may be empty
	Err  error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Usagef returns an error of usage or settings: exit code 2.
func Usagef(format string, args ...any) *Error {
	shorten(args)
	return &Error{Code: Usage, Err: fmt.Errorf(format, args...)}
}

// Refusedf returns a refusal for safety: exit code 3.
func Refusedf(format string, args ...any) *Error {
	shorten(args)
	return &Error{Code: Refused, Err: fmt.Errorf(format, args...)}
}

// Failedf returns a plain failure: exit code 1.
func Failedf(format string, args ...any) *Error {
	shorten(args)
	return &Error{Code: Failed, Err: fmt.Errorf(format, args...)}
}

// WithHint sets the hint of e and returns e.
func (e *Error) WithHint(format string, args ...any) *Error {
	shorten(args)
	e.Hint = fmt.Sprintf(format, args...)
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

// Hint returns the outermost hint in err's chain, or "".
func Hint(err error) string {
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			return ""
		}
		if e.Hint != "" {
			return e.Hint
		}
		err = e.Err
	}
	return ""
}

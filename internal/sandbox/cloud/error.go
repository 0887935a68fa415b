package cloud

import (
	"fmt"
	"strings"
)

// An Error is an error answer of AWS.
type Error struct {
	Code    string
	Message string
	Status  int // HTTP status; 400 unless AWS uses another
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Errorf returns an AWS error with HTTP status 400.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Status: 400}
}

// WithStatus sets the HTTP status and returns e.
func (e *Error) WithStatus(status int) *Error {
	e.Status = status
	return e
}

// parseError parses "Code: message". Missing parts are replaced by the given code and message.
func parseError(s, code, message string, status int) *Error {
	if s == "" {
		return &Error{Code: code, Message: message, Status: status}
	}
	if c, m, ok := strings.Cut(s, ": "); ok && !strings.ContainsAny(c, " \t") {
		return &Error{Code: c, Message: m, Status: status}
	}
	return &Error{Code: code, Message: s, Status: status}
}

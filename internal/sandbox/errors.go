package sandbox

import (
	"fmt"
	"strings"
)

// An awsError is an error as AWS answers it.
type awsError struct {
	Code    string
	Message string
	Status  int // HTTP status; 400 unless AWS uses another
}

func (e *awsError) Error() string { return e.Code + ": " + e.Message }

func awsErrorf(code, format string, args ...any) *awsError {
	return &awsError{Code: code, Message: fmt.Sprintf(format, args...), Status: 400}
}

// with sets the HTTP status.
func (e *awsError) with(status int) *awsError {
	e.Status = status
	return e
}

// parseAWSError reads "Code: message"; what is missing comes from the defaults.
func parseAWSError(s, code, message string, status int) *awsError {
	if s == "" {
		return &awsError{Code: code, Message: message, Status: status}
	}
	if c, m, ok := strings.Cut(s, ": "); ok && !strings.ContainsAny(c, " \t") {
		return &awsError{Code: c, Message: m, Status: status}
	}
	return &awsError{Code: code, Message: s, Status: status}
}

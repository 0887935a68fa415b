package s3

import (
	"encoding/xml"
	"errors"
	"net/http"

	"github.com/johannesboyne/gofakes3"
)

// An Error is an error answer of S3.
type Error struct {
	Code    string
	Message string
	Status  int // HTTP status
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Code returns the code with which S3 answers err, "" if err is not an error of S3.
func Code(err error) string {
	if e, ok := AsError(err); ok {
		return e.Code
	}
	return ""
}

// AsError returns the answer of S3 to err. ok is false if err is not an error of S3.
func AsError(err error) (e *Error, ok bool) {
	var library gofakes3.Error
	switch {
	case errors.As(err, &e):
		return e, true
	case !errors.As(err, &library):
		return nil, false
	}
	code := library.ErrorCode()
	message := code.Message()
	var full *gofakes3.ErrorResponse
	if errors.As(err, &full) && full.Message != "" {
		message = full.Message
	}
	if message == "" {
		message = err.Error()
	}
	return &Error{Code: string(code), Message: message, Status: max(code.Status(), http.StatusBadRequest)}, true
}

// WriteError writes an error answer.
func WriteError(w http.ResponseWriter, err error) {
	var ours *Error
	var theirs gofakes3.Error
	switch {
	case errors.As(err, &ours):
	case errors.As(err, &theirs):
		ours = &Error{Code: string(theirs.ErrorCode()), Message: theirs.ErrorCode().Message(), Status: theirs.ErrorCode().Status()}
	default:
		ours = &Error{Code: "InternalError", Message: err.Error(), Status: 500}
	}
	writeXML(w, ours.Status, struct {
		XMLName xml.Name `xml:"Error"`
		Code    string   `xml:"Code"`
		Message string   `xml:"Message"`
	}{Code: ours.Code, Message: ours.Message})
}

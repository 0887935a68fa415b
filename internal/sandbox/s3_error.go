package sandbox

import (
	"encoding/xml"
	"errors"
	"net/http"

	"github.com/johannesboyne/gofakes3"
)

// An s3Err is an error as S3 answers it.
type s3Err struct {
	Code    string
	Message string
	Status  int // HTTP status
}

func (e *s3Err) Error() string { return e.Code + ": " + e.Message }

// s3Code returns S3's code of an error, "" if it is not S3's own.
func s3Code(err error) string {
	if e, ok := asS3Error(err); ok {
		return e.Code
	}
	return ""
}

// asS3Error returns the error with which S3 answers err. ok is false if err is not S3's own.
func asS3Error(err error) (e *s3Err, ok bool) {
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
	return &s3Err{Code: string(code), Message: message, Status: max(code.Status(), http.StatusBadRequest)}, true
}

// s3Error answers with an error of ours or of the library.
func s3Error(w http.ResponseWriter, err error) {
	var ours *s3Err
	var theirs gofakes3.Error
	switch {
	case errors.As(err, &ours):
	case errors.As(err, &theirs):
		ours = &s3Err{Code: string(theirs.ErrorCode()), Message: theirs.ErrorCode().Message(), Status: theirs.ErrorCode().Status()}
	default:
		ours = &s3Err{Code: "InternalError", Message: err.Error(), Status: 500}
	}
	writeXML(w, ours.Status, struct {
		XMLName xml.Name `xml:"Error"`
		Code    string   `xml:"Code"`
		Message string   `xml:"Message"`
	}{Code: ours.Code, Message: ours.Message})
}

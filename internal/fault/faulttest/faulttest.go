// Package faulttest checks errors in tests.
package faulttest

import (
	"testing"

	"github.com/branchenv/branchenv/internal/fault"
)

// Check fails the test unless err has this text, this exit code and a hint.
func Check(t *testing.T, err error, code int, want string) {
	t.Helper()
	if err == nil || err.Error() != want || fault.Code(err) != code || fault.Hint(err).IsZero() {
		t.Errorf("got error %v, code %d, hint %q\nwant      %s, code %d and a hint", err, fault.Code(err), fault.Hint(err), want, code)
	}
}

// Message returns err's text, or "" if there is no error.
func Message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/google/go-github/v60/github"

	"github.com/branchenv/branchenv/internal/fault"
)

// explain returns go-github's error as one that says what happened and what to do.
func (h *hub) explain(err error) error {
	var refusal *fault.Error
	if errors.As(err, &refusal) {
		return refusal
	}
	var response *github.ErrorResponse
	if errors.As(err, &response) {
		return h.explainStatus(response.Response.StatusCode, line(response.Message))
	}
	if err == context.Canceled || err == context.DeadlineExceeded { // go-github returns the error of the caller's context
		return err
	}
	var failed *url.Error
	if errors.As(err, &failed) {
		return fault.Failedf("%s", line(failed.Err.Error())).WithHint("check whether %s can be reached from here", h.api.Host)
	}
	return fault.Refusedf("%s gave an unexpected answer: %s", h.api.Host, line(err.Error())).WithHint("%s", h.addressHint())
}

func (h *hub) explainStatus(status int, said string) error {
	text := fmt.Sprintf("%s answered %d %s", h.api.Host, status, http.StatusText(status))
	if said != "" && said != http.StatusText(status) {
		text += ": " + said
	}
	e := fault.Failedf("%s", text)
	switch {
	case status == http.StatusUnauthorized && h.token == "":
		return e.WithHint("set GITHUB_TOKEN")
	case status == http.StatusUnauthorized:
		return e.WithHint("GITHUB_TOKEN is wrong or has expired")
	case status == http.StatusForbidden:
		return e.WithHint("GITHUB_TOKEN needs the permission to read the repository's contents")
	case status == http.StatusNotFound && h.token == "":
		return e.WithHint("check the repository's name; a private one needs GITHUB_TOKEN")
	case status == http.StatusNotFound:
		return e.WithHint("check the repository's name, and that GITHUB_TOKEN may read it")
	case status == http.StatusGone || status == http.StatusUnavailableForLegalReasons:
		return e.WithHint("check at %s what happened to the repository; its environments are left alone", h.api.Host)
	case status >= 500:
		return e.WithHint("run it again later")
	}
	return e
}

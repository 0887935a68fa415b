package github

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/branchenv/branchenv/internal/fault"
)

const (
	maxAnswer   = 32 << 20 // bytes of one answer; a page of a hundred branches has 50 KB
	maxAttempts = 3        // of a request that is limited, or that server or network fail
)

// transport sends go-github's requests. It adds the token, waits if GitHub limits requests, repeats requests after temporary
// failures, and makes requests conditional if the call wants that. It passes an answer on only if it is complete and JSON.
//
// It hides GitHub's counters from go-github v60. After an answer with no requests left, go-github makes no further request,
// though an unchanged page costs nothing. And it treats a 429 as an ordinary error (github.go, checkRateLimitBeforeDo and
// CheckResponse).
type transport struct {
	Options
	api   *url.URL
	token string
	cache *cache
}

// call is the state that the requests of one call of a Source share.
type call struct {
	left        time.Duration // how long it may still wait for limits
	conditional bool          // whether to ask if the kept answers are still right
	changed     int           // how many answers so far differ from the kept ones
}

type callKey struct{}

func withCall(ctx context.Context, c *call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	c := req.Context().Value(callKey{}).(*call)
	failures := backoff.NewExponentialBackOff()
	failures.InitialInterval, failures.RandomizationFactor = 1500*time.Millisecond, 0.33 // 1s to 2s
	for attempt := 1; ; attempt++ {
		a, err := t.attempt(req, c)
		limit, limited := time.Duration(0), false
		if err == nil {
			limit, limited = t.limit(a, attempt)
		}
		switch {
		case limited && (limit > c.left || attempt >= maxAttempts):
			return nil, t.limitError(a, limit, attempt)
		case limited:
			wait := min(limit+rand.N(limit/10+time.Second), c.left) // #nosec G404 -- spreads requests, guards nothing
			c.left -= wait
			t.Log(fmt.Sprintf("GitHub limits requests: asking again in %s", round(wait)))
			err = t.sleep(req.Context(), wait)
		case (err != nil && !final(err) || err == nil && a.StatusCode >= 500) && attempt < maxAttempts && req.Context().Err() == nil:
			err = t.sleep(req.Context(), failures.NextBackOff())
		case err != nil:
			return nil, err
		default:
			return t.accept(req, a, c)
		}
		if err != nil {
			return nil, err
		}
	}
}

// final reports whether a further attempt would fail as well.
func final(err error) bool {
	var refusal *fault.Error
	return errors.As(err, &refusal)
}

// attempt sends the request once and reads the answer to its end.
func (t *transport) attempt(req *http.Request, c *call) (answer, error) {
	ctx, cancel := context.WithTimeout(req.Context(), t.Timeout)
	defer cancel()
	out := req.Clone(ctx)
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return answer{}, err
		}
		out.Body = body
	}
	out.Header.Del("Authorization")
	if t.token != "" && out.URL.Scheme == t.api.Scheme && out.URL.Host == t.api.Host {
		out.Header.Set("Authorization", "Bearer "+t.token)
	}
	var kept *entry
	if c.conditional {
		if e, ok := t.cache.answer(req.URL.String()); ok {
			kept = &e
			out.Header.Set("If-None-Match", e.ETag)
		}
	}
	resp, err := t.transport.RoundTrip(out)
	var body []byte
	if err == nil {
		defer resp.Body.Close()
		body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	}
	switch {
	case ctx.Err() != nil && req.Context().Err() == nil:
		return answer{}, fmt.Errorf("%s gave no answer in %s", t.api.Host, t.Timeout)
	case resp == nil:
		return answer{}, fmt.Errorf("%s: %w", t.api.Host, err)
	case err != nil:
		return answer{}, fmt.Errorf("%s ended its answer too early: %w", t.api.Host, err)
	case len(body) > maxAnswer:
		return answer{}, fault.Refusedf("%s sent more than %d MB", t.api.Host, maxAnswer>>20)
	}
	return answer{resp, body, kept}, nil
}

// limit returns how long to wait, and reports whether the answer says that there were too many requests.
// A 403 counts only if it is GitHub's: a proxy's login page is no limit.
// Source: GitHub's documentation, "Rate limits for the REST API", exceeding the rate limit.
func (t *transport) limit(resp answer, attempt int) (time.Duration, bool) {
	if !(resp.StatusCode == http.StatusForbidden && resp.ofGitHub()) && resp.StatusCode != http.StatusTooManyRequests {
		return 0, false
	}
	if after := resp.Header.Get("Retry-After"); after != "" {
		if seconds, err := strconv.Atoi(after); err == nil && seconds >= 0 {
			return time.Duration(min(seconds, 1<<30)) * time.Second, true
		}
		if at, err := http.ParseTime(after); err == nil {
			return max(at.Sub(t.now()), 0), true
		}
	}
	if reset, ok := resetTime(resp); ok && resp.Header.Get("X-RateLimit-Remaining") == "0" {
		return max(reset.Sub(t.now()), 0) + time.Second, true // the header has whole seconds
	}
	if resp.StatusCode == http.StatusTooManyRequests || strings.Contains(strings.ToLower(message(resp.body)), "rate limit") {
		return time.Minute << min(attempt-1, 10), true
	}
	return 0, false
}

func resetTime(resp answer) (time.Time, bool) {
	seconds, err := strconv.ParseInt(resp.Header.Get("X-RateLimit-Reset"), 10, 64)
	return time.Unix(seconds, 0), err == nil && seconds > 0
}

// limitError returns the error of a limit that needs a longer wait than allowed, or more waits.
func (t *transport) limitError(resp answer, wait time.Duration, attempts int) error {
	text := fmt.Sprintf("%s answered %d: too many requests; it asks to wait %s, and branchenv waits at most %s in all",
		t.api.Host, resp.StatusCode, round(wait), round(t.MaxWait))
	if attempts >= maxAttempts {
		text = fmt.Sprintf("%s answered %d: too many requests, again after %d waits as long as it asked for",
			t.api.Host, resp.StatusCode, attempts-1)
	}
	if limit, left := resp.Header.Get("X-RateLimit-Limit"), resp.Header.Get("X-RateLimit-Remaining"); limit != "" && left != "" {
		text += fmt.Sprintf("; %s of %s requests are left", line(left), line(limit))
		if reset, ok := resetTime(resp); ok {
			text += " until " + reset.UTC().Format("15:04:05 UTC")
		}
	}
	if said := message(resp.body); said != "" {
		text += ": " + said
	}
	hint := "run it again later"
	if t.token == "" {
		hint = "set GITHUB_TOKEN: without one GitHub allows 60 requests an hour"
	}
	return fault.Failedf("%s", text).WithHint("%s", hint)
}

// accept checks an answer and returns the response for go-github.
func (t *transport) accept(req *http.Request, a answer, c *call) (*http.Response, error) {
	status, body, link := a.StatusCode, a.body, a.Header.Get("Link")
	switch {
	case status == http.StatusNotModified && a.kept == nil:
		return nil, fault.Refusedf("%s answered that nothing changed to a request that did not ask for it", t.api.Host)
	case status == http.StatusNotModified:
		status, body, link = http.StatusOK, a.kept.Body, a.kept.Link
	case status >= 300 && status < 400:
		if err := t.checkMove(req, a); err != nil {
			return nil, err
		}
	case status >= 400 && status < 500 && !a.ofGitHub():
		return nil, fault.Refusedf("%s answered %d %s with %s, which is not GitHub's error", t.api.Host, status, http.StatusText(status), a.kind()).
			WithHint("%s", t.addressHint())
	case status > 200 && status < 300:
		return nil, fault.Refusedf("%s answered %d, which is not a valid answer", t.api.Host, status)
	case status == http.StatusOK:
		if err := t.checkJSON(a); err != nil {
			return nil, err
		}
		c.changed++
		if etag := a.Header.Get("ETag"); c.conditional && etag != "" {
			t.cache.keep(entry{URL: req.URL.String(), ETag: etag, Link: link, Body: body})
		}
	}
	header := http.Header{"Content-Type": {"application/json"}}
	for name, value := range map[string]string{"Link": link, "Location": a.Header.Get("Location")} {
		if value != "" {
			header.Set(name, value)
		}
	}
	return &http.Response{
		Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status, Proto: a.Proto, ProtoMajor: a.ProtoMajor,
		ProtoMinor: a.ProtoMinor, Header: header, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}, nil
}

// checkJSON refuses an answer that is not one JSON document. go-github would accept an empty one.
func (t *transport) checkJSON(a answer) error {
	if json.Valid(a.body) {
		return nil
	}
	return fault.Refusedf("%s answered 200 with %s", t.api.Host, a.kind()).WithHint("%s", t.addressHint())
}

// addressHint returns what to do about answers that do not look like GitHub's.
func (t *transport) addressHint() string {
	if t.api.Host == publicHost || strings.HasSuffix(t.api.Path, "/api/v3/") {
		return "run the same command again; if it stays, check what answers at " + t.api.Host
	}
	return "check GITHUB_API_URL: an Enterprise server's ends in /api/v3"
}

func round(d time.Duration) time.Duration { return d.Round(time.Second) }

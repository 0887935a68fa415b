package cli

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/internal/fault"
)

// visited is the JSON document of `sandbox get`.
type visited struct {
	URL    string `json:"url"`
	Status int    `json:"status"` // the HTTP status code
	Body   string `json:"body"`
}

type sandboxGetOptions struct {
	target *url.URL
}

func parseSandboxGet(c *urfave.Context) (sandboxGetOptions, error) {
	target, err := parseTarget(c.Args().First())
	return sandboxGetOptions{target}, err
}

func (s *session) sandboxGet(ctx context.Context, o sandboxGetOptions) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	endpoint, err := gateway(file)
	if err != nil {
		return err
	}
	v, err := visit(ctx, endpoint, o.target)
	if err != nil {
		return err
	}
	if s.json {
		err = s.out.document(v)
	} else {
		for line := range strings.Lines(v.Body) {
			s.out.linef("%s", strings.TrimSuffix(line, "\n"))
		}
	}
	if err == nil && v.Status != http.StatusOK {
		err = fault.Failedf("%s: %s", o.target, strings.ToLower(http.StatusText(v.Status)))
	}
	return err
}

// parseTarget parses a URL or a host name.
func parseTarget(text string) (*url.URL, error) {
	whole := text
	if !strings.Contains(whole, "://") {
		whole = "https://" + whole
	}
	u, err := url.Parse(whole)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fault.Usagef("%q is neither a URL of HTTP nor a host name", text)
	}
	return u, nil
}

// visit requests target from the gateway, as if DNS pointed there.
func visit(ctx context.Context, gateway, target *url.URL) (v visited, err error) {
	const patience = 30 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	at := *target
	at.Scheme, at.Host, at.User = gateway.Scheme, gateway.Host, nil
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return v, err
	}
	req.Host = target.Host
	req.Header.Set("Accept", "text/plain")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	const limit = 1 << 20
	body, err := io.ReadAll(io.LimitReader(res.Body, limit))
	return visited{URL: target.String(), Status: res.StatusCode, Body: string(body)}, err
}

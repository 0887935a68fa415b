package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/sandbox"
)

// gateway is the endpoint of the running `sandbox serve` of file's project, where the embedded AWS's environments
// answer.
func gateway(file *config.File) (*url.URL, error) {
	endpoint, err := sandbox.Serving(filepath.Join(sandboxDir(file), "aws"))
	if err != nil {
		return nil, err
	}
	if endpoint == "" {
		return nil, fault.Failedf("nothing answers: the sandbox's environments can be visited while it is served").
			WithHint("%s, in another terminal", fault.Command{"sandbox", "serve"})
	}
	return url.Parse(endpoint)
}

// locally is the address at which the gateway answers for an environment's URL on this machine.
func locally(gateway *url.URL, environment string) (string, error) {
	u, err := url.Parse(environment)
	if err != nil {
		return "", err
	}
	label, _, _ := strings.Cut(u.Hostname(), ".")
	return fmt.Sprintf("http://%s.localhost:%s/", label, gateway.Port()), nil
}

// visited is `sandbox get`'s JSON document.
type visited struct {
	URL    string `json:"url"`
	Status int    `json:"status"` // of HTTP
	Body   string `json:"body"`
}

func (s *session) sandboxGet(c *urfave.Context) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	target, err := visitable(c.Args().First())
	if err != nil {
		return err
	}
	endpoint, err := gateway(file)
	if err != nil {
		return err
	}
	v, err := visit(c.Context, endpoint, target)
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
		err = fault.Failedf("%s: %s", target, strings.ToLower(http.StatusText(v.Status)))
	}
	return err
}

// visitable is the URL that `sandbox get` was given, or that of the host name it was given.
func visitable(text string) (*url.URL, error) {
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

// visit asks the gateway for target, as if DNS had led to it.
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

package cli

import (
	"context"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/internal/sandbox"
	"github.com/branchenv/branchenv/internal/text"
)

// served is the JSON document of `sandbox serve`.
type served struct {
	Endpoint  string            `json:"endpoint"`
	Variables map[string]string `json:"variables"`
	Sites     []sandbox.Site    `json:"sites"` // the environments that exist now
}

type sandboxServeOptions struct {
	addr string // HOST:PORT; "" for a free port
}

func parseSandboxServe(c *urfave.Context) (sandboxServeOptions, error) {
	return sandboxServeOptions{c.String("addr")}, nil
}

func (s *session) sandboxServe(ctx context.Context, o sandboxServeOptions) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	e, err := s.startSandbox(ctx, file, o.addr)
	if err != nil {
		return err
	}
	defer e.Close()
	if err := e.Announce(); err != nil {
		return err
	}
	sites, err := e.Sites()
	if err != nil {
		return err
	}
	variables := slices.Sorted(slices.Values(e.Env()))
	if s.json {
		document := served{Endpoint: e.Endpoint(), Variables: map[string]string{}, Sites: append([]sandbox.Site{}, sites...)}
		for _, v := range variables {
			name, value, _ := strings.Cut(v, "=")
			document.Variables[name] = value
		}
		if err := s.out.document(document); err != nil {
			return err
		}
	} else {
		for _, v := range variables {
			name, value, _ := strings.Cut(v, "=")
			s.out.linef("export %s=%s", name, text.ShellWord(value))
		}
	}
	for _, site := range sites {
		s.say("branch %s: %s", site.Branch, site.Address)
	}
	s.say("serving at %s until Ctrl-C", e.Endpoint())
	<-ctx.Done()
	return nil
}

package cli

import (
	"context"
	"io"

	"github.com/pkg/browser"
	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/stacks"
)

func (s *session) openCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "open",
		Usage:     "open a branch's environment in the browser",
		ArgsUsage: "[BRANCH]",
		Action:    action(parseBranch, s.open),
	}
}

func (s *session) open(ctx context.Context, o branchOptions) error {
	return s.withEnvironment(ctx, o.branch, func(e stacks.Environment) error {
		if e.URL == "" {
			return fault.Failedf("the environment of branch %s has no URL yet", e.Branch).
				WithHint("%s", fault.Command{"up", e.Branch})
		}
		address, err := s.address(e)
		if err != nil {
			return err
		}
		if s.json {
			if err := s.out.document(e); err != nil {
				return err
			}
		} else {
			s.out.linef("%s", address)
		}
		browser.Stdout, browser.Stderr = io.Discard, io.Discard
		if err := browser.OpenURL(address); err != nil {
			return fault.Failedf("open a browser: %w", err).WithHint("open %s yourself", address)
		}
		return nil
	})
}

// address returns the address to open: the environment's URL, or in the sandbox its address at the gateway.
func (s *session) address(e stacks.Environment) (string, error) {
	if !s.sandbox {
		return e.URL, nil
	}
	file, err := s.settings()
	if err != nil {
		return "", err
	}
	endpoint, err := gateway(file)
	if err != nil {
		return "", err
	}
	return localAddress(endpoint, e.URL)
}

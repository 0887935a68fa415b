package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/sandbox"
)

func (s *session) sandboxReset(ctx context.Context, o yesOptions) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	dir := sandboxDir(file)
	if !o.yes {
		if !s.canAsk {
			return fault.Usagef("sandbox reset asks before it acts, and nobody can be asked here").
				WithHint("add --yes to throw away what is in %s", dir)
		}
		s.warn("about to throw away the embedded AWS and all its stacks, in %s", dir)
		if err := s.confirm(ctx); err != nil {
			return err
		}
	}
	if err := errors.Join(sandbox.Reset(filepath.Join(dir, "aws")), os.RemoveAll(filepath.Join(dir, "state"))); err != nil {
		return err
	}
	s.say("the sandbox in %s is empty", dir)
	return nil
}

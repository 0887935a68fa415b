package cli

import (
	"context"
	"errors"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/sandbox"
)

type sandboxFillOptions struct {
	bucket   string
	versions int
}

func parseSandboxFill(c *urfave.Context) (sandboxFillOptions, error) {
	o := sandboxFillOptions{c.Args().First(), c.Int("versions")}
	if o.versions < 1 || o.versions > 100_000 {
		return o, fault.Usagef("--versions %d is out of range", o.versions).WithHint("give 1 to 100000")
	}
	return o, nil
}

func (s *session) sandboxFill(ctx context.Context, o sandboxFillOptions) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	e, err := s.startSandbox(ctx, file, "")
	if err != nil {
		return err
	}
	err = errors.Join(e.Fill(ctx, o.bucket, o.versions, nil), e.Close())
	if errors.Is(err, sandbox.ErrNoBucket) {
		return fault.Usagef("the sandbox has no bucket %s", o.bucket).WithHint("%s lists them", fault.Command{"sandbox", "resources"})
	}
	if err != nil {
		return err
	}
	s.say("wrote %d object versions into %s", o.versions, o.bucket)
	return nil
}

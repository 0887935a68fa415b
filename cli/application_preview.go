package cli

import (
	"context"

	"github.com/branchenv/branchenv/stacks"
)

func (s *session) applicationPreview(ctx context.Context) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	s.warnSettings(file)
	var preview stacks.Preview
	err = s.change(ctx, file, func(m stacks.Manager) (err error) {
		preview, err = m.ApplicationPreview(ctx)
		return err
	})
	if err != nil {
		return err
	}
	return s.printPreview(preview)
}

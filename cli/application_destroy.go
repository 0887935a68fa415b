package cli

import (
	"context"

	"github.com/branchenv/branchenv/stacks"
)

func (s *session) applicationDestroy(ctx context.Context, o yesOptions) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	return s.remove(ctx, file, removal{
		yes:  o.yes,
		what: "the application stack of project " + file.Project,
		plan: func(ctx context.Context, m stacks.Manager) (stacks.Destruction, error) {
			return m.ApplicationPlanDestroy(ctx)
		},
		carryOut: func(ctx context.Context, m stacks.Manager, d stacks.Destruction) (stacks.Receipt, error) {
			return m.ApplicationDestroy(ctx, d)
		},
	})
}

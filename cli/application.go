package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/stacks"
)

func (s *session) applicationCommand() *urfave.Command {
	return &urfave.Command{
		Name:  "application",
		Usage: "the stack with what environments share: the Beanstalk applications, load balancer, certificate",
		Subcommands: []*urfave.Command{
			{Name: "up", Usage: "create or update the application stack", Action: s.applicationUp},
			{Name: "preview", Usage: "show what application up would change", Action: s.applicationPreview},
			{
				Name: "destroy", Usage: "remove the application stack; refused while environments exist",
				Flags: []urfave.Flag{yesFlag()}, Action: s.applicationDestroy,
			},
		},
	}
}

func (s *session) applicationUp(c *urfave.Context) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	var report stacks.ApplicationReport
	err = s.change(c.Context, file, func(m *stacks.Manager) (err error) {
		report, err = m.ApplicationUp(c.Context)
		return err
	})
	if err != nil {
		return err
	}
	if s.json {
		return s.out.document(report)
	}
	text, err := applicationText(report)
	if err != nil {
		return err
	}
	s.out.raw(text)
	return nil
}

// applicationText is the stack's state and a line for each output.
func applicationText(r stacks.ApplicationReport) (string, error) {
	rows := [][]string{{"stack", r.Stack}, {"status", string(r.Status)}}
	for _, name := range slices.Sorted(maps.Keys(r.Outputs)) {
		value := r.Outputs[name]
		if _, plain := value.(string); !plain {
			text, err := json.Marshal(value)
			if err != nil {
				return "", fmt.Errorf("output %s: %w", name, err)
			}
			value = string(text)
		}
		rows = append(rows, []string{name, orDash(value.(string))})
	}
	return table(nil, rows), nil
}

func (s *session) applicationPreview(c *urfave.Context) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	var preview stacks.Preview
	err = s.change(c.Context, file, func(m *stacks.Manager) (err error) {
		preview, err = m.ApplicationPreview(c.Context)
		return err
	})
	if err != nil {
		return err
	}
	return s.printPreview(preview)
}

func (s *session) applicationDestroy(c *urfave.Context) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	return s.destroy(c, file, removal{
		what: "the application stack of project " + file.Project,
		plan: func(ctx context.Context, m *stacks.Manager) (stacks.Destruction, error) {
			return m.ApplicationPlanDestroy(ctx)
		},
		carryOut: func(ctx context.Context, m *stacks.Manager, d stacks.Destruction) (stacks.Receipt, error) {
			return m.ApplicationDestroy(ctx, d)
		},
	})
}

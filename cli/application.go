package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

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
	s.warnSettings(file)
	var report stacks.ApplicationReport
	err = s.change(c.Context, file, func(m stacks.Manager) (err error) {
		report, err = m.ApplicationUp(c.Context)
		return err
	})
	if err != nil {
		return err
	}
	if s.json {
		return s.out.document(report)
	}
	s.out.raw(applicationText(report))
	return nil
}

// applicationText is the stack's state and a line for each value of its outputs, named by their path.
func applicationText(r stacks.ApplicationReport) string {
	rows := [][]string{{"stack", r.Stack}, {"status", string(r.Status)}}
	return table(nil, append(rows, outputRows("", r.Outputs)...))
}

// outputRows is a row for each value below an output; a list is one value.
func outputRows(path string, value any) [][]string {
	switch v := value.(type) {
	case map[string]any:
		var rows [][]string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			rows = append(rows, outputRows(strings.TrimPrefix(path+"."+name, "."), v[name])...)
		}
		return rows
	case []any:
		var parts []string
		for _, part := range v {
			parts = append(parts, fmt.Sprint(part))
		}
		return [][]string{{path, orDash(strings.Join(parts, ", "))}}
	}
	return [][]string{{path, orDash(fmt.Sprint(value))}}
}

func (s *session) applicationPreview(c *urfave.Context) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	s.warnSettings(file)
	var preview stacks.Preview
	err = s.change(c.Context, file, func(m stacks.Manager) (err error) {
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
		plan: func(ctx context.Context, m stacks.Manager) (stacks.Destruction, error) {
			return m.ApplicationPlanDestroy(ctx)
		},
		carryOut: func(ctx context.Context, m stacks.Manager, d stacks.Destruction) (stacks.Receipt, error) {
			return m.ApplicationDestroy(ctx, d)
		},
	})
}

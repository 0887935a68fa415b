package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/branchenv/branchenv/stacks"
)

func (s *session) applicationUp(ctx context.Context) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	s.warnSettings(file)
	var report stacks.ApplicationReport
	err = s.change(ctx, file, func(m stacks.Manager) (err error) {
		report, err = m.ApplicationUp(ctx)
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

// applicationText returns the stack's state and a line for each value of its outputs, named by their path.
func applicationText(r stacks.ApplicationReport) string {
	rows := [][]string{{"stack", r.Stack}, {"status", string(r.Status)}}
	return table(nil, append(rows, outputRows("", r.Outputs)...))
}

// outputRows returns a row for each value below an output; a list is one value.
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

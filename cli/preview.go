package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks"
)

func (s *session) previewCommand() *urfave.Command {
	return &urfave.Command{
		Name:        "preview",
		Usage:       "show what up would change",
		ArgsUsage:   "[BRANCH]",
		Description: "Nothing is changed; a branch without an environment has none afterwards.",
		Flags: append(versionFlags(),
			&urfave.BoolFlag{Name: "pulumi", Usage: "let pulumi itself preview, by the Pulumi.yaml beside the settings, and show what it prints"}),
		Action: func(c *urfave.Context) error {
			file, request, err := s.upRequest(c)
			if err != nil {
				return err
			}
			if reason := skipReason(file, request.Branch); reason != "" {
				return s.printSkipped(skipped{request.Branch, reason})
			}
			if c.Bool("pulumi") {
				return s.pulumiPreview(c.Context, file, request)
			}
			var preview stacks.Preview
			err = s.change(c.Context, file, func(m stacks.Manager) error {
				preview, err = m.Preview(c.Context, request)
				return err
			})
			if err != nil {
				return err
			}
			return s.printPreview(preview)
		},
	}
}

// pulumiPreview is for people who know Pulumi: its own command, its own output.
func (s *session) pulumiPreview(ctx context.Context, file *config.File, request stacks.UpRequest) error {
	if s.json {
		return fault.Usagef("--pulumi shows what pulumi prints, which is no JSON document").WithHint("leave out --json or --pulumi")
	}
	if err := file.CheckPulumiYAML(); err != nil {
		return err
	}
	return s.read(ctx, file, func(m stacks.Manager) error { return m.PulumiPreview(ctx, request, s.out.to) })
}

func (s *session) printPreview(p stacks.Preview) error {
	if s.json {
		return s.out.document(p)
	}
	s.out.raw(previewText(p))
	return nil
}

// previewText is a line for each change and a summary.
func previewText(p stacks.Preview) string {
	var rows [][]string
	for _, step := range p.Steps {
		if isOurs(step.Type) {
			continue
		}
		op := step.Op
		if v, ok := verbs[op]; ok {
			op = v.plain
		}
		rows = append(rows, []string{op, aws.TypeOf(step.Type).Noun, step.Name, strings.Join(properties(step.Diff), ", ")})
	}
	return table(nil, rows) + changesLine(p.Changes) + "\n"
}

// properties are the changed paths without what lies below lists, which may be long: settings[13].name is settings.
func properties(paths []string) []string {
	short := make([]string, 0, len(paths))
	for _, path := range paths {
		property, _, _ := strings.Cut(path, "[")
		short = append(short, property)
	}
	slices.Sort(short)
	return slices.Compact(short)
}

// changesLine counts the changes by what is done, what stays the same last.
func changesLine(changes map[string]int) string {
	var parts []string
	for _, op := range slices.Sorted(maps.Keys(changes)) {
		if changes[op] > 0 && op != "same" {
			parts = append(parts, fmt.Sprintf("%d to %s", changes[op], op))
		}
	}
	if len(parts) == 0 {
		return "nothing to change"
	}
	if same := changes["same"]; same > 0 {
		parts = append(parts, fmt.Sprintf("%d unchanged", same))
	}
	return text.Escape(strings.Join(parts, ", "))
}

// isOurs reports whether a type is a grouping of the program's own, or a provider: nothing that exists at AWS.
func isOurs(token string) bool {
	return token == "" || strings.HasPrefix(token, "pulumi:") || strings.HasPrefix(token, "branchenv:")
}

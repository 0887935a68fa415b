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
			&urfave.BoolFlag{Name: "pulumi", Usage: "run pulumi's own preview, with the Pulumi.yaml beside the settings, and show its output"}),
		Action: action(parsePreview, s.preview),
	}
}

type previewOptions struct {
	upOptions
	pulumi bool
}

func parsePreview(c *urfave.Context) (previewOptions, error) {
	up, err := parseUp(c)
	return previewOptions{up, c.Bool("pulumi")}, err
}

func (s *session) preview(ctx context.Context, o previewOptions) error {
	file, request, err := s.upRequest(ctx, o.upOptions)
	if err != nil {
		return err
	}
	if reason := skipReason(file, request.Branch); reason != "" {
		return s.printSkipped(skipped{request.Branch, reason})
	}
	if o.pulumi {
		return s.pulumiPreview(ctx, file, request)
	}
	var preview stacks.Preview
	err = s.change(ctx, file, func(m stacks.Manager) error {
		preview, err = m.Preview(ctx, request)
		return err
	})
	if err != nil {
		return err
	}
	return s.printPreview(preview)
}

// pulumiPreview runs pulumi's own preview and shows its output, for people who know Pulumi.
func (s *session) pulumiPreview(ctx context.Context, file *config.File, request stacks.UpRequest) error {
	if s.json {
		return fault.Usagef("--pulumi shows pulumi's output, which is no JSON document").WithHint("leave out --json or --pulumi")
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

// previewText returns a line for each change, and a summary.
func previewText(p stacks.Preview) string {
	var rows [][]string
	for _, step := range p.Steps {
		if isOurs(step.Type) {
			continue
		}
		op := step.Op
		if v, ok := verbs[op]; ok {
			op = v.infinitive
		}
		rows = append(rows, []string{op, aws.TypeOf(step.Type).Noun, step.Name, strings.Join(properties(step.Diff), ", ")})
	}
	return table(nil, rows) + changesLine(p.Changes) + "\n"
}

// properties returns the changed properties without their elements, which may be many: settings[13].name becomes settings.
func properties(paths []string) []string {
	short := make([]string, 0, len(paths))
	for _, path := range paths {
		property, _, _ := strings.Cut(path, "[")
		short = append(short, property)
	}
	slices.Sort(short)
	return slices.Compact(short)
}

// changesLine returns the number of changes of each kind, those that change nothing last.
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

// isOurs reports whether a type does not exist at AWS: it is a component of our program, or a provider.
func isOurs(token string) bool {
	return token == "" || strings.HasPrefix(token, "pulumi:") || strings.HasPrefix(token, "branchenv:")
}

package cli

import (
	"context"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
)

type configShowOptions struct {
	branch string // "" if it is inferred
	kind   string // shown instead of a branch
}

func parseConfigShow(c *urfave.Context) (configShowOptions, error) {
	o := configShowOptions{branch: c.Args().First(), kind: c.String("kind")}
	if o.branch != "" && o.kind != "" {
		return o, fault.Usagef("a branch and --kind exclude each other").WithHint("leave one of them out")
	}
	return o, nil
}

// shownConfig is the JSON document of `config show`.
type shownConfig struct {
	Branch string `json:"branch,omitempty"` // empty for a kind
	config.Resolved
}

func (s *session) configShow(ctx context.Context, o configShowOptions) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	var shown shownConfig
	if o.kind != "" {
		shown.Resolved, err = file.ResolveKind(o.kind)
	} else if shown.Branch, err = s.branch(ctx, file, o.branch); err == nil {
		shown.Resolved, err = resolveBranch(file, shown.Branch)
	}
	if err != nil {
		return err
	}
	if s.json {
		return s.out.document(shown)
	}
	s.out.raw(configText(file, shown.Resolved))
	return nil
}

// configText returns a line for each setting: its value, its layer, and the place in the file.
func configText(file *config.File, r config.Resolved) string {
	rows := [][]string{{"kind", r.Kind, kindOrigin(file, r.Matches)}}
	for _, v := range r.Values() {
		rows = append(rows, []string{v.Path, v.Value, originText(file, v.Origin)})
	}
	return table(nil, rows)
}

package cli

import (
	"context"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
)

type configDiffOptions struct {
	sides [2]string // kinds or branches
}

func parseConfigDiff(c *urfave.Context) (configDiffOptions, error) {
	return configDiffOptions{[2]string{c.Args().Get(0), c.Args().Get(1)}}, nil
}

// difference is an element of `config diff`'s JSON document.
type difference struct {
	Path    string         `json:"path"`
	A       string         `json:"a"`
	B       string         `json:"b"`
	OriginA *config.Origin `json:"originA"`
	OriginB *config.Origin `json:"originB"`
}

func (s *session) configDiff(_ context.Context, o configDiffOptions) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	var sides [2]config.Resolved
	for i, name := range o.sides {
		if sides[i], err = resolveEither(file, name); err != nil {
			return err
		}
	}
	for i, name := range o.sides {
		if !isKind(file, name) {
			s.say("%s: a branch, of kind %s", name, sides[i].Kind)
		}
	}
	found := config.Diff(sides[0], sides[1])
	if s.json {
		document := []difference{}
		for _, d := range found {
			document = append(document, difference{d.Path, d.A, d.B, originOrNil(d.OriginA), originOrNil(d.OriginB)})
		}
		return s.out.document(document)
	}
	if len(found) == 0 {
		s.say("%s and %s have the same settings", o.sides[0], o.sides[1])
		return nil
	}
	s.out.raw(diffText(file, o.sides[0], o.sides[1], found))
	return nil
}

// resolveEither returns the settings of the kind of that name, else those of the branch. A prefix says which it is.
func resolveEither(file *config.File, name string) (config.Resolved, error) {
	// Git allows no colon in a branch's name.
	if kind, ok := strings.CutPrefix(name, "kind:"); ok {
		return file.ResolveKind(kind)
	}
	if branch, ok := strings.CutPrefix(name, "branch:"); ok {
		return resolveBranch(file, branch)
	}
	if isKind(file, name) {
		return file.ResolveKind(name)
	}
	if kind := file.MistypedKind(name); kind != "" {
		return config.Resolved{}, fault.Usagef("there is no kind %q", name).
			WithHint("did you mean %s? If it is a branch, write branch:%s", kind, text.ShellWord(name))
	}
	return resolveBranch(file, name)
}

// isKind reports whether name, as typed, means a kind.
func isKind(file *config.File, name string) bool {
	return strings.HasPrefix(name, "kind:") || slices.Contains(file.Kinds(), name)
}

func originOrNil(o config.Origin) *config.Origin {
	if o == (config.Origin{}) {
		return nil
	}
	return &o
}

func diffText(file *config.File, a, b string, found []config.Difference) string {
	var rows [][]string
	for _, d := range found {
		rows = append(rows, []string{d.Path, orDash(d.A), orDash(d.B), originText(file, d.OriginA), originText(file, d.OriginB)})
	}
	return table([]string{"SETTING", a, b, "FROM", "FROM"}, rows)
}

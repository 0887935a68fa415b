package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks/names"
)

func (s *session) configCommand() *urfave.Command {
	return &urfave.Command{
		Name:  "config",
		Usage: "look at the settings",
		Subcommands: []*urfave.Command{
			{
				Name: "show", Usage: "show the settings of a branch or a kind, and where each value comes from", ArgsUsage: "[BRANCH]",
				Flags:  []urfave.Flag{&urfave.StringFlag{Name: "kind", Usage: "show the settings of `KIND` instead of a branch's"}},
				Action: s.configShow,
			},
			{
				Name: "diff", Usage: "show only what differs between two branches or kinds", ArgsUsage: "A B",
				Description: "A and B are kinds or branches. Where a kind and a branch share a name the kind is meant;\n" +
					"write branch:NAME for the branch. A word that looks like a mistyped kind is refused.",
				Action: s.configDiff,
			},
			{Name: "validate", Usage: "find everything wrong in the settings file", Action: s.configValidate},
		},
	}
}

// shownConfig is the JSON document of `config show`.
type shownConfig struct {
	Branch string `json:"branch,omitempty"` // empty for a kind
	config.Resolved
}

func (s *session) configShow(c *urfave.Context) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	var shown shownConfig
	if kind := c.String("kind"); kind != "" {
		if c.Args().Present() {
			return fault.Usagef("a branch and --kind exclude each other").WithHint("leave one of them out")
		}
		shown.Resolved, err = file.ResolveKind(kind)
	} else if shown.Branch, err = s.branch(c, file); err == nil {
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

func resolveBranch(file *config.File, branch string) (config.Resolved, error) {
	if err := names.CheckBranch(branch); err != nil {
		return config.Resolved{}, err
	}
	return file.Resolve(branch)
}

// configText is a line for each setting: its value, layer and place.
func configText(file *config.File, r config.Resolved) string {
	rows := [][]string{{"kind", r.Kind, kindOrigin(file, r.Matches)}}
	for _, v := range r.Values() {
		rows = append(rows, []string{v.Path, v.Value, originText(file, v.Origin)})
	}
	return table(nil, rows)
}

// kindOrigin says where a branch's kind was decided.
func kindOrigin(file *config.File, matches []config.Match) string {
	if i := slices.IndexFunc(matches, func(m config.Match) bool { return m.Kind != "" }); i >= 0 {
		return fmt.Sprintf("branches, %s", lineText(file, matches[i].Line))
	}
	return ""
}

func originText(file *config.File, o config.Origin) string {
	if o.Line == 0 {
		return orDash(o.Layer)
	}
	return o.Layer + ", " + lineText(file, o.Line)
}

func lineText(file *config.File, line int) string {
	return fmt.Sprintf("%s:%d", filepath.Base(file.Path), line)
}

// difference is an element of `config diff`'s JSON document.
type difference struct {
	Path    string         `json:"path"`
	A       string         `json:"a"`
	B       string         `json:"b"`
	OriginA *config.Origin `json:"originA"`
	OriginB *config.Origin `json:"originB"`
}

func (s *session) configDiff(c *urfave.Context) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	var sides [2]config.Resolved
	for i := range sides {
		if sides[i], err = resolveEither(file, c.Args().Get(i)); err != nil {
			return err
		}
	}
	for i, side := range sides {
		if name := c.Args().Get(i); !isKind(file, name) {
			s.say("%s: a branch, of kind %s", name, side.Kind)
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
		s.say("%s and %s have the same settings", c.Args().Get(0), c.Args().Get(1))
		return nil
	}
	s.out.raw(diffText(file, c.Args().Get(0), c.Args().Get(1), found))
	return nil
}

// resolveEither resolves the kind of that name, else the branch; a prefix says which.
func resolveEither(file *config.File, name string) (config.Resolved, error) {
	// Git takes no colon in a branch's name.
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

// isKind tells whether what was typed stands for a kind.
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

// validation is the JSON document of `config validate`.
type validation struct {
	File     string          `json:"file"`
	Problems config.Problems `json:"problems"`
}

func (s *session) configValidate(*urfave.Context) error {
	path, err := s.settingsPath()
	if err != nil {
		return err
	}
	file, err := config.Load(path)
	result := validation{File: path, Problems: config.Problems{}}
	var problems config.Problems
	if errors.As(err, &problems) {
		result.Problems = problems
	} else if err != nil {
		return err
	}
	if s.json {
		if printing := s.out.document(result); printing != nil {
			return printing
		}
	}
	if err == nil {
		s.warnSettings(file)
		s.say("%s is valid", path)
	}
	return err
}

// warnSettings prints what is probably wrong with the settings. It is for commands that run before anything is created.
func (s *session) warnSettings(file *config.File) {
	for _, warning := range file.Warnings() {
		s.warn("warning: %s: %s", filepath.Base(file.Path), warning)
	}
}

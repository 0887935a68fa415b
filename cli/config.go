package cli

import (
	"fmt"
	"path/filepath"
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/config"
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
				Action: action(parseConfigShow, s.configShow),
			},
			{
				Name: "diff", Usage: "show only what differs between two branches or kinds", ArgsUsage: "A B",
				Description: "A and B are kinds or branches. If a kind and a branch have the same name, it is the kind;\n" +
					"write branch:NAME for the branch. A word that looks like a mistyped kind is refused.",
				Action: action(parseConfigDiff, s.configDiff),
			},
			{Name: "validate", Usage: "find everything wrong in the settings file", Action: withoutOptions(s.configValidate)},
		},
	}
}

// resolveBranch returns the settings of a branch.
func resolveBranch(file *config.File, branch string) (config.Resolved, error) {
	if err := names.CheckBranch(branch); err != nil {
		return config.Resolved{}, err
	}
	return file.Resolve(branch)
}

// kindOrigin returns the place in the settings that decides a branch's kind.
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

// warnSettings prints what is probably wrong with the settings. It is for commands that run before anything is created.
func (s *session) warnSettings(file *config.File) {
	for _, warning := range file.Warnings() {
		s.warn("warning: %s: %s", filepath.Base(file.Path), warning)
	}
}

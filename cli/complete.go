package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/internal/git"
	"github.com/branchenv/branchenv/stacks"
)

// completeCommand is the hidden command that the completion scripts run.
func (s *session) completeCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "complete",
		Hidden:    true,
		ArgsUsage: "[WORD...]",
		Action:    action(parseComplete, s.complete),
	}
}

type completeOptions struct {
	words []string // those typed so far; the last one is being completed
}

func parseComplete(c *urfave.Context) (completeOptions, error) {
	return completeOptions{c.Args().Slice()}, nil
}

func (s *session) complete(ctx context.Context, o completeOptions) error {
	branches := func(command string) []string {
		if slices.Contains([]string{"destroy", "doctor", "keep", "open", "show"}, command) {
			return s.environments(ctx, o.words)
		}
		return localBranches(ctx)
	}
	for _, candidate := range complete(newGrammar(s.app()), o.words, branches) {
		s.out.linef("%s", candidate)
	}
	return nil
}

// complete returns the candidates for the last of words. branches returns a command's branches; it is called only if the word may be
// one.
func complete(root *grammar, words []string, branches func(command string) []string) []string {
	if len(words) == 0 {
		return nil
	}
	last, before := words[len(words)-1], words[:len(words)-1]
	command, operands := root, 0
	for i := 0; i < len(before); i++ {
		word := before[i]
		switch {
		case strings.HasPrefix(word, "-"):
			f, ok := root.anyFlag(strings.TrimLeft(word, "-"))
			if !ok || !f.value {
				continue
			}
			if i++; i == len(before) { // the last word is this flag's value
				if f.name == "like" {
					return beginning(last, branches(command.name))
				}
				return nil
			}
		case len(command.commands) > 0:
			next, err := command.find(word)
			if err != nil {
				return nil
			}
			command = next
		default:
			operands++
		}
	}
	switch {
	case strings.HasPrefix(last, "-"):
		var flags []string
		for _, name := range slices.Concat(command.ownFlagNames(), root.ownFlagNames(), []string{"help"}) {
			flags = append(flags, "--"+name)
		}
		slices.Sort(flags)
		return beginning(last, slices.Compact(flags))
	case len(command.commands) > 0:
		return beginning(last, command.commandNames())
	case operands >= len(command.operands):
		return nil
	}
	switch strings.Trim(command.operands[operands], "[]") {
	case "SHELL":
		return beginning(last, []string{"bash", "fish", "zsh"})
	case "BRANCH", "A", "B":
		return beginning(last, branches(command.name))
	}
	return nil
}

func beginning(prefix string, candidates []string) []string {
	return slices.DeleteFunc(slices.Clone(candidates), func(c string) bool { return !strings.HasPrefix(c, prefix) })
}

// ownFlagNames returns the full names of g's flags.
func (g *grammar) ownFlagNames() []string {
	var names []string
	for _, f := range g.flags {
		if !slices.Contains(names, f.name) {
			names = append(names, f.name)
		}
	}
	return names
}

// completionTime limits the wait for the names of environments while a person is typing.
const completionTime = 2 * time.Second

// environments returns the branches that have an environment, by the --config and --sandbox in words. It returns none if that does
// not work: nothing can be printed while a person is typing.
func (s *session) environments(ctx context.Context, words []string) []string {
	ctx, cancel := context.WithTimeout(ctx, completionTime)
	defer cancel()
	line, err := parseLine(newGrammar(s.app()), words[:len(words)-1])
	if err != nil {
		return nil
	}
	for _, f := range line.flags {
		switch f.name {
		case "sandbox":
			s.sandbox = true
		case "config":
			s.config = f.text
		}
	}
	s.quiet = true
	file, err := s.settings()
	if err != nil {
		return nil
	}
	var names []string
	err = s.read(ctx, file, func(m stacks.Manager) error {
		list, err := m.List(ctx)
		for _, e := range list {
			names = append(names, e.Branch)
		}
		return err
	})
	if err != nil {
		return nil
	}
	return names
}

// localBranches returns the checkout's branches; none if that does not work.
func localBranches(ctx context.Context) []string {
	names, err := git.Line(ctx, "", "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/")
	if err != nil {
		return nil
	}
	return strings.Fields(names)
}

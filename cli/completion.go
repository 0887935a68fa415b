package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/git"
	"github.com/branchenv/branchenv/stacks"
)

// The scripts ask the hidden command complete for the candidates, one a line, and never let the shell evaluate them:
// git takes branch names such as $(reboot).
var completionScripts = map[string]string{
	"bash": `# bash completion for branchenv. In ~/.bashrc: source <(branchenv completion bash)
_branchenv() {
  local candidate
  COMPREPLY=()
  while IFS= read -r candidate; do
    printf -v candidate %q "$candidate"
    COMPREPLY+=("$candidate")
  done < <(branchenv complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _branchenv branchenv
`,
	"zsh": `#compdef branchenv
# zsh completion for branchenv. In ~/.zshrc: source <(branchenv completion zsh)
_branchenv() {
  local -a candidates
  candidates=("${(@f)$(branchenv complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "$candidates" ]]; then
    compadd -a candidates
  else
    _files
  fi
}
compdef _branchenv branchenv
`,
	"fish": `# fish completion for branchenv. In ~/.config/fish/config.fish: branchenv completion fish | source
complete -c branchenv -f -a '(branchenv complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
complete -c branchenv -l config -r -F
complete -c branchenv -l bundle -r -F
`,
}

func (s *session) completionCommand() *urfave.Command {
	return &urfave.Command{
		Name:        "completion",
		Usage:       "print the completion script for a shell",
		ArgsUsage:   "SHELL",
		Description: "SHELL is bash, zsh or fish. The script's first lines say where it goes.",
		Action: func(c *urfave.Context) error {
			script, ok := completionScripts[c.Args().First()]
			if !ok {
				return fault.Usagef("there is no completion for %q", c.Args().First()).WithHint("take bash, zsh or fish")
			}
			s.out.raw(script)
			return nil
		},
	}
}

// completeCommand is what the completion scripts call: the words typed so far, the last one being completed.
func (s *session) completeCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "complete",
		Hidden:    true,
		ArgsUsage: "[WORD...]",
		Action: func(c *urfave.Context) error {
			words := c.Args().Slice()
			branches := func(command string) []string {
				if slices.Contains([]string{"destroy", "doctor", "keep", "open", "show"}, command) {
					return s.environments(c.Context, words)
				}
				return localBranches(c.Context)
			}
			for _, candidate := range complete(newGrammar(s.app()), words, branches) {
				s.out.linef("%s", candidate)
			}
			return nil
		},
	}
}

// complete returns what the last of words may become. branches is asked only where a branch may stand, for those that
// the command is about.
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

// ownFlagNames is the full names of g's flags.
func (g *grammar) ownFlagNames() []string {
	var names []string
	for _, f := range g.flags {
		if !slices.Contains(names, f.name) {
			names = append(names, f.name)
		}
	}
	return names
}

// completionTime is how long a person who is typing waits for the names of environments.
const completionTime = 2 * time.Second

// environments lists the branches that have one, by the settings and in the sandbox that words name; none where that
// does not work, since nothing can be said while a person is typing.
func (s *session) environments(ctx context.Context, words []string) []string {
	ctx, cancel := context.WithTimeout(ctx, completionTime)
	defer cancel()
	line, err := takeApart(newGrammar(s.app()), words[:len(words)-1])
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

// localBranches lists the checkout's branches; none where that does not work, as there.
func localBranches(ctx context.Context) []string {
	names, err := git.Line(ctx, "", "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/")
	if err != nil {
		return nil
	}
	return strings.Fields(names)
}

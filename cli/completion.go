package cli

import (
	"context"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/internal/fault"
)

// completionScripts are the scripts by shell. They ask the hidden command complete for the candidates, one a line, and never let the
// shell evaluate them: git allows branch names such as $(reboot).
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
		Action:      action(parseCompletion, s.completion),
	}
}

type completionOptions struct {
	shell string // one that has a script
}

func parseCompletion(c *urfave.Context) (completionOptions, error) {
	o := completionOptions{c.Args().First()}
	if _, ok := completionScripts[o.shell]; !ok {
		return o, fault.Usagef("there is no completion for %q", o.shell).WithHint("take bash, zsh or fish")
	}
	return o, nil
}

func (s *session) completion(_ context.Context, o completionOptions) error {
	s.out.raw(completionScripts[o.shell])
	return nil
}

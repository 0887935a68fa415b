package fault

import (
	"strings"

	"github.com/branchenv/branchenv/internal/text"
)

// Program is the name of the command line tool.
const Program = "branchenv"

// Command is a command line of branchenv: its arguments, without the program's name. Texts hold commands as data, so that
// each reader gets them in his own way: the command line adds the flags that it was called with, a web page makes a link.
type Command []string

// String returns the command as it is typed into a shell.
func (c Command) String() string { return strings.Join(append([]string{Program}, c.Quoted()...), " ") }

// Quoted returns the arguments, each of them quoted for a shell if it has to be.
func (c Command) Quoted() []string {
	quoted := make([]string, len(c))
	for i, word := range c {
		quoted[i] = text.ShellWord(word)
	}
	return quoted
}

// MarshalText makes a command a string in JSON: the one that String returns.
func (c Command) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

package cli

import (
	"io"
	"os"

	"golang.org/x/term"

	_ "github.com/branchenv/branchenv/internal/terminal" // before anything asks the terminal for its colours
)

// Streams are what a command line reads, writes and asks.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	Env      func(name string) string // the environment's variables; required
	CanAsk   bool                     // a person is at In and Err, who can be asked
	Live     bool                     // Err is a terminal whose lines may be drawn anew
}

// Standard is the process's own streams. Progress moves only at a terminal that can draw lines anew, and not in CI,
// where a terminal is one in name only.
func Standard() Streams {
	in, err := term.IsTerminal(int(os.Stdin.Fd())), term.IsTerminal(int(os.Stderr.Fd()))
	return Streams{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Getenv,
		CanAsk: in && err,
		Live:   err && os.Getenv("TERM") != "dumb" && os.Getenv("CI") == "",
	}
}

package cli

import (
	"io"
	"os"

	"golang.org/x/term"

	_ "github.com/branchenv/branchenv/internal/terminal" // before anything asks the terminal for its colours
)

// Streams connect a command line with its process.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	Env      func(name string) string // the environment's variables; required
	CanAsk   bool                     // a person reads Err and answers on In
	Live     bool                     // Err is a terminal that can redraw lines
}

// Standard returns the streams of this process. In CI, Live is false: what looks like a terminal there is none.
func Standard() Streams {
	in, err := term.IsTerminal(int(os.Stdin.Fd())), term.IsTerminal(int(os.Stderr.Fd()))
	return Streams{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Getenv,
		CanAsk: in && err,
		Live:   err && os.Getenv("TERM") != "dumb" && os.Getenv("CI") == "",
	}
}

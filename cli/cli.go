// Package cli is branchenv's command line, with one file for each command: its definition, its options, a function that parses the
// flags and arguments into the options, and a function that runs with them. Only the definition and the parse function know
// urfave/cli.
//
// Standard output is data: a table, a URL, or with --json one JSON document. Progress and messages go to standard
// error. Errors read "branchenv: error: …" and, if there is a remedy, "branchenv: hint: …". Main alone prints them, and the
// error has the exit code (package fault). Text from outside is cleaned when it is printed: it stays on its line and cannot
// steer a terminal. Nothing typed is ever ignored: whatever has no meaning is refused, with the line to type instead.
//
// No other package knows urfave/cli, the standard streams or exit codes.
package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/branchenv/branchenv/internal/fault"
)

// session is one run of branchenv.
type session struct {
	in      io.Reader
	out     *printer
	err     *printer
	env     func(string) string
	canAsk  bool
	live    bool
	now     func() time.Time
	signals *signals

	// Global flags.
	config               string
	sandbox, json, quiet bool

	foreign *foreignCode // the other repository's code that the command may run; nil if it runs the repository's own
}

// Main runs the command line args, without the program's name, and returns the exit code. It ends when ctx does. Interrupts are
// signals: the first ends a command that changes something after its current step, the second ends that step, too.
func Main(ctx context.Context, args []string, streams Streams) int {
	s := &session{
		in: streams.In, out: &printer{to: streams.Out}, err: &printer{to: streams.Err},
		env: streams.Env, canAsk: streams.CanAsk, live: streams.Live, now: time.Now,
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.signals = newSignals(cancel)
	defer s.signals.close()

	err := s.run(ctx, args)
	if err == nil && s.out.err() != nil {
		err = fmt.Errorf("write to standard output: %w", s.out.err())
	}
	if err != nil {
		s.report(err)
	}
	return fault.Code(err)
}

func (s *session) run(ctx context.Context, args []string) error {
	app := s.app()
	ordered, err := order(newGrammar(app), args)
	if err != nil {
		return err
	}
	return app.RunContext(ctx, append([]string{program}, ordered...))
}

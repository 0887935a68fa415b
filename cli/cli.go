// Package cli is branchenv's command line: one file a command, which parses, calls and prints.
//
// Standard output is data: a table, a URL, or with --json one JSON document. Progress and messages go to standard
// error. Errors read "branchenv: error: …" and, where there is a remedy, "branchenv: hint: …"; they are printed in one
// place, Main, and the exit code is the one the error carries (package fault). Text from outside is cleaned where it is
// printed, so that it stays on its line and cannot steer a terminal. Nothing typed is ever ignored: what has no meaning
// is refused with the line to type instead.
//
// This package is the only one that knows urfave/cli, the standard streams and exit codes.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
)

// session is one run of the command line.
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

	guest *guest // whose code the command runs by permission; nil if it is the repository's own
}

// Main runs the command line args, without the program's name, and returns the exit code. It ends when ctx does, but a
// person's wish to stop comes as a signal: the first interrupt ends a command that changes something after the step it
// is in, the second ends that step too.
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

// report prints err, the only place that does. An error that joins several takes a line for each of them, and one for each of
// their hints.
func (s *session) report(err error) {
	lines := s.messages(err)
	more := max(0, len(lines)-maxLines)
	for _, line := range lines[:len(lines)-more] {
		s.err.linef("%s: error: %s", program, bounded(line))
	}
	if more > 0 {
		s.err.linef("%s: error: and %s", program, text.Count(more, "more line"))
	}
	printed := map[string]bool{}
	for _, hint := range fault.Hints(err) {
		if line := s.render(hint); !printed[line] {
			s.err.linef("%s: hint: %s", program, bounded(line))
			printed[line] = true
		}
	}
}

// What is printed of one error is bounded here, whatever it is made from: in lines, and each of them in characters. One
// that tells of a file's problems has fewer, and so has the text of another program (text.Line).
const (
	maxLines   = 100
	maxMessage = 2000
)

// bounded cuts a message that is too long to be read, and says how long it was.
func bounded(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return text.Cut(message, maxMessage) + " (" + text.Count(len(message), "byte") + ")"
}

// messages returns err's text, a line for each problem in it. Text that a program or AWS put on several lines becomes one
// line each as well.
func (s *session) messages(err error) []string {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) && joined.(error).Error() == err.Error() {
		var lines []string
		for _, e := range joined.Unwrap() {
			lines = append(lines, s.messages(e)...)
		}
		return lines
	}
	var lines []string
	for line := range strings.Lines(s.render(fault.Message(err))) {
		if line = strings.TrimRight(line, " \r\n\t"); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// say prints a message that is neither data nor an error. --quiet leaves it out.
func (s *session) say(format string, args ...any) {
	if !s.quiet {
		s.warn(format, args...)
	}
}

// warn prints a message that --quiet does not leave out.
func (s *session) warn(format string, args ...any) {
	s.err.linef("%s: %s", program, bounded(s.render(fault.Textf(format, args...))))
}

// render returns t with its commands as they are to be typed after this one.
func (s *session) render(t fault.Text) string { return s.withGlobalFlags(t.Render(s.commandLine)) }

// commandLine returns c with --sandbox and --config as they were given to this command: a hint from the sandbox must not lead
// to the real account, nor one about a settings file to another.
func (s *session) commandLine(c fault.Command) string {
	if len(c) == 0 || slices.Contains(withoutAccount, c[0]) {
		return c.String()
	}
	return fault.Command(append(s.globalFlags(), c...)).String()
}

// withoutAccount are the commands that work on no account, and so on no sandbox.
var withoutAccount = []string{"init", "config", "sandbox", "version", "completion", "complete"}

// globalFlags returns the flags that say which settings and which AWS this command works with.
func (s *session) globalFlags() []string {
	var flags []string
	if s.config != "" {
		flags = append(flags, "--config", s.config)
	}
	if s.sandbox {
		flags = append(flags, "--sandbox")
	}
	return flags
}

// withGlobalFlags adds the flags to every command in a message that is not data yet.
func (s *session) withGlobalFlags(message string) string {
	if len(s.globalFlags()) == 0 {
		return message
	}
	flags := " " + strings.Join(fault.Command(s.globalFlags()).Quoted(), " ")
	return toAccount.ReplaceAllStringFunc(message, func(command string) string {
		return program + flags + strings.TrimPrefix(command, program)
	})
}

// toAccount finds commands that work on an account or a sandbox.
var toAccount = regexp.MustCompile(program + ` (adopt|application|destroy|doctor|keep|list|open|preview|reconcile|show|status|up|why)\b`)

// app is the definition of the command line.
func (s *session) app() *urfave.App {
	return &urfave.App{
		Name:            program,
		Usage:           "an environment on AWS for every git branch",
		UsageText:       program + " [FLAGS] COMMAND [ARGUMENTS]\n\nFlags may stand anywhere on the line. " + program + " COMMAND --help tells more.",
		HideVersion:     true,
		HideHelpCommand: true,
		Reader:          s.in,
		Writer:          s.out.to,
		ErrWriter:       io.Discard, // errors are returned and printed by report
		ExitErrHandler:  func(*urfave.Context, error) {},
		OnUsageError:    usageError,
		Flags: settleFlags([]urfave.Flag{
			&urfave.StringFlag{Name: "config", Usage: "the settings `FILE`; default: branchenv.yaml here or in a folder above", Destination: &s.config},
			&urfave.BoolFlag{Name: "sandbox", Usage: "use the embedded AWS instead of an account", Destination: &s.sandbox},
			&urfave.BoolFlag{Name: "json", Usage: "print one JSON document", Destination: &s.json},
			&urfave.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "no progress, no messages but warnings and errors", Destination: &s.quiet},
		}),
		Commands: s.commands(),
	}
}

func (s *session) commands() []*urfave.Command {
	commands := []*urfave.Command{
		s.initCommand(), s.upCommand(), s.previewCommand(), s.destroyCommand(), s.listCommand(), s.showCommand(),
		s.openCommand(), s.keepCommand(), s.reconcileCommand(), s.statusCommand(),
		s.doctorCommand(), s.adoptCommand(), s.whyCommand(), s.configCommand(), s.applicationCommand(), s.sandboxCommand(),
		s.versionCommand(), s.completionCommand(), s.completeCommand(),
	}
	for _, c := range commands {
		settle(c, program)
	}
	return commands
}

// commonFlags is how the help of each command names the flags that it has in common with the others.
const commonFlags = "--config FILE, --sandbox, --json, --quiet (" + program + " --help)"

// settle gives c, typed as parent and its name, and its subcommands what all commands have in common.
func settle(c *urfave.Command, parent string) {
	line := parent + " " + c.Name
	c.HideHelpCommand = true
	c.OnUsageError = usageError
	c.UsageText = strings.TrimSpace(line + " [FLAGS] " + c.ArgsUsage)
	if len(c.Subcommands) > 0 {
		c.UsageText = line + " COMMAND [FLAGS]"
	}
	c.UsageText += "\n\nBeside the flags below, those of every command: " + commonFlags
	settleFlags(c.Flags)
	for _, sub := range c.Subcommands {
		settle(sub, line)
	}
}

// settleFlags keeps urfave from printing false as the default of what is simply not given.
func settleFlags(flags []urfave.Flag) []urfave.Flag {
	for _, f := range flags {
		if f, ok := f.(*urfave.BoolFlag); ok {
			f.DisableDefaultText = true
		}
	}
	return flags
}

// usageError turns what urfave finds wrong, a value of the wrong type, into an error of usage.
func usageError(_ *urfave.Context, err error, _ bool) error {
	found := badValue.FindStringSubmatch(err.Error())
	if found == nil {
		return fault.Usagef("%w", err)
	}
	return fault.Usagef("--%s %s is not a whole number", found[2], found[1])
}

// badValue finds the value and the flag in urfave's message.
var badValue = regexp.MustCompile(`^invalid value (".*") for flag -([a-z-]+): `)

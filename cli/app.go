package cli

import (
	"context"
	"io"
	"regexp"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/internal/fault"
)

// app defines the command line.
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
		Flags: withoutDefaults([]urfave.Flag{
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
		addHelp(c, program)
	}
	return commands
}

// commonFlags names the flags of all commands, for the help of each of them.
const commonFlags = "--config FILE, --sandbox, --json, --quiet (" + program + " --help)"

// addHelp gives c, whose parent is typed as parent, and its subcommands the help that all commands have in common.
func addHelp(c *urfave.Command, parent string) {
	line := parent + " " + c.Name
	c.HideHelpCommand = true
	c.OnUsageError = usageError
	c.UsageText = strings.TrimSpace(line + " [FLAGS] " + c.ArgsUsage)
	if len(c.Subcommands) > 0 {
		c.UsageText = line + " COMMAND [FLAGS]"
	}
	c.UsageText += "\n\nBeside the flags below, those of every command: " + commonFlags
	withoutDefaults(c.Flags)
	for _, sub := range c.Subcommands {
		addHelp(sub, line)
	}
}

// withoutDefaults makes urfave's help leave out the default false, and returns the flags.
func withoutDefaults(flags []urfave.Flag) []urfave.Flag {
	for _, f := range flags {
		if f, ok := f.(*urfave.BoolFlag); ok {
			f.DisableDefaultText = true
		}
	}
	return flags
}

// usageError returns urfave's error, a value of the wrong type, as an error of usage.
func usageError(_ *urfave.Context, err error, _ bool) error {
	found := badValue.FindStringSubmatch(err.Error())
	if found == nil {
		return fault.Usagef("%w", err)
	}
	return fault.Usagef("--%s %s is not a whole number", found[2], found[1])
}

// badValue matches the value and the flag in urfave's message.
var badValue = regexp.MustCompile(`^invalid value (".*") for flag -([a-z-]+): `)

// action returns urfave's action of a command: parse makes the options from the flags and arguments, run runs with them.
func action[Options any](parse func(*urfave.Context) (Options, error), run func(context.Context, Options) error) urfave.ActionFunc {
	return func(c *urfave.Context) error {
		o, err := parse(c)
		if err != nil {
			return err
		}
		return run(c.Context, o)
	}
}

// withoutOptions returns urfave's action of a command that has no options.
func withoutOptions(run func(context.Context) error) urfave.ActionFunc {
	return func(c *urfave.Context) error { return run(c.Context) }
}

package cli

import (
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
)

// branchOptions are the options of a command for one branch.
type branchOptions struct {
	branch    string // "" if it is inferred
	allowFork string // the flag --allow-fork
}

func parseBranch(c *urfave.Context) (branchOptions, error) {
	return branchOptions{branch: c.Args().First(), allowFork: c.String("allow-fork")}, nil
}

// allowForkFlag is the flag of the commands that change an environment. It is no setting: the build of a pull request reads the
// settings from the fork, and the fork would allow itself.
func allowForkFlag() *urfave.StringFlag {
	return &urfave.StringFlag{Name: "allow-fork", Usage: "in the build of a pull request of the fork `OWNER/NAME`, go on"}
}

func yesFlag() *urfave.BoolFlag {
	return &urfave.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask; required when not interactive"}
}

// yesOptions are the options of a command with no other flag than --yes.
type yesOptions struct {
	yes bool // do not ask
}

func parseYes(c *urfave.Context) (yesOptions, error) { return yesOptions{c.Bool("yes")}, nil }

// durationFlag returns the value of a flag that is written like the settings' durations; 0 if it is not given.
func durationFlag(c *urfave.Context, name string) (time.Duration, error) {
	if !c.IsSet(name) {
		return 0, nil
	}
	d, err := config.ParseDuration(c.String(name))
	if err != nil {
		return 0, fault.Usagef("--%s %.80q %w", name, c.String(name), err).WithHint("write it as in 90m, 12h or 3d")
	}
	return time.Duration(d), nil
}

// oneOf refuses more than one of several flags that exclude each other.
func oneOf(c *urfave.Context, names ...string) error {
	first := ""
	for _, name := range names {
		switch {
		case !c.IsSet(name):
		case first == "":
			first = name
		default:
			return fault.Usagef("--%s and --%s exclude each other", first, name).WithHint("leave one of them out")
		}
	}
	return nil
}

package cli

import (
	"context"
	"net/url"
	"path/filepath"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/sandbox"
)

func (s *session) sandboxCommand() *urfave.Command {
	return &urfave.Command{
		Name:  "sandbox",
		Usage: "the embedded AWS that --sandbox uses: no account, nothing costs",
		Subcommands: []*urfave.Command{
			{
				Name: "serve", Usage: "serve the embedded AWS to tools of your own until Ctrl-C",
				Description: "Prints the variables that point the aws command line and other tools to it. At the same address the\n" +
					"environments answer on their host names, and at NAME.localhost in a browser on this machine.",
				Flags: []urfave.Flag{
					&urfave.StringFlag{Name: "addr", Usage: "answer at `HOST:PORT`; default: a free port of this machine"},
				},
				Action: action(parseSandboxServe, s.sandboxServe),
			},
			{
				Name: "get", Usage: "visit an environment of the embedded AWS, as a browser would, and print the answer", ArgsUsage: "URL",
				Description: "URL is what up prints, or a host name. The answer comes from a running: " + program + " sandbox serve",
				Action:      action(parseSandboxGet, s.sandboxGet),
			},
			{Name: "resources", Usage: "list what exists in the embedded AWS", Action: withoutOptions(s.sandboxResources)},
			{
				Name: "fill", Usage: "write object versions into a bucket of the embedded AWS, to see them go", ArgsUsage: "BUCKET",
				Flags:  []urfave.Flag{&urfave.IntFlag{Name: "versions", Value: 2500, Usage: "how many, at most 100000: `N`"}},
				Action: action(parseSandboxFill, s.sandboxFill),
			},
			{
				Name: "reset", Usage: "throw the embedded AWS away, with the stacks in it",
				Flags: []urfave.Flag{yesFlag()}, Action: action(parseYes, s.sandboxReset),
			},
		},
	}
}

// sandboxDir returns the folder of the embedded AWS, beside the settings. Its resources are below aws, the stacks below state.
func sandboxDir(file *config.File) string { return filepath.Join(file.Dir, ".branchenv", "sandbox") }

// embedded is a running embedded AWS.
type embedded struct {
	*sandbox.Server
	dir string
}

// Backend returns the URL of the stacks of the embedded AWS. They are kept beside it, so that they come and go together and never mix
// with the stacks of a real account.
func (e embedded) Backend() string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Join(e.dir, "state"))}).String()
}

// startSandbox serves the embedded AWS of file's project from this process, with its APIs at addr, or if that is empty at a free port.
func (s *session) startSandbox(ctx context.Context, file *config.File, addr string) (embedded, error) {
	dir := sandboxDir(file)
	server, err := sandbox.Start(ctx, sandbox.Options{Dir: filepath.Join(dir, "aws"), Region: file.Region, Addr: addr})
	if err != nil {
		return embedded{}, err
	}
	s.say("sandbox: the embedded AWS in %s, not a real account", dir)
	return embedded{server, dir}, nil
}

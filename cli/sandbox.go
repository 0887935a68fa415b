package cli

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/sandbox"
	"github.com/branchenv/branchenv/internal/text"
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
				Action: s.sandboxServe,
			},
			{
				Name: "get", Usage: "visit an environment of the embedded AWS, as a browser would, and print the answer", ArgsUsage: "URL",
				Description: "URL is what up prints, or a host name. The answer comes from a running: " + program + " sandbox serve",
				Action:      s.sandboxGet,
			},
			{Name: "resources", Usage: "list what exists in the embedded AWS", Action: s.sandboxResources},
			{
				Name: "fill", Usage: "write object versions into a bucket of the embedded AWS, to see them go", ArgsUsage: "BUCKET",
				Flags:  []urfave.Flag{&urfave.IntFlag{Name: "versions", Value: 2500, Usage: "how many, at most 100000: `N`"}},
				Action: s.sandboxFill,
			},
			{
				Name: "reset", Usage: "throw the embedded AWS away, with the stacks in it",
				Flags: []urfave.Flag{yesFlag()}, Action: s.sandboxReset,
			},
		},
	}
}

// sandboxDir is where the embedded AWS lives, beside the settings: what exists in it below aws, the stacks below state.
func sandboxDir(file *config.File) string { return filepath.Join(file.Dir, ".branchenv", "sandbox") }

// embedded is a running embedded AWS.
type embedded struct {
	*sandbox.Server
	dir string
}

// Backend is where the stacks of the embedded AWS are kept: with it, so that they come and go together and never mix
// with those of a real account.
func (e embedded) Backend() string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Join(e.dir, "state"))}).String()
}

// startSandbox serves the embedded AWS of file's project from this process, its APIs at addr; empty: at a free port.
func (s *session) startSandbox(ctx context.Context, file *config.File, addr string) (embedded, error) {
	dir := sandboxDir(file)
	server, err := sandbox.Start(ctx, sandbox.Options{Dir: filepath.Join(dir, "aws"), Region: file.Region, Addr: addr})
	if err != nil {
		return embedded{}, err
	}
	s.say("sandbox: the embedded AWS in %s, not a real account", dir)
	return embedded{server, dir}, nil
}

// served is `sandbox serve`'s JSON document.
type served struct {
	Endpoint  string            `json:"endpoint"`
	Variables map[string]string `json:"variables"`
	Sites     []sandbox.Site    `json:"sites"` // the environments that there are now
}

func (s *session) sandboxServe(c *urfave.Context) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	e, err := s.startSandbox(c.Context, file, c.String("addr"))
	if err != nil {
		return err
	}
	defer e.Close()
	if err := e.Announce(); err != nil {
		return err
	}
	sites, err := e.Sites()
	if err != nil {
		return err
	}
	variables := slices.Sorted(slices.Values(e.Env()))
	if s.json {
		document := served{Endpoint: e.Endpoint(), Variables: map[string]string{}, Sites: append([]sandbox.Site{}, sites...)}
		for _, v := range variables {
			name, value, _ := strings.Cut(v, "=")
			document.Variables[name] = value
		}
		if err := s.out.document(document); err != nil {
			return err
		}
	} else {
		for _, v := range variables {
			name, value, _ := strings.Cut(v, "=")
			s.out.linef("export %s=%s", name, text.ShellWord(value))
		}
	}
	for _, site := range sites {
		s.say("branch %s: %s", site.Branch, site.Address)
	}
	s.say("serving at %s until Ctrl-C", e.Endpoint())
	<-c.Context.Done()
	return nil
}

func (s *session) sandboxResources(_ *urfave.Context) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	resources, err := sandbox.Resources(filepath.Join(sandboxDir(file), "aws"))
	if err != nil {
		return err
	}
	if s.json {
		return s.out.document(resources)
	}
	if len(resources) == 0 {
		s.say("there is nothing in the sandbox")
		return nil
	}
	s.out.raw(sandboxText(resources))
	return nil
}

// sandboxText is a line for each resource; the stack is that of its tags.
func sandboxText(resources []sandbox.Resource) string {
	var rows [][]string
	for _, r := range resources {
		rows = append(rows, []string{aws.TypeOf(r.Type).Noun, r.Name, orDash(r.Status), orDash(r.Tags["branchenv:stack"])})
	}
	return table([]string{"TYPE", "NAME", "STATUS", "STACK"}, rows)
}

func (s *session) sandboxFill(c *urfave.Context) error {
	bucket, versions := c.Args().First(), c.Int("versions")
	if versions < 1 || versions > 100_000 {
		return fault.Usagef("--versions %d is out of range", versions).WithHint("give 1 to 100000")
	}
	file, err := s.settings()
	if err != nil {
		return err
	}
	e, err := s.startSandbox(c.Context, file, "")
	if err != nil {
		return err
	}
	err = errors.Join(e.Fill(c.Context, bucket, versions, nil), e.Close())
	if errors.Is(err, sandbox.ErrNoBucket) {
		return fault.Usagef("the sandbox has no bucket %s", bucket).WithHint("%s lists them", fault.Command{"sandbox", "resources"})
	}
	if err != nil {
		return err
	}
	s.say("wrote %d object versions into %s", versions, bucket)
	return nil
}

func (s *session) sandboxReset(c *urfave.Context) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	dir := sandboxDir(file)
	if !c.Bool("yes") {
		if !s.canAsk {
			return fault.Usagef("sandbox reset asks before it acts, and nobody can be asked here").
				WithHint("add --yes to throw away what is in %s", dir)
		}
		s.warn("about to throw away the embedded AWS and all its stacks, in %s", dir)
		if err := s.confirm(c.Context); err != nil {
			return err
		}
	}
	if err := errors.Join(sandbox.Reset(filepath.Join(dir, "aws")), os.RemoveAll(filepath.Join(dir, "state"))); err != nil {
		return err
	}
	s.say("the sandbox in %s is empty", dir)
	return nil
}

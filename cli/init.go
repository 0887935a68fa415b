package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/address"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/files"
)

func (s *session) initCommand() *urfave.Command {
	return &urfave.Command{
		Name:  "init",
		Usage: "write a first settings file and Pulumi.yaml for this repository",
		Description: "Values that are not given come from the git remote, the folder and AWS_REGION. The files go where --config\n" +
			"says, else into the current folder.",
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "project", Usage: "`NAME` of the Pulumi project; every AWS name begins with it; at most 11 characters"},
			&urfave.StringFlag{Name: "region", Usage: "the AWS `REGION` of everything"},
			&urfave.StringFlag{Name: "domain", Usage: "environments are reached at https://BRANCH.`DOMAIN`"},
			&urfave.StringFlag{Name: "source", Usage: "where the branches are: `OWNER/NAME` on GitHub, or the URL or path of a git remote"},
			&urfave.BoolFlag{Name: "force", Usage: "overwrite files that exist"},
		},
		Action: action(parseInit, s.initialize),
	}
}

// exampleDomain and exampleRegion are written into the first settings file if nothing better is known.
const (
	exampleDomain = "preview.example.com"
	exampleRegion = "eu-central-1"
)

// written is the JSON document of `init`.
type written struct {
	Files []string `json:"files"`
}

type initOptions struct {
	// Each is "" if it is not given.
	project, region, domain, source string
	force                           bool // overwrite files that exist
}

func parseInit(c *urfave.Context) (initOptions, error) {
	return initOptions{c.String("project"), c.String("region"), c.String("domain"), c.String("source"), c.Bool("force")}, nil
}

func (s *session) initialize(ctx context.Context, o initOptions) error {
	target := s.config
	if target == "" {
		target = config.DefaultPath
	}
	dir, err := filepath.Abs(filepath.Dir(target))
	if err != nil {
		return err
	}
	around := readCheckout(ctx, dir)
	o.source = around.resolve(o.source)
	if err := around.refuseItself(dir, o.source); err != nil {
		return err
	}
	answers, notes := firstAnswers(o, s.env, dir, around)
	var note string
	if answers.Default, note = around.defaultBranch(ctx, answers.Source); note != "" {
		notes = append(notes, note)
	}
	settings := config.Init(answers)
	parsed, err := config.Parse(target, settings)
	if err != nil {
		return byFlag(err)
	}
	if o.source != "" && (around.inside || o.source != ".") {
		if err := around.checkRepository(ctx, answers.Source); err != nil {
			return err
		}
	}
	files := []newFile{
		{target, settings}, {filepath.Join(filepath.Dir(target), "Pulumi.yaml"), config.PulumiYAML(answers.Project)},
	}
	if err := writeNew(files, o.force); err != nil {
		return err
	}
	document := written{}
	for _, f := range files {
		document.Files = append(document.Files, f.path)
		s.say("wrote %s", f.path)
	}
	for _, note := range slices.Concat(notes, parsed.Warnings()) {
		s.say("%s", note)
	}
	s.say("next: look through %s, then %s", target, fault.Command{"application", "up"})
	if s.json {
		return s.out.document(document)
	}
	return nil
}

// byFlag turns the problems of settings that came from flags into an error that names the flags: there is no file yet.
func byFlag(err error) error {
	var problems config.Problems
	if !errors.As(err, &problems) {
		return err
	}
	var lines []string
	for _, p := range problems {
		flag, _, _ := strings.Cut(p.Key, ".")
		if !slices.Contains([]string{"project", "region", "domain", "source"}, flag) {
			return err
		}
		lines = append(lines, "--"+flag+": "+p.What+": "+p.Instead)
	}
	return fault.Usagef("%s", strings.Join(lines, "\n"))
}

// firstAnswers completes the options with values from the environment, the folder and the git remote. The notes say what a person
// should correct.
func firstAnswers(o initOptions, env func(string) string, dir string, around checkout) (config.Answers, []string) {
	var notes []string
	source, remote := around.source(), around.url
	if o.source == "" && len(around.others) > 0 {
		notes = append(notes, fmt.Sprintf("the source is the remote %q; there are others: %s", around.remote, strings.Join(around.others, ", ")))
	}
	if o.source != "" {
		source = sourceGiven(o.source)
	}
	if !around.inside && source.Git == "." {
		notes = append(notes, "this folder is not in a git repository: set source before reconcile")
	}
	a := config.Answers{Project: o.project, Region: o.region, Domain: o.domain, Source: source}
	if a.Project == "" {
		name := filepath.Base(filepath.Join(dir, around.up))
		if remote != "" {
			name = strings.TrimSuffix(path.Base(strings.ReplaceAll(remote, ":", "/")), ".git")
		}
		if a.Project = config.SuggestProject(name); a.Project != name || remote == "" && around.up != "." {
			notes = append(notes, fmt.Sprintf("project %s is made from %q: it begins the name of everything in AWS, and cannot be changed later", a.Project, name))
		}
	}
	for _, variable := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if a.Region == "" {
			a.Region = env(variable)
		}
	}
	if a.Region == "" {
		a.Region = exampleRegion
		notes = append(notes, "region "+exampleRegion+" is only an example: put yours in its place")
	}
	if a.Domain == "" {
		a.Domain = exampleDomain
		notes = append(notes, "domain "+exampleDomain+" is only an example: put yours in its place")
	}
	return a, notes
}

// sourceGiven parses the same as sourceOf, also with github: or git: before it as in the settings.
func sourceGiven(text string) config.Source {
	if repository, ok := strings.CutPrefix(text, "github:"); ok {
		if source := sourceOf(repository); source.GitHub != "" {
			return source
		}
		return config.Source{GitHub: repository} // which the settings refuse
	}
	if remote, ok := strings.CutPrefix(text, "git:"); ok && !strings.HasPrefix(remote, "//") {
		return config.Source{Git: remote}
	}
	return sourceOf(text)
}

// sourceOf parses OWNER/NAME, an address on github.com, or the URL or path of a git remote. It leaves out a user name and password in a
// URL: the settings file is no place for a token.
func sourceOf(text string) config.Source {
	if repository, ok := address.OnGitHub(text); ok {
		return config.Source{GitHub: repository}
	}
	if _, _, ok := address.Split(text); ok {
		return config.Source{GitHub: text}
	}
	if u, err := url.Parse(text); err == nil && u.User != nil && u.Scheme != "ssh" {
		u.User = nil
		return config.Source{Git: u.String()}
	}
	return config.Source{Git: text}
}

// newFile is a file to write.
type newFile struct {
	path    string
	content []byte
}

// writeNew writes all files, or none if one exists and force is not given.
func writeNew(all []newFile, force bool) error {
	var there []string
	for _, f := range all {
		if _, err := os.Lstat(f.path); err == nil {
			there = append(there, f.path)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return fault.Usagef("write %s: %w", f.path, err)
		}
	}
	if len(there) > 0 && !force {
		exist := "exists"
		if len(there) > 1 {
			exist = "exist"
		}
		return fault.Usagef("%s %s already", strings.Join(there, " and "), exist).
			WithHint("add --force to overwrite, or name another settings file with --config")
	}
	for _, f := range all {
		if err := files.Write(f.path, f.content, 0o644); err != nil { // for the repository, no secret in it
			return fmt.Errorf("write settings: %w", err)
		}
	}
	return nil
}

package config

import (
	"cmp"
	_ "embed" // for the first settings file
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"

	"go.yaml.in/yaml/v3"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/files"
)

//go:embed first.yaml.tmpl
var firstSettings string

// Answers are the values of a first settings file.
type Answers struct {
	Project, Region, Domain string
	Source                  Source // with exactly one field set
	Default                 string // the name of the source's default branch; "" for main
}

// Init returns a first settings file, with comments. It is valid if the answers are. Parse reports what is wrong with them.
func Init(a Answers) []byte {
	// The branch name is used as a pattern. Of the special characters of patterns, git allows only braces in names.
	a.Default = strings.NewReplacer("{", `\{`, "}", `\}`).Replace(cmp.Or(a.Default, "main"))
	for _, s := range []*string{&a.Project, &a.Region, &a.Domain, &a.Source.GitHub, &a.Source.Git, &a.Default} {
		*s = yamlWord(*s)
	}
	var out strings.Builder
	if err := template.Must(template.New("first").Parse(firstSettings)).Execute(&out, a); err != nil {
		panic(err) // the template is part of the program, and a strings.Builder returns no errors
	}
	return []byte(out.String())
}

// yamlWord returns s as a YAML value on one line, and "" for "". It quotes s if YAML would read it as a number, a boolean or
// null.
func yamlWord(s string) string {
	var node yaml.Node
	if s == "" || harmless.MatchString(s) && !strings.ContainsAny(s[:1], "*@-") && yaml.Unmarshal([]byte(s), &node) == nil && node.Content[0].ShortTag() == "!!str" {
		return s
	}
	return strconv.Quote(s)
}

// PulumiYAML returns a Pulumi.yaml. With it `pulumi preview` in the settings' folder runs the branchenv on PATH as the
// stack's program. Source: Pulumi's project file reference, runtime options.
func PulumiYAML(project string) []byte {
	return []byte("name: " + yamlWord(project) + `
description: One environment for each git branch
runtime:
  name: go
  options:
    binary: branchenv
`)
}

// CheckPulumiYAML refuses, with exit code 2, a Pulumi.yaml beside the settings file that names another project. Pulumi would
// look for the stacks in another place than branchenv. A missing Pulumi.yaml is no error.
func (f *File) CheckPulumiYAML() error {
	for _, name := range []string{"Pulumi.yaml", "Pulumi.yml"} {
		path := filepath.Join(f.Dir, name)
		data, err := files.Read(path, maxFile)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fault.Usagef("read the Pulumi project: %w", err)
		}
		var project struct {
			Name string `yaml:"name"`
		}
		if err := yaml.Unmarshal(data, &project); err != nil {
			return fault.Usagef("%s is not a Pulumi project: the parser says %s", plain(path), quote(err.Error())).
				WithHint("`%s` writes one if there is none", fault.Command{"init"})
		}
		if project.Name != f.Project {
			return fault.Usagef("%s is for project %s, the settings are for %s", plain(path), quote(project.Name), quote(f.Project)).
				WithHint("write name: %s there, or change project in the settings", f.Project)
		}
		return nil
	}
	return nil
}

package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/branchenv/branchenv/config"
)

// TestResolve resolves branches and kinds of a settings file. The name of a section is the question: "show BRANCH" and
// "kind KIND" list the values that are not built in, "all BRANCH" lists everything, and "diff A B" the differences.
func TestResolve(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/resolve/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test files: %v", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			file, err := config.Parse(archive.Files[0].Name, archive.Files[0].Data)
			if err != nil {
				t.Fatal(err)
			}
			for i, section := range archive.Files[1:] {
				got := answer(t, file, section.Name)
				if *update {
					archive.Files[i+1].Data = []byte(got)
				} else if diff := cmp.Diff(string(section.Data), got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", section.Name, diff)
				}
			}
			if *update {
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func answer(t *testing.T, file *config.File, question string) string {
	t.Helper()
	words := strings.Fields(question)
	ask := func(resolve func(string) (config.Resolved, error), name string) config.Resolved {
		resolved, err := resolve(name)
		if err != nil {
			t.Fatalf("%s: %v", question, err)
		}
		return resolved
	}
	var out strings.Builder
	if words[0] == "diff" {
		for _, d := range config.Diff(ask(file.Resolve, words[1]), ask(file.Resolve, words[2])) {
			fmt.Fprintf(&out, "%s: %s | %s\n", d.Path, d.A, d.B)
		}
		return out.String()
	}
	resolve := file.Resolve
	if words[0] == "kind" {
		resolve = file.ResolveKind
	}
	resolved := ask(resolve, words[1])
	fmt.Fprintf(&out, "kind: %s\n", resolved.Kind)
	for _, m := range resolved.Matches {
		fmt.Fprintf(&out, "match: %+v\n", m)
	}
	for _, v := range resolved.Values() {
		if words[0] == "all" {
			fmt.Fprintf(&out, "%s: %s\n", v.Path, v.Value)
		} else if v.Origin.Layer != "built-in" {
			fmt.Fprintf(&out, "%s: %s (%s, column %d)\n", v.Path, v.Value, v.Origin, v.Origin.Column)
		}
	}
	if len(resolved.Values()) != len(resolved.Origins) {
		t.Errorf("%s: %d values with %d origins: %v", question, len(resolved.Values()), len(resolved.Origins), resolved.Origins)
	}
	return out.String()
}

package config_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
)

var update = flag.Bool("update", false, "rewrite the expectations in testdata")

// TestProblems reads settings files and compares every message word for word.
func TestProblems(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/problems/*.txtar")
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
			_, err = config.Parse(archive.Files[0].Name, archive.Files[0].Data)
			if fault.Code(err) != fault.Usage {
				t.Fatalf("exit code %d, want %d: %v", fault.Code(err), fault.Usage, err)
			}
			checkProblems(t, err)
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("a secret shows:\n%v", err)
			}
			got := err.Error() + "\n"
			if *update {
				archive.Files[1].Data = []byte(got)
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(archive.Files[1].Data), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// checkProblems checks the rules for all problems.
func checkProblems(t *testing.T, err error) {
	t.Helper()
	var problems config.Problems
	if !errors.As(err, &problems) || len(problems) == 0 {
		t.Fatalf("no problems in %v", err)
	}
	for i, p := range problems {
		if p.Line < 1 || p.Column < 1 || p.What == "" || p.Instead == "" {
			t.Errorf("incomplete problem: %+v", p)
		}
		if strings.ContainsFunc(p.String(), func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("a message with unprintable characters: %q", p.String())
		}
		if i > 0 && p.Line < problems[i-1].Line {
			t.Errorf("not in the order of lines: %v", problems)
		}
		if i > 0 && p == problems[i-1] {
			t.Errorf("told twice: %v", p)
		}
	}
}

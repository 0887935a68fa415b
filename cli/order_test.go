package cli

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/internal/fault"
)

func testGrammar() *grammar {
	s := &session{out: &printer{to: io.Discard}, err: &printer{to: io.Discard}}
	return newGrammar(s.app())
}

func TestOrder(t *testing.T) {
	t.Parallel()
	tests := []struct {
		line string // words separated by spaces; "" stands for an empty word
		want string
	}{
		{"", ""},
		{"list", "list"},
		{"list --json", "--json list"},
		{"up main --image app:1 --json", "--json up --image=app:1 -- main"},
		{"--image app:1 up main", "up --image=app:1 -- main"},
		{"--image=app:1 up --sandbox main", "--sandbox up --image=app:1 -- main"},
		{"up -q main", "--quiet up -- main"},
		{"destroy -y", "destroy --yes"},
		{"-json list", "--json list"},
		{"--json list --json", "--json list"},
		{"list --json=false", "--json=false list"},
		{"up -- -odd", "up -- -odd"},
		{"up -", "up -- -"},
		{"up config", "up -- config"},
		{"config show main --config x.yaml", "--config=x.yaml config show -- main"},
		{"config --kind staging show", "config show --kind=staging"},
		{"up --image=a=b", "up --image=a=b"},
		{"-h", "--help"},
		{"help", "--help"},
		{"help config diff", "config diff --help"},
		{"config", "error: branchenv config needs one of the commands show, diff, validate"},
		{"up -h main", "up --help"},
		{"up main extra", "error: surplus argument extra: branchenv up takes one argument, BRANCH | branchenv up main"},
		{"up main --image x extra more --json", "error: surplus arguments extra more: branchenv up takes one argument, BRANCH | branchenv --json up --image=x main"},
		{"list main", "error: surplus argument main: branchenv list takes no arguments | branchenv list"},
		{"config diff a", "error: the argument B is missing | branchenv config diff A B"},
		{"why", "error: the argument BRANCH is missing | branchenv why BRANCH"},
		{`up ""`, "error: the argument BRANCH is empty | check the variable that it comes from"},
		{`up --image ""`, "error: the value of --image is empty | leave --image out, or check the variable that its value comes from"},
		{"up --image=", "error: the value of --image is empty | leave --image out, or check the variable that its value comes from"},
		{"up --image", "error: --image needs a value"},
		{"up --image --json", "error: --image needs a value, but --json follows it | write --image=--json if that is the value"},
		{"up --image a --image b", `error: --image is given twice: "a" and "b"`},
		{"up --imgae a", "error: unknown flag --imgae | did you mean --image?"},
		{"up --frobnicate", "error: unknown flag --frobnicate | branchenv up --help lists the flags"},
		{"list --yes", "error: branchenv list has no flag --yes | it belongs to branchenv destroy, branchenv reconcile, branchenv doctor, branchenv application destroy, branchenv sandbox reset"},
		{"list --json=maybe", `error: --json takes no value, but got "maybe"`},
		{"dstroy main", `error: unknown command "dstroy" | did you mean branchenv destroy?`},
		{"config shwo", `error: unknown command "config shwo" | did you mean branchenv config show?`},
		{"xyzzy", `error: unknown command "xyzzy" | branchenv --help lists the commands`},
	}
	for _, test := range tests {
		t.Run(test.line, func(t *testing.T) {
			t.Parallel()
			words := strings.Fields(test.line)
			for i, w := range words {
				if w == `""` {
					words[i] = ""
				}
			}
			ordered, err := order(testGrammar(), words)
			got := strings.Join(ordered, " ")
			if err != nil {
				got = "error: " + err.Error()
				if hint := fault.Hint(err); hint != "" {
					got += " | " + hint
				}
				if code := fault.Code(err); code != fault.Usage {
					t.Errorf("exit code %d, want %d", code, fault.Usage)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A flag may stand before its command only if its name takes a value everywhere or nowhere.
func TestFlagsAgree(t *testing.T) {
	t.Parallel()
	takes := map[string]bool{}
	var walk func(*grammar)
	walk = func(g *grammar) {
		for name, f := range g.flags {
			if before, ok := takes[name]; ok && before != f.value {
				t.Errorf("%s: the flag --%s takes a value here and none elsewhere, or the other way round", g.line(), name)
			}
			takes[name] = f.value
		}
		for _, c := range g.commands {
			walk(c)
		}
	}
	walk(testGrammar())
}

// What order returns means the same to order as what was typed, and urfave finds every argument where it belongs.
func FuzzOrder(f *testing.F) {
	for _, seed := range []string{
		"up main --image app:1 --json", "--yes destroy a", "up -- --json", "config diff a b", "-h up", "up --image=x=y -q",
		"up \x1b[31m --", "sandbox reset --yes --yes", "why $(reboot)", "--config a list --config a",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words := strings.Split(line, " ")
		ordered, err := order(testGrammar(), words)
		if err != nil {
			if fault.Code(err) != fault.Usage {
				t.Fatalf("%q: %v is not an error of usage", words, err)
			}
			return
		}
		again, err := order(testGrammar(), ordered)
		if err != nil {
			t.Fatalf("%q was ordered as %q, which is refused: %v", words, ordered, err)
		}
		if diff := cmp.Diff(ordered, again); diff != "" {
			t.Fatalf("%q: ordering twice differs:\n%s", words, diff)
		}
		if i := slices.Index(ordered, "--"); i >= 0 {
			checkUrfave(t, ordered, ordered[i+1:])
		}
	})
}

// checkUrfave runs the ordered line with actions that only note their arguments.
func checkUrfave(t *testing.T, ordered, want []string) {
	s := &session{out: &printer{to: io.Discard}, err: &printer{to: io.Discard}}
	app := s.app()
	ran := false
	var note func([]*urfave.Command)
	note = func(commands []*urfave.Command) {
		for _, c := range commands {
			c.Action = func(c *urfave.Context) error {
				ran = true
				if diff := cmp.Diff(want, c.Args().Slice()); diff != "" {
					t.Fatalf("%q: arguments differ:\n%s", ordered, diff)
				}
				return nil
			}
			note(c.Subcommands)
		}
	}
	note(app.Commands)
	if err := app.Run(append([]string{program}, ordered...)); err != nil {
		return // a value of the wrong type
	}
	if !ran {
		t.Fatalf("%q: no command ran", ordered)
	}
}

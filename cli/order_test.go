package cli

import (
	"io"
	"regexp"
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
		{"up main extra", "error: surplus argument extra: branchenv up takes one argument, BRANCH | branchenv up --help; a name with spaces or special characters needs quotes"},
		{"up main nginx:1.29", "error: surplus argument nginx:1.29: branchenv up takes one argument, BRANCH | branchenv up --image=nginx:1.29 main"},
		{"up main a:1 --image b:1", "error: surplus argument a:1: branchenv up takes one argument, BRANCH | branchenv up --help; a name with spaces or special characters needs quotes"},
		{"keep x 5d", "error: surplus argument 5d: branchenv keep takes one argument, BRANCH | branchenv keep --for=5d x"},
		{"destroy main nginx:1.29", "error: surplus argument nginx:1.29: branchenv destroy takes one argument, BRANCH | branchenv destroy --help; a name with spaces or special characters needs quotes"},
		{"up main --image x extra more --json", "error: surplus arguments extra more: branchenv up takes one argument, BRANCH | branchenv up --help; a name with spaces or special characters needs quotes"},
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
		{"list --yes", "error: branchenv list has no flag --yes | branchenv list --help lists its flags"},
		{"list --timeout 5m", "error: branchenv list has no flag --timeout | it belongs to branchenv up, branchenv preview, branchenv reconcile"},
		{"destroy --yse", "error: unknown flag --yse | branchenv destroy --help lists the flags"},
		{"destroy feature login --yes", "error: surplus argument login: branchenv destroy takes one argument, BRANCH | branchenv destroy --help; a name with spaces or special characters needs quotes"},
		{"reconcile --max-destroy 3", "reconcile --max-destroy=3"},
		{"reconcile --max-destroy 0x7f", `error: --max-destroy "0x7f" is not a whole number | write it in decimal digits, as in --max-destroy 3`},
		{"reconcile --max-destroy=0b1", `error: --max-destroy "0b1" is not a whole number | write it in decimal digits, as in --max-destroy 3`},
		{"reconcile --parallel 010", `error: --parallel "010" is not a whole number | write it in decimal digits, as in --parallel 3`},
		{"reconcile --parallel 1_0", `error: --parallel "1_0" is not a whole number | write it in decimal digits, as in --parallel 3`},
		{"list --json=maybe", `error: --json takes no value, but got "maybe"`},
		{"dstroy main", `error: unknown command "dstroy" | branchenv --help lists the commands`},
		{"deploy main", `error: unknown command "deploy" | did you mean branchenv up?`},
		{"Create main", `error: unknown command "Create" | did you mean branchenv up?`},
		{"ls", `error: unknown command "ls" | did you mean branchenv list?`},
		{"app up", `error: unknown command "app" | did you mean branchenv application?`},
		{"rm main", `error: unknown command "rm" | branchenv calls it destroy; branchenv destroy --help tells more`},
		{"down", `error: unknown command "down" | branchenv calls it destroy; branchenv destroy --help tells more`},
		{"application delete", `error: unknown command "application delete" | branchenv calls it destroy; branchenv application destroy --help tells more`},
		{"sandbox clear", `error: unknown command "sandbox clear" | branchenv calls it reset; branchenv sandbox reset --help tells more`},
		{"config lint", `error: unknown command "config lint" | did you mean branchenv config validate?`},
		{"lsit", `error: unknown command "lsit" | did you mean branchenv list?`},
		{"config shwo", `error: unknown command "config shwo" | did you mean branchenv config show?`},
		{"validate", `error: unknown command "validate" | did you mean branchenv config validate?`},
		{"serve", `error: unknown command "serve" | did you mean branchenv sandbox serve?`},
		{"resources", `error: unknown command "resources" | did you mean branchenv sandbox resources?`},
		{"reset", `error: unknown command "reset" | branchenv --help lists the commands`},
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
				if hint := fault.Hint(err).String(); hint != "" {
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

// TestSynonyms: each word leads to one command, which exists and is not called so itself.
func TestSynonyms(t *testing.T) {
	t.Parallel()
	root := testGrammar()
	for line, words := range synonyms {
		g := root
		for _, word := range strings.Fields(line)[1:] {
			var err error
			if g, err = g.find(word); err != nil {
				t.Fatal(err)
			}
		}
		meant := map[string]string{}
		for command, list := range words {
			if !slices.Contains(g.commandNames(), command) {
				t.Errorf("%s has no command %s", line, command)
			}
			for word := range strings.FieldsSeq(list) {
				if before, twice := meant[word]; twice || slices.Contains(g.commandNames(), word) {
					t.Errorf("%s %s: means %s and %s", line, word, before, command)
				}
				meant[word] = command
			}
		}
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

// removing finds a command line that takes something away, ready to be typed.
var removing = regexp.MustCompile(`branchenv (.* )?(destroy|reset)( [^-]|\?|$|.* --yes)`)

// What order returns means the same to order as what was typed, and urfave finds every argument where it belongs.
func FuzzOrder(f *testing.F) {
	for _, seed := range []string{
		"up main --image app:1 --json", "--yes destroy a", "up -- --json", "config diff a b", "-h up", "up --image=x=y -q",
		"up \x1b[31m --", "sandbox reset --yes --yes", "why $(reboot)", "dstroy a --yes", "destroy a b --yes", "sandbox rset", "delete", "--config a list --config a",
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
			if removing.MatchString(fault.Hint(err).String()) {
				t.Fatalf("%q: the hint is a command that removes: %s", words, fault.Hint(err).String())
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

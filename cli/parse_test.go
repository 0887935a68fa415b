package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/reconcile"
	"github.com/branchenv/branchenv/stacks"
)

// parsed returns the options that parse makes from a command line. Nothing is run.
func parsed[Options any](parse func(*urfave.Context) (Options, error)) func(t *testing.T, line string) (any, error) {
	return func(t *testing.T, line string) (any, error) {
		t.Helper()
		s := &session{out: &printer{to: io.Discard}}
		app := s.app()
		words := strings.Fields(line)
		apart, err := parseLine(newGrammar(app), words)
		if err != nil {
			t.Fatal(err)
		}
		ordered, err := order(newGrammar(app), words)
		if err != nil {
			t.Fatal(err)
		}
		commands, command := app.Commands, (*urfave.Command)(nil)
		for _, word := range apart.command.path() {
			command = commands[slices.IndexFunc(commands, func(c *urfave.Command) bool { return c.Name == word })]
			commands = command.Subcommands
		}
		var o Options
		command.Action = func(c *urfave.Context) (err error) {
			o, err = parse(c)
			return err
		}
		return o, app.RunContext(t.Context(), append([]string{program}, ordered...))
	}
}

// TestParse: every command's options from its command line.
func TestParse(t *testing.T) {
	t.Parallel()
	commit := strings.Repeat("a", 40)
	ptr := func(n int) *int { return &n }
	grace := time.Hour
	up, keep, reconciling, status := parsed(parseUp), parsed(parseKeep), parsed(parseReconcile), parsed(parseStatus)
	for _, test := range []struct {
		line  string
		parse func(*testing.T, string) (any, error)
		want  any
	}{
		{"adopt", parsed(parseAdopt), adoptOptions{}},
		{"adopt --from github:2 -y", parsed(parseAdopt), adoptOptions{from: "github:2", yes: true}},
		{"application destroy --yes", parsed(parseYes), yesOptions{yes: true}},
		{"complete -- up fe", parsed(parseComplete), completeOptions{words: []string{"up", "fe"}}},
		{"completion fish", parsed(parseCompletion), completionOptions{shell: "fish"}},
		{"config diff main branch:x", parsed(parseConfigDiff), configDiffOptions{sides: [2]string{"main", "branch:x"}}},
		{"config show x", parsed(parseConfigShow), configShowOptions{branch: "x"}},
		{"config show --kind staging", parsed(parseConfigShow), configShowOptions{kind: "staging"}},
		{"destroy", parsed(parseDestroy), destroyOptions{}},
		{"destroy x --yes --allow-fork a/b", parsed(parseDestroy), destroyOptions{branchOptions: branchOptions{branch: "x", allowFork: "a/b"}, yes: true}},
		{"doctor", parsed(parseDoctor), doctorOptions{}},
		{"doctor x --fix --yes", parsed(parseDoctor), doctorOptions{word: "x", fix: true, yes: true}},
		{"init --force --project p --region r --domain d --source s", parsed(parseInit), initOptions{project: "p", region: "r", domain: "d", source: "s", force: true}},
		{"keep x --for 5d", keep, keepOptions{branchOptions: branchOptions{branch: "x"}, time: 5 * 24 * time.Hour}},
		{"open x", parsed(parseBranch), branchOptions{branch: "x"}},
		{"preview --pulumi", parsed(parsePreview), previewOptions{pulumi: true}},
		{"reconcile", reconciling, reconcileOptions{}},
		{"reconcile --yes --max-destroy 0 --max-create 3 --grace 1h --parallel 2 --timeout 1m", reconciling, reconcileOptions{
			yes: true, carryOut: reconcile.Options{Parallel: 2, Timeout: time.Minute},
			overrides: reconcile.Overrides{ExactDestroy: ptr(0), ExactCreate: ptr(3), Grace: &grace},
		}},
		{"sandbox fill b", parsed(parseSandboxFill), sandboxFillOptions{bucket: "b", versions: 2500}},
		{"sandbox get x.example.com/a?b", parsed(parseSandboxGet), sandboxGetOptions{target: &url.URL{Scheme: "https", Host: "x.example.com", Path: "/a", RawQuery: "b"}}},
		{"sandbox serve --addr 127.0.0.1:1", parsed(parseSandboxServe), sandboxServeOptions{addr: "127.0.0.1:1"}},
		{"status", status, statusOptions{}},
		{"status --max-age 1d", status, statusOptions{maxAge: 24 * time.Hour}},
		{"up", up, upOptions{}},
		{"up --commit " + strings.ToUpper(commit) + " x --like y --if-exists --allow-data-loss --timeout 45m --version v --allow-fork a/b", up, upOptions{
			branchOptions{branch: "x", allowFork: "a/b"},
			stacks.UpRequest{Version: "v", Like: "y", Commit: commit, IfExists: true, AllowDataLoss: true, Timeout: 45 * time.Minute},
		}},
		{"why x --reconcile", parsed(parseWhy), whyOptions{branch: "x", reconcile: true}},
	} {
		got, err := test.parse(t, test.line)
		diff := cmp.Diff(test.want, got, cmp.AllowUnexported(
			adoptOptions{}, branchOptions{}, completeOptions{}, completionOptions{}, configDiffOptions{}, configShowOptions{}, destroyOptions{}, doctorOptions{},
			initOptions{}, keepOptions{}, previewOptions{}, reconcileOptions{}, sandboxFillOptions{}, sandboxGetOptions{}, sandboxServeOptions{}, statusOptions{},
			upOptions{}, whyOptions{}, yesOptions{},
		))
		if err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", test.line, err, diff)
		}
	}
}

// TestParseRefuses: what is wrong with flags is found before anything is read or asked.
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	up, keep, reconciling := parsed(parseUp), parsed(parseKeep), parsed(parseReconcile)
	for _, test := range []struct {
		line  string
		parse func(*testing.T, string) (any, error)
		want  string
	}{
		{"completion tcsh", parsed(parseCompletion), `there is no completion for "tcsh"`},
		{"config show x --kind staging", parsed(parseConfigShow), "a branch and --kind exclude each other"},
		{"doctor --yes", parsed(parseDoctor), "--yes answers what only --fix asks"},
		{"keep x", keep, "--for is missing"},
		{"keep x --for soon", keep, `--for "soon" is not a duration`},
		{"keep x --for 366d", keep, "--for 366d is out of range"},
		{"preview --timeout 1s", parsed(parsePreview), "a --timeout of 1s is too short for AWS"},
		{"reconcile --max-destroy=-1", reconciling, "--max-destroy -1 is out of range"},
		{"reconcile --parallel 65", reconciling, "--parallel 65 is out of range"},
		{"reconcile --timeout 59s", reconciling, "a --timeout of 59s is too short for AWS"},
		{"reconcile --grace soon", reconciling, `--grace "soon" is not a duration`},
		{"sandbox fill b --versions 0", parsed(parseSandboxFill), "--versions 0 is out of range"},
		{"sandbox get ftp://x", parsed(parseSandboxGet), `"ftp://x" is neither a URL of HTTP nor a host name`},
		{"status --max-age 0", parsed(parseStatus), "a --max-age of 0s is out of range"},
		{"up --image a --version b", up, "--image and --version exclude each other"},
		{"up --image A:b:c", up, `--image "A:b:c" is not an image reference: invalid reference format`},
		{"up --bundle absent.zip", up, "the bundle absent.zip does not exist"},
		{"up --commit abc", up, `--commit "abc" is not a commit`},
		{"up --timeout 1s", up, "a --timeout of 1s is too short for AWS"},
	} {
		if _, err := test.parse(t, test.line); err == nil || !strings.HasPrefix(err.Error(), test.want) || fault.Code(err) != fault.Usage {
			t.Errorf("%s: %v, want %s", test.line, err, test.want)
		}
	}
}

// TestParseStep: below the step that parses flags and arguments, nothing knows urfave's context.
func TestParseStep(t *testing.T) {
	t.Parallel()
	helpers := []string{"action", "withoutOptions", "usageError", "durationFlag", "oneOf"}
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	parsers := 0
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			f, ok := declaration.(*ast.FuncDecl)
			if !ok || !slices.ContainsFunc(f.Type.Params.List, func(field *ast.Field) bool { return types.ExprString(field.Type) == "*urfave.Context" }) {
				continue
			}
			parsers++
			if f.Recv != nil || !strings.HasPrefix(f.Name.Name, "parse") && !slices.Contains(helpers, f.Name.Name) {
				t.Errorf("%s: %s takes *urfave.Context; only functions named parse… may", path, f.Name.Name)
			}
		}
	}
	if parsers < 20 {
		t.Errorf("%d functions take *urfave.Context: the search is wrong", parsers)
	}
}

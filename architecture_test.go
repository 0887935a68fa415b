package main

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/branchenv/branchenv"

// mayImport says which packages of this module each package may import. Dependencies run one way.
var mayImport = map[string][]string{
	"":                        {"cli", "stacks/program"},
	"cli":                     {"config", "internal/address", "internal/aws", "internal/backend", "internal/ci", "internal/engine", "internal/fault", "internal/files", "internal/git", "internal/github", "internal/operation", "internal/reconcile", "internal/reconcile/plan", "internal/sandbox", "internal/terminal", "internal/text", "stacks", "stacks/names"},
	"internal/reconcile":      {"config", "internal/backend", "internal/fault", "internal/files", "internal/github", "internal/operation", "internal/reconcile/plan", "internal/text", "stacks", "stacks/names", "stacks/program"},
	"internal/reconcile/plan": {"config", "internal/fault", "internal/text", "stacks/names"},
	"stacks":                  {"config", "internal/aws", "internal/backend", "internal/engine", "internal/fault", "internal/operation", "internal/platform", "internal/text", "stacks/names", "stacks/program"},
	"stacks/program":          {"components", "config", "internal/fault", "internal/text", "stacks/names"},
	"stacks/names":            {"internal/fault", "internal/text"},
	"internal/backend":        {"internal/fault", "internal/files", "internal/text", "stacks/names"},
	"internal/engine":         {"internal/fault", "internal/operation", "internal/text"},
	"internal/platform":       {"internal/aws", "internal/engine", "internal/fault", "internal/operation", "internal/text", "stacks/names", "stacks/program"},
	"internal/operation":      {"internal/fault"},
	"components":              {"internal/engines", "internal/fault", "internal/regions"},
	"config":                  {"internal/address", "internal/engines", "internal/fault", "internal/files", "internal/regions", "internal/text"},
	"internal/address":        {},
	"internal/aws":            {"internal/fault", "internal/regions", "internal/text"},
	"internal/ci":             {"internal/fault"},
	"internal/engines":        {},
	"internal/fault":          {"internal/text"},
	"internal/files":          {},
	"internal/git":            {"internal/fault", "internal/text"},
	"internal/github":         {"internal/address", "internal/fault", "internal/git", "internal/text"},
	"internal/regions":        {"internal/text"},
	"internal/sandbox": {
		"internal/sandbox/api", "internal/sandbox/cloud", "internal/sandbox/disk", "internal/sandbox/gateway", "internal/sandbox/platforms",
		"internal/sandbox/provider", "internal/sandbox/s3", "internal/sandbox/services",
	},
	"internal/sandbox/api":       {"internal/sandbox/cloud", "internal/sandbox/platforms", "internal/sandbox/s3", "internal/sandbox/schema", "internal/sandbox/services", "internal/sandbox/value"},
	"internal/sandbox/cloud":     {"internal/sandbox/disk", "internal/sandbox/s3", "internal/sandbox/schema", "internal/sandbox/value"},
	"internal/sandbox/disk":      {},
	"internal/sandbox/gateway":   {"internal/sandbox/cloud", "internal/sandbox/services", "internal/sandbox/value"},
	"internal/sandbox/platforms": {"internal/sandbox/cloud", "internal/sandbox/services", "internal/sandbox/value"},
	"internal/sandbox/provider":  {"internal/sandbox/cloud", "internal/sandbox/schema", "internal/sandbox/value", "internal/text"},
	"internal/sandbox/s3":        {"internal/sandbox/disk"},
	"internal/sandbox/schema":    {},
	"internal/sandbox/services":  {"internal/sandbox/cloud", "internal/sandbox/s3", "internal/sandbox/schema", "internal/sandbox/value"},
	"internal/sandbox/value":     {},
	"internal/text":              {},
	// For tests alone.
	"internal/fault/faulttest":     {"internal/fault"},
	"internal/github/githubtest":   {},
	"internal/pulumitest":          {},
	"internal/sandbox/sandboxtest": {"internal/sandbox/cloud", "internal/sandbox/platforms", "internal/sandbox/provider", "internal/sandbox/services"},
	"internal/stackstest":          {"internal/backend", "internal/pulumitest", "stacks/names", "stacks/program"},
	"internal/terminal":            {},
}

// onlyIn says where a foreign module may be imported: in these packages, or files, and no others.
var onlyIn = map[string][]string{
	"github.com/urfave/cli":                   {"cli"},
	"github.com/google/go-github":             {"internal/github"},
	"github.com/pulumi/pulumi-aws":            {"components", "stacks/program"},
	"github.com/pulumi/pulumi/sdk/v3/go/auto": {"internal/engine"},
}

// TestImports keeps the rules of the house: who may import whom, and what each foreign library is confined to. Tests
// may import more.
func TestImports(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for _, path := range sources(t) {
		pkg := strings.TrimSuffix(strings.TrimSuffix(path, filepath.Base(path)), "/")
		found[pkg] = true
		for _, imported := range imports(t, path) {
			checkImport(t, pkg, path, imported)
		}
	}
	for _, pkg := range []string{"", "cli", "stacks", "components", "config", "internal/sandbox"} {
		if !found[pkg] {
			t.Errorf("package %q was not found: the walk is wrong", pkg)
		}
	}
}

// TestOneExit keeps os.Exit in main.
func TestOneExit(t *testing.T) {
	t.Parallel()
	var exits []string
	for _, path := range sources(t) {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(source), "os.Exit(") {
			exits = append(exits, path)
		}
	}
	if !slices.Equal(exits, []string{"main.go"}) {
		t.Errorf("os.Exit is called in %q; only main.go may", exits)
	}
}

// runsGit is a call that starts git.
var runsGit = regexp.MustCompile(`exec\.(Command|CommandContext|LookPath)\([^"\n]*"git"`)

// TestOneGit keeps git in internal/git: variables that git exports to its hooks would make any other call ask another
// repository.
func TestOneGit(t *testing.T) {
	t.Parallel()
	places := map[string]bool{}
	for _, path := range sources(t) {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if runsGit.Match(source) {
			places[top(filepath.ToSlash(filepath.Dir(path)))] = true
		}
	}
	if !maps.Equal(places, map[string]bool{"internal/git": true}) {
		t.Errorf("git is run by %v; only internal/git may", places)
	}
}

// proseCommand is a command of branchenv, named in a string, that works on an account.
var proseCommand = regexp.MustCompile(`branchenv (adopt|application|destroy|doctor|keep|list|open|preview|reconcile|show|status|up|why)\b`)

// TestCommandsAreData: texts name commands as fault.Command. In a string a command would not get the flags of the one that is
// running, and a hint from the sandbox would lead to the real account.
func TestCommandsAreData(t *testing.T) {
	t.Parallel()
	for _, path := range sources(t) {
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && proseCommand.MatchString(literal.Value) {
				t.Errorf("%s: the command in %s is not a fault.Command", fset.Position(literal.Pos()), literal.Value)
			}
			return true
		})
	}
}

// sources lists the module's Go files that are built, by their slash-separated paths.
func sources(t *testing.T) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			if path != "." && (strings.HasPrefix(entry.Name(), ".") || path == "bin" || path == "tools" || entry.Name() == "testdata") {
				return filepath.SkipDir
			}
			return nil
		case filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		if built, err := build.Default.MatchFile(filepath.Dir(path), filepath.Base(path)); err != nil || !built {
			return err
		}
		paths = append(paths, filepath.ToSlash(path))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func checkImport(t *testing.T, pkg, path, imported string) {
	t.Helper()
	if own, ok := strings.CutPrefix(imported, module+"/"); ok {
		allowed, known := mayImport[pkg]
		if !known {
			t.Errorf("%s: package %s is not in the list of packages", path, pkg)
		}
		if own != pkg && !slices.Contains(allowed, own) {
			t.Errorf("%s imports %s; package %q may import %q", path, own, pkg, allowed)
		}
		return
	}
	for prefix, places := range onlyIn {
		if !strings.HasPrefix(imported, prefix) {
			continue
		}
		if !slices.Contains(places, pkg) && !slices.Contains(places, path) {
			t.Errorf("%s imports %s, which only %q may", path, imported, places)
		}
	}
}

// top is the room of the house that a package belongs to: internal/sandbox for internal/sandbox/schema.
func top(pkg string) string {
	parts := strings.SplitN(pkg, "/", 3)
	if parts[0] == "internal" && len(parts) > 1 {
		return "internal/" + parts[1]
	}
	return parts[0]
}

func imports(t *testing.T, path string) []string {
	t.Helper()
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), path, source, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, imported)
	}
	return paths
}

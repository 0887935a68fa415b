package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPulumiPreview runs pulumi's own preview in this checkout: pulumi's Go language host compiles main.go, as
// Pulumi.yaml says, and starts it as the program of a branch's stack. The state and the embedded AWS lie elsewhere.
func TestPulumiPreview(t *testing.T) {
	if testing.Short() {
		t.Skip("starts pulumi")
	}
	t.Parallel()
	dir := t.TempDir()
	bin, err := filepath.Abs("bin")
	if err != nil {
		t.Fatal(err)
	}
	env := append(passed(os.Environ()), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"),
		"PULUMI_HOME="+filepath.Join(dir, "home"), "BRANCHENV_SANDBOX_WAIT=0")
	for _, tool := range []string{"pulumi", "pulumi-language-go"} {
		if _, err := os.Stat(filepath.Join(bin, tool)); err != nil {
			if _, err := exec.LookPath(tool); err != nil {
				t.Fatalf("no %s: run `make tools` first, or `make test`", tool)
			}
		}
	}
	program := filepath.Join(dir, "branchenv")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	// The checkout as pulumi sees it, with a .branchenv of its own: everything else is linked.
	checkout := filepath.Join(dir, "checkout")
	link(t, checkout)
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(program, append([]string{"--sandbox"}, args...)...)
		cmd.Dir, cmd.Env = checkout, env
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("branchenv %s: %v\n%s%s", strings.Join(args, " "), err, out, &stderr)
		}
		return string(out)
	}
	run("application", "up")
	out := run("preview", "feature/zz", "--image", "nginx:1", "--pulumi")
	for _, want := range []string{
		"Previewing update (feature-zz-c5b7143833)", "+ aws:rds/instance:Instance: (create)",
		"+ aws:elasticbeanstalk/environment:Environment: (create)", `url            : "https://zz.preview.example.com"`, "+ 25 to create",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the preview lacks %q:\n%s", want, out)
		}
	}
	if list := run("list", "--json"); strings.TrimSpace(list) != "[]" {
		t.Errorf("the preview left a stack behind: %s", list)
	}
}

// passed returns the variables that go and pulumi need. Those of a CI system are not among them: the build that runs this
// test may be that of a fork's pull request.
func passed(environment []string) (kept []string) {
	needed := regexp.MustCompile(`(?i)^(PATH|HOME|USER|TMPDIR|GO[A-Z0-9_]*|CGO_[A-Z]+|XDG_[A-Z_]+|SSL_[A-Z_]+|[A-Z]+_PROXY)=`)
	for _, variable := range environment {
		if needed.MatchString(variable) {
			kept = append(kept, variable)
		}
	}
	return kept
}

// link makes dir a copy of this checkout in which every entry but .git and .branchenv is a link.
func link(t *testing.T, dir string) {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(here)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == ".git" || e.Name() == ".branchenv" {
			continue
		}
		if err := os.Symlink(filepath.Join(here, e.Name()), filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
}

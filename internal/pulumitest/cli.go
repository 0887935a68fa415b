package pulumitest

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Path returns the path of the pulumi that `make tools` puts into bin/, or of the one on PATH.
func Path(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if path := filepath.Join(dir, "bin/pulumi"); isFile(path) {
			return path
		}
		if isFile(filepath.Join(dir, "go.mod")) {
			break
		}
	}
	path, err := exec.LookPath("pulumi")
	if err != nil {
		t.Fatal("no pulumi: run `make tools` first, or `make test`")
	}
	return path
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// CLI runs the real pulumi in a work directory of its own, over a backend of files.
type CLI struct {
	Backend string // the backend's folder
	Dir     string // the work directory; it has a Pulumi.yaml of project shop

	t *testing.T
}

// NewCLI returns a CLI over an empty backend. It skips the test in -short mode.
func NewCLI(t *testing.T) *CLI {
	t.Helper()
	if testing.Short() {
		t.Skip("starts pulumi")
	}
	c := &CLI{t: t, Backend: t.TempDir(), Dir: t.TempDir()}
	WriteFile(t, filepath.Join(c.Dir, "Pulumi.yaml"), "name: shop\nruntime: go\n")
	return c
}

// Run runs pulumi and returns its standard output. The test ends if pulumi fails.
func (c *CLI) Run(args ...string) string {
	c.t.Helper()
	cmd := exec.Command(Path(c.t), append([]string{"--non-interactive"}, args...)...)
	cmd.Dir = c.Dir
	cmd.Env = append(os.Environ(), "PULUMI_BACKEND_URL=file://"+c.Backend, "PULUMI_CONFIG_PASSPHRASE=",
		"PULUMI_SKIP_UPDATE_CHECK=true", "PULUMI_HOME="+filepath.Join(c.Dir, "home"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("pulumi %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	return string(out)
}

// Script writes a shell script that takes pulumi's place: it calls its version 3.250.0 and does what lines say for every
// other command. It returns the script's path.
func Script(t testing.TB, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pulumi")
	text := "#!/bin/sh\ncase \"$*\" in *version*) echo v3.250.0; exit;; esac\n" + strings.Join(lines, "\n") + "\n"
	err := os.WriteFile(path, []byte(text), 0o700) // #nosec G306 -- a program
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// WriteFile writes a file and makes its folder.
func WriteFile(t testing.TB, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// WriteJSON writes v into a file as JSON.
func WriteJSON(t testing.TB, file string, v any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	WriteFile(t, file, string(text))
}

// Files returns the contents of all files below a folder, by their paths in it.
func Files(t testing.TB, folder string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := fs.WalkDir(os.DirFS(folder), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(folder, path))
		found[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

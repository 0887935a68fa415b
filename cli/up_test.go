package cli

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/fault"
)

// Entries that an unpacker may write outside of its folder are refused, and named within bounds.
func TestBundleEntries(t *testing.T) {
	t.Parallel()
	const head = `the bundle B has an entry `
	for name, want := range map[string]string{
		"Dockerrun.aws.json": "", "a/..b/c..": "", "a/./b": "", "x:y": "", "dir/": "",
		"../x":                            head + `"../x", which lies outside of it`,
		"a/../../x":                       head + `"a/../../x", which lies outside of it`,
		"a/..":                            head + `"a/..", which lies outside of it`,
		"/etc/passwd":                     head + `"/etc/passwd", which is an absolute path`,
		"C:/x":                            head + `"C:/x", which is an absolute path`,
		`a\b`:                             head + `"a\\b", which has a \ in its name`,
		`..\x`:                            head + `"..\\x", which has a \ in its name`,
		"../" + strings.Repeat("x", 5000): head + `"../` + strings.Repeat("x", 77) + `", which lies outside of it`,
	} {
		path := filepath.Join(t.TempDir(), "app.zip")
		file, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		archive := zip.NewWriter(file)
		for _, entry := range []string{"index.html", name} {
			if _, err := archive.Create(entry); err != nil {
				t.Fatal(err)
			}
		}
		if err := archive.Close(); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := checkBundle(path); err != nil {
			got = strings.Replace(err.Error(), path, "B", 1)
			if fault.Code(err) != fault.Usage || fault.Hint(err).IsZero() {
				t.Errorf("%.80q: exit code %d, hint %q", name, fault.Code(err), fault.Hint(err).String())
			}
		}
		if got != want {
			t.Errorf("%.80q:\ngot  %s\nwant %s", name, got, want)
		}
	}
}

func TestIsLatest(t *testing.T) {
	t.Parallel()
	got, want := map[string]bool{}, map[string]bool{
		"nginx": true, "nginx:latest": true, "registry.example.com:5000/app": true, "registry.example.com/app:latest": true,
		"nginx:1.29": false, "app:stable": false, "": false, "app@sha256:" + strings.Repeat("a", 64): false,
		"app:latest@sha256:" + strings.Repeat("a", 64): false,
	}
	for image := range want {
		got[image] = isLatest(image)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

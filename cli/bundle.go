package cli

import (
	"archive/zip"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/branchenv/branchenv/internal/fault"
)

// checkBundle refuses a source bundle that Beanstalk could not unpack. Jars and wars are zip archives, too.
func checkBundle(path string) error {
	if path == "" {
		return nil
	}
	hint := "give a readable zip, jar or war file"
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.Usagef("the bundle %s does not exist", path).WithHint("%s", hint)
	case err != nil:
		return fault.Usagef("the bundle: %w", err).WithHint("%s", hint)
	case !info.Mode().IsRegular():
		return fault.Usagef("the bundle %s is not a file", path).WithHint("%s", hint)
	}
	archive, err := zip.OpenReader(path)
	if err != nil {
		return fault.Usagef("the bundle %s: %w", path, err).WithHint("%s", hint)
	}
	defer archive.Close()
	if len(archive.File) == 0 {
		return fault.Usagef("the bundle %s is empty", path).WithHint("%s", hint)
	}
	for _, entry := range archive.File {
		if reason := misplaced(entry.Name); reason != "" {
			return fault.Usagef("the bundle %s has an entry %.80q, %s", path, entry.Name, reason).
				WithHint("pack the bundle from inside its folder, with / between the parts of names")
		}
	}
	return nil
}

// misplaced returns why an entry of a zip archive would be unpacked outside of the archive's folder; "" if it would not.
func misplaced(name string) string {
	switch {
	case strings.Contains(name, `\`):
		return `which has a \ in its name`
	case strings.HasPrefix(name, "/") || len(name) > 2 && name[1:3] == ":/":
		return "which is an absolute path"
	case slices.Contains(strings.Split(name, "/"), ".."):
		return "which lies outside of it"
	}
	return ""
}

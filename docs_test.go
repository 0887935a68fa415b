package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// documents returns the Markdown files of the repository.
func documents(t *testing.T) (files []string) {
	t.Helper()
	for _, pattern := range []string{"*.md", ".github/*.md", "docs/*.md", "docs/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	return files
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// anchors returns the fragments that GitHub gives the headings of a Markdown text: lower case, spaces as hyphens, other
// punctuation removed.
func anchors(text string) (names []string) {
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}

// TestDocsLinks follows every link from a document to another file of the repository, and to a heading in it.
func TestDocsLinks(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, file := range documents(t) {
		for _, found := range link.FindAllStringSubmatch(read(t, file), -1) {
			path, fragment, _ := strings.Cut(found[1], "#")
			if strings.Contains(path, "://") || strings.HasPrefix(path, "mailto:") {
				continue
			}
			target := file
			if path != "" {
				target = filepath.Join(filepath.Dir(file), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %s leads nowhere", file, found[1])
			} else if fragment != "" && !slices.Contains(anchors(read(t, target)), fragment) {
				t.Errorf("%s: %s leads to no heading", file, found[1])
			}
		}
	}
}

// TestDocsDecisions compares the table of decisions with the records: their number, title, subject, date and status.
func TestDocsDecisions(t *testing.T) {
	t.Parallel()
	index := read(t, "docs/decisions/README.md")
	rows := regexp.MustCompile(`(?m)^\| \[\d.*$`).FindAllString(index, -1)
	files, err := filepath.Glob("docs/decisions/[0-9]*.md")
	if err != nil {
		t.Fatal(err)
	}
	head := regexp.MustCompile(`^# (\d{4})\. (.+)\n\nDate: (\d{4}-\d\d-\d\d) · Status: (.+) · About: (.+)\n`)
	var want []string
	for i, file := range files {
		m := head.FindStringSubmatch(read(t, file))
		if m == nil || m[1] != fmt.Sprintf("%04d", i+1) || !strings.HasPrefix(filepath.Base(file), m[1]+"-") {
			t.Errorf("%s does not begin with its number, title, date, status and subject", file)
			continue
		}
		want = append(want, fmt.Sprintf("| [%s](%s) | %s | %s | %s | %s |", m[1], filepath.Base(file), m[2], m[5], m[3], m[4]))
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("docs/decisions/README.md (-want +got):\n%s", diff)
	}
}

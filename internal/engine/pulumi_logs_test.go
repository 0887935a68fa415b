package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRemoveLog: a log is removed only if it is certainly the run's own.
func TestRemoveLog(t *testing.T) {
	t.Parallel()
	begun := time.Date(2026, 1, 10, 12, 0, 5, 300, time.Local)
	for name, tt := range map[string]struct{ there, left string }{
		"own, by the process":       {"pulumi-20260110T120005-77.log", ""},
		"own, by the stack":         {"organization+shop+topic-20260110T120009.log", ""},
		"own, in Pulumi Cloud":      {"acme+shop+topic-20260110T120009-6f1c2d3e-aaaa-bbbb-cccc-0123456789ab.log", ""},
		"another process's":         {"pulumi-20260110T120005-78.log", "pulumi-20260110T120005-78.log"},
		"of an earlier process":     {"pulumi-20260110T120004-77.log", "pulumi-20260110T120004-77.log"},
		"of a later process":        {"pulumi-20260110T120100-77.log", "pulumi-20260110T120100-77.log"},
		"another stack's":           {"organization+shop+my-topic-20260110T120009.log", "organization+shop+my-topic-20260110T120009.log"},
		"two, whose is not known":   {"organization+shop+topic-20260110T120006.log organization+shop+topic-20260110T120009.log", "organization+shop+topic-20260110T120006.log organization+shop+topic-20260110T120009.log"},
		"own beside another's":      {"organization+shop+topic-20260110T120006.log pulumi-20260110T120005-77.log", "organization+shop+topic-20260110T120006.log"},
		"not a log":                 {"notes-20260110T120009.txt topic.log", "notes-20260110T120009.txt topic.log"},
		"its process id in another": {"pulumi-20260110T120005-177.log", "pulumi-20260110T120005-177.log"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for file := range strings.FieldsSeq(tt.there) {
				if err := os.WriteFile(filepath.Join(dir, file), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			removeLog(dir, 77, []string{"up", "--yes", "--stack", "topic"}, begun, begun.Add(30*time.Second))
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			var left []string
			for _, e := range entries {
				left = append(left, e.Name())
			}
			if got := strings.Join(left, " "); got != tt.left {
				t.Errorf("left: %s, want %s", got, tt.left)
			}
		})
	}
}

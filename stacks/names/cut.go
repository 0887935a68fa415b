package names

import (
	"fmt"
	"strings"
	"time"
)

// CutTag cuts a stack tag's value to what Pulumi takes, 256 bytes.
func CutTag(value string) string { return Cut(value, 250) }

// Cut cuts text to so many bytes, and an ellipsis where something is missing.
func Cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}

// Count counts things for people.
func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// Lasted is a time for people, in its largest unit.
func Lasted(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", max(0, int(d/time.Second)))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d/time.Hour))
	}
	return fmt.Sprintf("%d days", int(d/(24*time.Hour)))
}

func Stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

package text

import (
	"fmt"
	"time"
)

// Count returns n and the noun, which gets an s unless n is 1: "1 file", "1,200 files".
func Count(n int, noun string) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	if n != 1 {
		noun += "s"
	}
	return digits + " " + noun
}

// Elapsed returns how long something took, in whole seconds: 8s, 4m07s, 1h02m.
func Elapsed(d time.Duration) string {
	s := int(d.Round(time.Second) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	default:
		return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
	}
}

// Age returns d in its largest unit, as short as a table needs it: 40s, 12m, 5h, 3d. Days begin at 48 hours; a negative
// d is 0s.
func Age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", max(0, int(d/time.Second)))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d/time.Hour))
	default:
		return fmt.Sprintf("%dd", int(d/(24*time.Hour)))
	}
}

// Duration returns d as Age does, but with the word for days: 40s, 12m, 5h, 3 days. It is for sentences.
func Duration(d time.Duration) string {
	if d < 48*time.Hour {
		return Age(d)
	}
	return fmt.Sprintf("%d days", int(d/(24*time.Hour)))
}

// Stamp returns a time to the minute, in UTC: 2026-03-01 12:00 UTC.
func Stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

package config

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// maxDuration is the longest duration in settings: ten years, far less than a time.Duration can hold.
const maxDuration = 3650 * 24 * time.Hour

var days = regexp.MustCompile(`^([0-9]{1,5})d(.*)$`)

// ParseDuration parses a duration of the settings: 90m, 72h, 3d, 1d12h, or 0 for "none". A day has 24 hours.
func ParseDuration(s string) (Duration, error) {
	invalid := errors.New("is not a duration")
	var total time.Duration
	rest := s
	if m := days.FindStringSubmatch(s); m != nil {
		n, _ := strconv.Atoi(m[1])
		total, rest = time.Duration(n)*24*time.Hour, m[2]
	}
	if rest != "" {
		d, err := time.ParseDuration(rest)
		if err != nil || d < 0 || strings.ContainsAny(rest, "+-") {
			return 0, invalid
		}
		total += d
	} else if s == "" {
		return 0, invalid
	}
	if total < 0 || total > maxDuration {
		return 0, errors.New("is more than ten years")
	}
	return Duration(total), nil
}

// String returns d with hours as the largest unit: 72h, 1h30m, 1m30s for 90s, and 0 for none.
func (d Duration) String() string {
	if d == 0 {
		return "0"
	}
	s := time.Duration(d).String()
	if rest, ok := strings.CutSuffix(s, "m0s"); ok {
		s = rest + "m"
	}
	if rest, ok := strings.CutSuffix(s, "h0m"); ok {
		s = rest + "h"
	}
	return s
}

// MarshalText implements encoding.TextMarshaler, for JSON and YAML. See String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. See ParseDuration.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := ParseDuration(string(text))
	if err != nil {
		return errors.New(quote(string(text)) + " " + err.Error())
	}
	*d = parsed
	return nil
}

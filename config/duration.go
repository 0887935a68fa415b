package config

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// maxDuration is the longest duration that settings take: ten years, far from what a time.Duration cannot hold.
const maxDuration = 3650 * 24 * time.Hour

var days = regexp.MustCompile(`^([0-9]{1,5})d(.*)$`)

// ParseDuration reads a duration as settings hold it: 90m, 72h, 3d, 1d12h, or 0 for "none". A day has 24 hours.
func ParseDuration(s string) (Duration, error) {
	fault := errors.New("is not a duration")
	var total time.Duration
	rest := s
	if m := days.FindStringSubmatch(s); m != nil {
		n, _ := strconv.Atoi(m[1])
		total, rest = time.Duration(n)*24*time.Hour, m[2]
	}
	if rest != "" {
		d, err := time.ParseDuration(rest)
		if err != nil || d < 0 || strings.ContainsAny(rest, "+-") {
			return 0, fault
		}
		total += d
	} else if s == "" {
		return 0, fault
	}
	if total < 0 || total > maxDuration {
		return 0, errors.New("is more than ten years")
	}
	return Duration(total), nil
}

// String writes d with hours as the largest unit: 72h, 1h30m, 90s as 1m30s, and 0 for none.
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

// MarshalText writes d as String does, in JSON and YAML alike.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := ParseDuration(string(text))
	if err != nil {
		return errors.New(quote(string(text)) + " " + err.Error())
	}
	*d = parsed
	return nil
}

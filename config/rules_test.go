package config

import (
	"testing"
	"time"
)

func TestRuleExpires(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	noon := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	rule := Rule{TTL: 3 * day}
	for name, test := range map[string]struct {
		rule         Rule
		active, keep time.Time
		at           time.Time
		kept         bool
	}{
		"by its ttl":            {rule, noon, time.Time{}, noon.Add(3 * day), false},
		"kept for longer":       {rule, noon, noon.Add(4 * day), noon.Add(4 * day), true},
		"kept for less":         {rule, noon, noon.Add(day), noon.Add(3 * day), false},
		"kept just as long":     {rule, noon, noon.Add(3 * day), noon.Add(3 * day), false},
		"no ttl":                {Rule{}, noon, noon.Add(day), time.Time{}, false},
		"protected":             {Rule{TTL: day, Protected: "by name"}, noon, noon.Add(day), time.Time{}, false},
		"activity is not known": {rule, time.Time{}, noon, time.Time{}, false},
	} {
		if at, kept := test.rule.Expires(test.active, test.keep); !at.Equal(test.at) || kept != test.kept {
			t.Errorf("%s: %s, %t; want %s, %t", name, at, kept, test.at, test.kept)
		}
	}
}

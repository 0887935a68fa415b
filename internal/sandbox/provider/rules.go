package provider

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// A problem is an error about a property.
type problem struct{ property, reason string }

// checkRules checks the known inputs against the rules of their kind, and the tags against the rules for all tags.
func checkRules(k cloud.Kind, news resource.PropertyMap) []problem {
	var out []problem
	for _, r := range k.Rules {
		v, given := news[resource.PropertyKey(r.Property)]
		if !given || v.ContainsUnknowns() {
			continue
		}
		if reason := checkRule(r, plain(v)); reason != "" {
			out = append(out, problem{r.Property, r.Property + ": " + reason})
		}
	}
	if tags, ok := news["tags"]; ok && tags.IsObject() {
		out = append(out, checkTags(tags.ObjectValue())...)
	}
	given := func(property string) bool { _, ok := news[resource.PropertyKey(property)]; return ok }
	for _, c := range k.Combinations {
		if reason := c.Check(given); reason != "" {
			out = append(out, problem{c.Property, reason})
		}
	}
	return out
}

// checkRule returns what is wrong with a value, "" if the rule holds.
func checkRule(r cloud.Rule, v any) string {
	switch v := v.(type) {
	case string:
		switch {
		case r.Allowed != nil && !slices.Contains(r.Allowed, v):
			return fmt.Sprintf("expected one of %s, got %q", strings.Join(r.Allowed, ", "), v)
		case r.Min > 0 && len(v) < int(r.Min) || r.Max > 0 && len(v) > int(r.Max):
			return fmt.Sprintf("expected length to be in the range (%v - %v), got %q (%d)", r.Min, r.Max, v, len(v))
		case r.Pattern != "" && !regexp.MustCompile(r.Pattern).MatchString(v), r.Valid != nil && !r.Valid(v):
			return fmt.Sprintf("%s, got %q", r.Message, v)
		}
	case float64:
		if r.Allowed != nil && !slices.Contains(r.Allowed, value.Text(v)) {
			return fmt.Sprintf("expected one of %s, got %v", strings.Join(r.Allowed, ", "), v)
		}
		if r.Allowed == nil && (v < r.Min || r.Max > 0 && v > r.Max) {
			return fmt.Sprintf("expected to be in the range (%v - %v), got %v", r.Min, r.Max, v)
		}
	case []any:
		for _, e := range v {
			if reason := checkRule(r, e); reason != "" {
				return reason
			}
		}
	}
	return ""
}

var tagCharacters = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`) })

// checkTags refuses tags that AWS refuses.
func checkTags(tags resource.PropertyMap) []problem {
	var out []problem
	if len(tags) > 50 {
		out = append(out, problem{"tags", fmt.Sprintf("tags: at most 50 tags are allowed, got %d", len(tags))})
	}
	for _, key := range tags.StableKeys() {
		k, v := string(key), tags[key]
		path := "tags." + k
		switch {
		case strings.HasPrefix(strings.ToLower(k), "aws:"):
			out = append(out, problem{path, fmt.Sprintf("tags: the key %q begins with aws:, which is reserved", k)})
		case k == "" || len([]rune(k)) > 128 || !tagCharacters().MatchString(k):
			out = append(out, problem{path, fmt.Sprintf("tags: the key %q must have 1 to 128 letters, digits, spaces or _ . : / = + - @", k)})
		}
		if !v.IsString() {
			continue
		}
		if s := v.StringValue(); len([]rune(s)) > 256 || !tagCharacters().MatchString(s) {
			out = append(out, problem{path, fmt.Sprintf("tags: the value of %q must have at most 256 letters, digits, spaces or _ . : / = + - @, got %q", k, s)})
		}
	}
	return out
}

var regionPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`) })

func validRegion(r string) bool { return regionPattern().MatchString(r) }

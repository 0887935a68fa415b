package sandbox

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/branchenv/branchenv/internal/sandbox/value"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// A problem is what is wrong with one property.
type problem struct{ property, reason string }

// checkRules checks the inputs that are known against the rules of their type. Where AWS says what it allows, the
// rule is AWS's; the wording is ours.
func checkRules(k kind, news resource.PropertyMap) []problem {
	var out []problem
	for _, r := range k.rules {
		v, given := news[resource.PropertyKey(r.property)]
		if !given || v.ContainsUnknowns() {
			continue
		}
		if reason := checkRule(r, plain(v)); reason != "" {
			out = append(out, problem{r.property, r.property + ": " + reason})
		}
	}
	if tags, ok := news["tags"]; ok && tags.IsObject() {
		out = append(out, checkTags(tags.ObjectValue())...)
	}
	given := func(property string) bool { _, ok := news[resource.PropertyKey(property)]; return ok }
	for _, c := range k.combinations {
		if reason := c.check(given); reason != "" {
			out = append(out, problem{c.property, reason})
		}
	}
	return out
}

func checkRule(r rule, v any) string {
	switch v := v.(type) {
	case string:
		switch {
		case r.allowed != nil && !slices.Contains(r.allowed, v):
			return fmt.Sprintf("expected one of %s, got %q", strings.Join(r.allowed, ", "), v)
		case r.min > 0 && len(v) < int(r.min) || r.max > 0 && len(v) > int(r.max):
			return fmt.Sprintf("expected length to be in the range (%v - %v), got %q (%d)", r.min, r.max, v, len(v))
		case r.pattern != "" && !regexp.MustCompile(r.pattern).MatchString(v), r.also != nil && !r.also(v):
			return fmt.Sprintf("%s, got %q", r.want, v)
		}
	case float64:
		if r.allowed != nil && !slices.Contains(r.allowed, value.Text(v)) {
			return fmt.Sprintf("expected one of %s, got %v", strings.Join(r.allowed, ", "), v)
		}
		if r.allowed == nil && (v < r.min || r.max > 0 && v > r.max) {
			return fmt.Sprintf("expected to be in the range (%v - %v), got %v", r.min, r.max, v)
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

// checkTags refuses what AWS refuses in tags.
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

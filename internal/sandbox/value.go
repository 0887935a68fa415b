package sandbox

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Plain values are what JSON decodes to: nil, bool, float64, string, []any and map[string]any.

// text is a plain value as a string, "" for nil.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return fmt.Sprint(v)
}

// truth is a plain value as a bool; false unless it is true or "true".
func truth(v any) bool { return text(v) == "true" }

// number is a plain value as a whole number, 0 if it is none.
func number(v any) int {
	n, err := strconv.ParseFloat(text(v), 64)
	if err != nil {
		return 0
	}
	return int(n)
}

// texts is a plain list as strings.
func texts(v any) []string {
	list, _ := v.([]any)
	out := make([]string, 0, len(list))
	for _, e := range list {
		out = append(out, text(e))
	}
	return out
}

// list is a plain value as a list; nil if it is none.
func list(v any) []any { l, _ := v.([]any); return l }

// object is a plain value as an object; nil if it is none.
func object(v any) map[string]any { m, _ := v.(map[string]any); return m }

// anys is the plain list of some strings.
func anys(values ...string) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

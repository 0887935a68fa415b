// Package value reads plain values: nil, bool, float64, string, []any and map[string]any, as JSON decodes to them. The
// embedded AWS keeps a resource's inputs and outputs in this form. Reading never fails: a value of another type reads as
// the zero value.
package value

import (
	"fmt"
	"strconv"
)

// An Object is a plain object: values by their names.
type Object map[string]any

// Text returns the value of key as a string, "" if there is none.
func (o Object) Text(key string) string { return Text(o[key]) }

// Bool reports whether the value of key is true or "true".
func (o Object) Bool(key string) bool { return Bool(o[key]) }

// Int returns the value of key as a whole number, 0 if it is none.
func (o Object) Int(key string) int { return Int(o[key]) }

// Texts returns the list at key as strings.
func (o Object) Texts(key string) []string { return Texts(o[key]) }

// List returns the list at key, nil if there is none.
func (o Object) List(key string) []any { return List(o[key]) }

// Object returns the object at key, nil if there is none.
func (o Object) Object(key string) Object { return ObjectOf(o[key]) }

// Text returns a plain value as a string, "" for nil.
func Text(v any) string {
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

// Bool reports whether a plain value is true or "true".
func Bool(v any) bool { return Text(v) == "true" }

// Int returns a plain value as a whole number, 0 if it is none.
func Int(v any) int {
	n, err := strconv.ParseFloat(Text(v), 64)
	if err != nil {
		return 0
	}
	return int(n)
}

// Texts returns the items of a plain list as strings.
func Texts(v any) []string {
	items := List(v)
	out := make([]string, 0, len(items))
	for _, item := range items {
		out = append(out, Text(item))
	}
	return out
}

// List returns a plain value as a list, nil if it is none.
func List(v any) []any { l, _ := v.([]any); return l }

// ObjectOf returns a plain value as an object, nil if it is none.
func ObjectOf(v any) Object {
	switch v := v.(type) {
	case Object:
		return v
	case map[string]any:
		return v
	}
	return nil
}

// ListOf returns the plain list of some strings.
func ListOf(items ...string) []any {
	out := make([]any, len(items))
	for i, item := range items {
		out[i] = item
	}
	return out
}

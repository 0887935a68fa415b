package cloud

import (
	"fmt"
	"slices"
	"strings"
)

// A Rule is a condition on one input. AWS or the real provider refuses values that break it. All set fields must hold; if
// the input is a list, for each item.
type Rule struct {
	Property string
	Allowed  []string          // the only values
	Pattern  string            // a regular expression that must match
	Min, Max float64           // bounds of a number, or of the length of a string; 0: none
	Valid    func(string) bool // reports whether a value is valid
	Message  string            // the error if Pattern or Valid refuses a value; the value follows
}

// A Combination is a condition on several inputs. Check gets a function that reports whether an input is given, and returns
// the error about Property, "" if the condition holds.
type Combination struct {
	Property string
	Check    func(given func(property string) bool) string
}

// Exclusive refuses a and b together.
func Exclusive(a, b string) Combination {
	return Combination{a, func(given func(string) bool) string {
		if given(a) && given(b) {
			return fmt.Sprintf("%q: conflicts with %s", a, b)
		}
		return ""
	}}
}

// OneOf requires at least one of several inputs. The error is about property.
func OneOf(property string, names ...string) Combination {
	return Combination{property, func(given func(string) bool) string {
		if slices.ContainsFunc(names, given) {
			return ""
		}
		return fmt.Sprintf("one of %s must be specified", strings.Join(names, ", "))
	}}
}

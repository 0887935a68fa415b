package engine

import (
	"slices"
	"strings"
)

// Variable returns the value of a variable in a list of NAME=VALUE; "" if it is not there. The last one counts.
func Variable(variables []string, name string) string {
	for _, v := range slices.Backward(variables) {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

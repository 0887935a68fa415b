package engine

import (
	"slices"
	"strings"
)

func Variable(variables []string, name string) string {
	for _, v := range slices.Backward(variables) {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

package stacks

import (
	"encoding/json"

	"github.com/branchenv/branchenv/stacks/program"
)

// ParseSpec reads a specification that the backend keeps; nil if there is none.
func ParseSpec(text json.RawMessage) *program.Spec {
	var s program.Spec
	if json.Unmarshal(text, &s) != nil {
		return nil
	}
	return &s
}

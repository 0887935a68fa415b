package stacks

import (
	"encoding/json"

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/stacks/program"
)

// SpecOf returns the specification that a stack was last made from, or nil if it is not known.
func SpecOf(f *backend.Facts, project string) *program.Spec {
	var s program.Spec
	if json.Unmarshal(f.SpecText(project), &s) != nil {
		return nil
	}
	return &s
}

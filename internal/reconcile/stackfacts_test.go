package reconcile

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/reconcile/plan"
	"github.com/branchenv/branchenv/internal/stackstest"
)

// Of the outline of a state everything that a plan is made from is as true as of the whole.
func TestOutline(t *testing.T) {
	t.Parallel()
	outlines, wholes := stackstest.Outlines(t)
	for i := range outlines {
		says := func(f backend.Facts) []plan.Stack {
			untagged := f
			untagged.Tags = nil
			return []plan.Stack{stackFact("shop", f), stackFact("shop", untagged)}
		}
		if diff := cmp.Diff(says(wholes[i]), says(outlines[i])); diff != "" {
			t.Fatalf("what the whole state says, and what its outline says, differ (-whole +outline):\n%s", diff)
		}
	}
}

package stacks

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/stackstest"
)

// Of the outline of a state everything that a list tells is as true as of the whole.
func TestOutline(t *testing.T) {
	t.Parallel()
	m := folderManager(t, t.TempDir())
	outlines, wholes := stackstest.Outlines(t)
	foreign := 0
	for i := range outlines {
		says := func(f backend.Facts) []any {
			resource, owner := f.ForeignResource()
			untagged := f
			untagged.Tags = nil
			return []any{describeStack(m.file, config.RulesOf(m.file), f), diagnoseStack(f, m.Location(), m.now()), diagnoseStack(untagged, m.Location(), m.now()), f.State.Outputs(), resource, owner}
		}
		if diff := cmp.Diff(says(wholes[i]), says(outlines[i]), cmpopts.IgnoreUnexported(Problem{})); diff != "" {
			t.Fatalf("what the whole state says, and what its outline says, differ (-whole +outline):\n%s", diff)
		}
		if _, owner := wholes[i].ForeignResource(); owner != "" {
			foreign++
		}
	}
	if foreign == 0 || foreign == len(outlines) {
		t.Errorf("%d of %d states have another stack's resources: the test tells nothing", foreign, len(outlines))
	}
}

package stacks

import (
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/stacks/names"
)

// checkOwner refuses a stack that is not branchenv's, or not the branch's. An empty stack without tags is accepted: it is
// what an interruption between the creation and the tagging of a stack leaves.
func checkOwner(p backend.Location, f backend.Facts, branch string) error {
	tag, tagged := f.Tags[names.TagBranch]
	switch {
	case !tagged && f.State.Blank():
		return nil
	case !tagged:
		e := fault.Refusedf("stack %s has resources or outputs but no %s tag: branchenv did not make it", f.Name, names.TagBranch)
		if SpecOf(&f, p.Project) != nil {
			return e.WithHint("if branchenv made it, set its tags again: %s", p.SetTagsCommands(f))
		}
		return e.WithHint("if it is yours to give: pulumi stack tag set %s %s --stack %s", names.TagBranch, fault.ShellWord(names.BranchTag(branch)), f.Name)
	case tag != names.BranchTag(branch):
		return fault.Refusedf("stack %s belongs to branch %q, not to %q", f.Name, tag, branch)
	}
	return f.CheckOwnership()
}

package backend

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/stacks/names"
)

// Location is the place of a project's stacks: the backend's URL and the project.
type Location struct{ Project, URL string }

func (b *diyBackend) Location() Location   { return Location{b.project, b.url} }
func (b *cloudBackend) Location() Location { return Location{b.project, b.url} }

// LockedError returns the error that another process works on a stack.
func (p Location) LockedError(stack string, holders ...string) error {
	by := fault.ByAnother
	if len(holders) > 0 {
		by = fault.Conflict("by " + strings.Join(holders, ", "))
	}
	return fault.Failedf("stack %s is locked %w", stack, by).
		WithHint("wait until it has ended; if its holder is certainly gone: %s, then the same command again", p.CancelCommand(stack))
}

// Address returns the backend's URL without a password.
func (p Location) Address() string {
	if u, err := url.Parse(p.URL); err == nil {
		return u.Redacted()
	}
	return p.URL
}

// CancelCommand returns the command that removes every lock of a stack, even of a living holder. It needs no Pulumi.yaml.
func (p Location) CancelCommand(stack string) string {
	return fmt.Sprintf("PULUMI_BACKEND_URL=%s pulumi cancel --yes --stack %s", fault.ShellWord(p.Address()), p.qualified(stack))
}

// qualified returns the full name of a stack, which pulumi understands everywhere.
func (p Location) qualified(stack string) string {
	if strings.HasPrefix(p.URL, "http") {
		return p.Project + "/" + stack
	}
	return "organization/" + p.Project + "/" + stack // the organization of all self-managed backends
}

// SetTagsCommands returns the commands that restore the lost tags of a stack, from its last update. They set only the tags that
// cannot be decided again: the next up sets the others.
func (p Location) SetTagsCommands(f Facts) string {
	set := func(tag, value string) string { return p.SetTagCommand(f.Name, tag, value) }
	suffix := cmp.Or(f.BucketSuffix(p.Project), "SUFFIX")
	commands := []string{"export PULUMI_BACKEND_URL=" + fault.ShellWord(p.Address()), set(names.TagProject, p.Project), set(names.TagStack, f.Name)}
	if f.Name == names.ApplicationStack {
		return strings.Join(append(commands, set(names.TagBucket, suffix)), "; ")
	}
	branch, host := "BRANCH", cmp.Or(f.HostLabel(p.Project), "HOST")
	if made := f.identity(p.Project); made != nil {
		branch = names.BranchTag(made.Branch)
	}
	return strings.Join(append(commands, set(names.TagBranch, branch), set(names.TagHost, host), set(names.TagBucket, suffix)), "; ")
}

// SetTagCommand returns the command that sets one tag of a stack.
func (p Location) SetTagCommand(stack, tag, value string) string {
	return fmt.Sprintf("pulumi stack tag set %s %s --stack %s", tag, fault.ShellWord(value), p.qualified(stack))
}

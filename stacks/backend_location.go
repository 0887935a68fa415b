package stacks

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"

	"github.com/branchenv/branchenv/internal/fault"
)

// place is where a project's stacks are kept.
type place struct{ project, backend string }

func (b *diyBackend) where() place   { return place{b.project, b.url} }
func (b *cloudBackend) where() place { return place{b.project, b.url} }

// locked says that somebody else works on a stack.
func (p place) locked(stack string, holders ...string) error {
	by := byAnother
	if len(holders) > 0 {
		by = contended("by " + strings.Join(holders, ", "))
	}
	return fault.Failedf("stack %s is locked %w", stack, by).
		WithHint("wait until it has ended; if its holder is certainly gone: %s, then the same command again", p.cancel(stack))
}

// address is the backend's URL without a password.
func (p place) address() string {
	if u, err := url.Parse(p.backend); err == nil {
		return u.Redacted()
	}
	return p.backend
}

// cancel is the command that removes every lock of a stack, that of a living holder too. It needs no Pulumi.yaml.
func (p place) cancel(stack string) string {
	return fmt.Sprintf("PULUMI_BACKEND_URL=%s pulumi cancel --yes --stack %s", fault.ShellWord(p.address()), p.qualified(stack))
}

// qualified is a stack's full name, which pulumi understands everywhere.
func (p place) qualified(stack string) string {
	if strings.HasPrefix(p.backend, "http") {
		return p.project + "/" + stack
	}
	return "organization/" + p.project + "/" + stack // what self-managed backends call every organization
}

// setTags are the commands that set the tags of a stack that has lost them, as its last update tells them. They are those that cannot
// be decided again: the next up sets the others.
func (p place) setTags(f facts) string {
	set := func(tag, value string) string { return p.setTag(f.name, tag, value) }
	suffix := cmp.Or(f.bucketSuffix(p.project), "SUFFIX")
	commands := []string{"export PULUMI_BACKEND_URL=" + fault.ShellWord(p.address()), set(tagProject, p.project), set(tagStack, f.name)}
	if f.name == ApplicationStack {
		return strings.Join(append(commands, set(tagBucket, suffix)), "; ")
	}
	branch, host := "BRANCH", cmp.Or(f.hostLabel(p.project), "HOST")
	if made := f.recorded(p.project); made != nil {
		branch = BranchTag(made.Branch)
	}
	return strings.Join(append(commands, set(tagBranch, branch), set(tagHost, host), set(tagBucket, suffix)), "; ")
}

// setTag is the command that sets one tag of a stack.
func (p place) setTag(stack, tag, value string) string {
	return fmt.Sprintf("pulumi stack tag set %s %s --stack %s", tag, fault.ShellWord(value), p.qualified(stack))
}

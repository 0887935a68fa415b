package stacks

import (
	"time"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/stacks/names"
)

// owns tells whether f is branch's stack and branchenv's at all: nil, or why not. A stack without tags may be adopted
// where it is empty, because it is what an interruption between the making and the tagging of a stack leaves behind.
func owns(p backend.Location, f backend.Facts, branch string) error {
	tag, tagged := f.Tags[names.TagBranch]
	switch {
	case !tagged && f.State.Blank():
		return nil
	case !tagged:
		e := fault.Refusedf("stack %s has resources or outputs but no %s tag: branchenv did not make it", f.Name, names.TagBranch)
		if ParseSpec(f.SpecText(p.Project)) != nil {
			return e.WithHint("if branchenv made it, set its tags again: %s", p.SetTags(f))
		}
		return e.WithHint("if it is yours to give: pulumi stack tag set %s %s --stack %s", names.TagBranch, fault.ShellWord(names.BranchTag(branch)), f.Name)
	case tag != names.BranchTag(branch):
		return fault.Refusedf("stack %s belongs to branch %q, not to %q", f.Name, tag, branch)
	}
	return f.OwnsResources()
}

// environmentOf tells what is known of one environment. What the settings say of it is rule; interval is how often reconcile
// runs, and so how much later than it expires the environment is gone.
func environmentOf(f backend.Facts, project, domain string, rule config.Rule, interval time.Duration) Environment {
	e := Environment{
		Branch: f.Tags[names.TagBranch], Stack: f.Name, Kind: f.Tags[names.TagKind],
		Status: f.Status(), Platform: "beanstalk", Protected: rule.Protected != "",
	}
	if h := f.Tags[names.TagHost]; h != "" {
		e.Host = h + "." + domain
	}
	if s := ParseSpec(f.SpecText(project)); s != nil {
		e.Branch = s.Branch // the tag may be cut
		e.Version = s.Version.Name()
		e.Platform = s.Settings.Platform
	}
	out := f.State.Outputs()
	text := func(name string) string { s, _ := out[name].(string); return s }
	e.URL, e.Database, e.Bucket = text("url"), text("database"), text("bucket")
	if t, err := time.Parse(time.RFC3339, f.Tags[names.TagCreated]); err == nil {
		e.CreatedAt = &t
	}
	if f.Last != nil {
		t := time.Unix(max(f.Last.StartTime, f.Last.EndTime), 0).UTC() // one that is running has no end yet
		e.UpdatedAt = &t
	} else if !f.Changed.IsZero() {
		t := f.Changed.UTC()
		e.UpdatedAt = &t
	}
	if expires, _ := rule.Expires(f.GoodUpdate(), f.KeepUntil()); !expires.IsZero() {
		gone := expires.Add(interval)
		e.ExpiresAt = &gone
	}
	return e
}

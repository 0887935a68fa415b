package stacks

import (
	"time"

	"github.com/branchenv/branchenv/internal/fault"
)

// owns tells whether f is branch's stack and branchenv's at all: nil, or why not. A stack without tags may be adopted
// where it is empty, because it is what an interruption between the making and the tagging of a stack leaves behind.
func owns(p place, f facts, branch string) error {
	tag, tagged := f.tags[tagBranch]
	switch {
	case !tagged && f.state.blank():
		return nil
	case !tagged:
		e := fault.Refusedf("stack %s has resources or outputs but no %s tag: branchenv did not make it", f.name, tagBranch)
		if parseSpec(f.specText(p.project)) != nil {
			return e.WithHint("if branchenv made it, set its tags again: %s", p.setTags(f))
		}
		return e.WithHint("if it is yours to give: pulumi stack tag set %s %s --stack %s", tagBranch, fault.ShellWord(BranchTag(branch)), f.name)
	case tag != BranchTag(branch):
		return fault.Refusedf("stack %s belongs to branch %q, not to %q", f.name, tag, branch)
	}
	return f.ownsResources()
}

// environmentOf tells what is known of one environment. What the settings say of it is rule; interval is how often reconcile
// runs, and so how much later than it expires the environment is gone.
func environmentOf(f facts, project, domain string, rule Rule, interval time.Duration) Environment {
	e := Environment{
		Branch: f.tags[tagBranch], Stack: f.name, Kind: f.tags[tagKind],
		Status: f.status(), Platform: "beanstalk", Protected: rule.Protected != "",
	}
	if h := f.tags[tagHost]; h != "" {
		e.Host = h + "." + domain
	}
	if s := parseSpec(f.specText(project)); s != nil {
		e.Branch = s.Branch // the tag may be cut
		e.Version = s.Version.Name()
		e.Platform = s.Settings.Platform
	}
	out := f.state.outputs()
	text := func(name string) string { s, _ := out[name].(string); return s }
	e.URL, e.Database, e.Bucket = text("url"), text("database"), text("bucket")
	if t, err := time.Parse(time.RFC3339, f.tags[tagCreated]); err == nil {
		e.CreatedAt = &t
	}
	if f.last != nil {
		t := time.Unix(max(f.last.StartTime, f.last.EndTime), 0).UTC() // one that is running has no end yet
		e.UpdatedAt = &t
	} else if !f.changed.IsZero() {
		t := f.changed.UTC()
		e.UpdatedAt = &t
	}
	if last := f.goodUpdate(); rule.TTL > 0 && rule.Protected == "" && !last.IsZero() {
		expires := last.Add(rule.TTL)
		if keep := f.keepUntil(); keep.After(expires) {
			expires = keep
		}
		expires = expires.Add(interval)
		e.ExpiresAt = &expires
	}
	return e
}

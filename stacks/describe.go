package stacks

import (
	"slices"
	"time"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/stacks/names"
)

// describeStack returns what is known of a stack's environment, by the settings as they are now.
func describeStack(file *config.File, rules config.Rules, f backend.Facts) Environment {
	f.Locks = slices.DeleteFunc(slices.Clone(f.Locks), backend.Lock.Abandoned)
	branch := f.Tags[names.TagBranch]
	spec := SpecOf(&f, file.Project)
	if spec != nil {
		branch = spec.Branch
	}
	rule, err := rules(branch, f.Tags[names.TagLike], f.Name)
	if err != nil { // settings that contradict each other: the rule of the last update is the best that is known
		rule = config.Rule{}
		if spec != nil {
			rule.TTL = time.Duration(spec.Settings.TTL)
		}
	}
	if rule.Protected == "" && f.Tags[names.TagProtected] == "true" {
		rule.Protected = "it was protected when it was last updated"
	}
	return environmentOf(f, file.Project, file.Domain, rule, time.Duration(file.Reconcile.Interval))
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
	if s := SpecOf(&f, project); s != nil {
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
	if f.LastUpdate != nil {
		t := time.Unix(max(f.LastUpdate.StartTime, f.LastUpdate.EndTime), 0).UTC() // one that is running has no end yet
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

package stacks

import (
	"cmp"
	"fmt"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/urn"

	"github.com/branchenv/branchenv/internal/fault"
)

// The tags of branchenv, on stacks. Project, Stack and Branch are AWS tags too. A stack's tags are set right after it
// is made and before its first update, and what was decided once is kept in them.
const (
	tagProject    = "branchenv:project"
	tagStack      = "branchenv:stack"
	tagBranch     = "branchenv:branch"     // BranchTag of the exact name
	tagKind       = "branchenv:kind"       // the kind it was made as
	tagHost       = "branchenv:host"       // the host label
	tagBucket     = "branchenv:bucket"     // the suffix of the bucket's name
	tagAccount    = "branchenv:account"    // the AWS account that it lives in
	tagRegion     = "branchenv:region"     // and the region
	tagCreated    = "branchenv:created"    // RFC 3339
	tagLike       = "branchenv:like"       // the branch whose settings it has, where it is a copy
	tagLeft       = "branchenv:left"       // what a destroy could not confirm to be gone
	tagMissing    = "branchenv:missing"    // what is gone from AWS though nobody destroyed it, as doctor found
	tagDestroying = "branchenv:destroying" // which kept state tells what the stack had before its destroy began
	tagUnhealthy  = "branchenv:unhealthy"  // why the environment was red after its last update, though Beanstalk had ended it
	tagUpdated    = "branchenv:updated"    // RFC 3339: the end of the last good update before the one that set the tag
	tagKeep       = "branchenv:keep"       // RFC 3339: reconcile keeps it until then
	tagHeartbeat  = "branchenv:heartbeat"  // of the application stack: when reconcile last ran, in Pulumi Cloud
	tagProtected  = "branchenv:protected"  // "true" where its kind was protected when it was last updated
	tagSource     = "branchenv:source"     // Identity.ID of the repository whose branch it is of
	tagSourceName = "branchenv:sourceName" // and its name, for people
	tagDefault    = "branchenv:default"    // BranchTag of its default branch, as it was last known
)

// owns tells whether f is branch's stack and branchenv's at all: nil, or why not. A stack without tags may be adopted
// where it is empty, because it is what an interruption between the making and the tagging of a stack leaves behind.
func (p place) owns(f facts, branch string) error {
	tag, tagged := f.tags[tagBranch]
	switch {
	case !tagged && f.state.blank():
		return nil
	case !tagged:
		e := fault.Refusedf("stack %s has resources or outputs but no %s tag: branchenv did not make it", f.name, tagBranch)
		if f.spec(p.project) != nil {
			return e.WithHint("if branchenv made it, set its tags again: %s", p.setTags(f))
		}
		return e.WithHint("if it is yours to give: pulumi stack tag set %s %s --stack %s", tagBranch, fault.ShellWord(BranchTag(branch)), f.name)
	case tag != BranchTag(branch):
		return fault.Refusedf("stack %s belongs to branch %q, not to %q", f.name, tag, branch)
	}
	return f.ownsResources()
}

// ownsResources refuses a stack whose state has resources of another: a state that was copied, or from which resources
// were moved. To destroy it would be to destroy the other.
func (f facts) ownsResources() error {
	if resource, owner := f.foreign(); owner != "" {
		return fault.Refusedf("the state of stack %s has a resource of stack %s: %s", f.name, owner, resource).
			WithHint("find out how it came there; to take it out of this state and leave it in AWS: pulumi state delete --stack %s URN", f.name)
	}
	return nil
}

// foreign finds a resource in f's state that is another stack's, and says whose. Its URN names the stack that it was
// made in (`pulumi stack rename` and `pulumi state move` rewrite it), and so do its AWS tags if it has any.
func (f facts) foreign() (resource, owner string) {
	for _, r := range f.state.Resources {
		if owner := f.otherOwner(r.URN); owner != "" {
			return awsName(cmp.Or(r.ID, r.URN), r.Inputs), owner
		}
	}
	for _, op := range f.state.Pending {
		if owner := f.otherOwner(op.Resource.URN); owner != "" {
			return awsName(cmp.Or(op.Resource.ID, op.Resource.URN), op.Resource.Inputs), owner
		}
	}
	for _, r := range f.state.aws() {
		tags, ok := r.Outputs["tagsAll"].(map[string]any)
		if !ok {
			tags, _ = r.Inputs["tagsAll"].(map[string]any)
		}
		text := func(tag string) string { s, _ := tags[tag].(string); return s }
		stack, project := text(tagStack), text(tagProject)
		switch {
		case stack != "" && project != "" && project != f.project:
			return awsName(r.ID, r.Inputs), project + "/" + stack
		case stack != "" && stack != f.name:
			return awsName(r.ID, r.Inputs), stack
		}
	}
	return "", ""
}

// otherOwner is the stack that a resource's URN names, if it is not f. What has no URN says nothing.
func (f facts) otherOwner(text string) string {
	u, err := urn.Parse(text)
	switch {
	case err != nil:
		return ""
	case string(u.Project()) != f.project:
		return string(u.Project()) + "/" + string(u.Stack())
	case string(u.Stack()) != f.name:
		return string(u.Stack())
	}
	return ""
}

// environment tells what is known of one environment. What the settings say of it is rule; interval is how often reconcile
// runs, and so how much later than it expires the environment is gone.
func (f facts) environment(project, domain string, rule Rule, interval time.Duration) Environment {
	e := Environment{
		Branch: f.tags[tagBranch], Stack: f.name, Kind: f.tags[tagKind],
		Status: f.status(), Platform: "beanstalk", Protected: rule.Protected != "",
	}
	if h := f.tags[tagHost]; h != "" {
		e.Host = h + "." + domain
	}
	if s := f.spec(project); s != nil {
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

// status tells the state of a stack.
func (f facts) status() Status {
	switch {
	case f.broken != nil:
		return StatusUnreadable
	case len(f.locks) > 0:
		return StatusUpdating
	case f.state.empty():
		return StatusEmpty
	case len(f.state.Pending) > 0, !f.last.succeeded(), f.tags[tagUnhealthy] != "", f.tags[tagMissing] != "", f.last.Kind == "destroy", f.last.Message == recovery:
		return StatusIncomplete
	}
	return StatusReady
}

// Name is a version as people name it: the image, or the label.
func (v Version) Name() string {
	if v.Image != "" {
		return v.Image
	}
	return v.Label
}

// count counts things for people.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

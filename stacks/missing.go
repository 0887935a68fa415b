package stacks

import (
	"context"
	"regexp"
	"strings"

	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/engine"
	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks/names"
)

// goneFromAWS returns the resources that AWS says are gone: somebody deleted them by hand. A resource that AWS says nothing
// about is not among them.
func (m Manager) goneFromAWS(ctx context.Context, resources []backend.Resource) []backend.Resource {
	asked := make([]aws.Resource, 0, len(resources))
	for _, r := range resources {
		asked = append(asked, described(r))
	}
	var gone []backend.Resource
	for i, found := range m.aws.Describe(ctx, asked) {
		if found.State == aws.Gone {
			gone = append(gone, resources[i])
		}
	}
	return gone
}

// described returns the resource as package aws asks for it.
func described(r backend.Resource) aws.Resource {
	return aws.Resource{Type: r.Type, ID: r.ID, Name: engine.URNName(r.URN), Inputs: r.Inputs, Outputs: r.Outputs}
}

// mainNames returns the names of the resources in their order, without the settings of buckets; all of them if nothing else
// is there.
func mainNames(resources []backend.Resource) string {
	var names, all []string
	for _, r := range resources {
		name := backend.DisplayName(r.ID, r.Inputs)
		all = append(all, name)
		if !backend.IsBucketSetting(r.Type) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		names = all
	}
	return strings.Join(names, ", ")
}

// forgetMissing removes from the state the resources that are gone from AWS. Otherwise the next update would fail over
// them, or find nothing to do, instead of creating them again.
func (r recovery) forgetMissing(ctx context.Context) error {
	gone := r.goneFromAWS(ctx, r.stack.State.AWS())
	if len(gone) == 0 {
		return nil
	}
	r.warn(r.stack.Name, "gone from AWS, and to be made again without what was in it: "+mainNames(gone))
	return r.refresh(ctx, nil)
}

// goneInAWS matches what the provider and AWS say if an update meets a resource that was deleted meanwhile.
var goneInAWS = regexp.MustCompile(`couldn't find resource|NotFound|No Environment found|NoSuchBucket|NoSuchEntity|NoSuchHostedZone`)

// recordMissing records in a stack's tags which resources are gone, for commands that ask AWS nothing.
func (m Manager) recordMissing(ctx context.Context, f backend.Facts, gone []backend.Resource) error {
	note := ""
	if len(gone) > 0 {
		note = names.TruncateTag(text.Count(len(gone), "resource") + ": " + mainNames(gone))
	}
	if f.Tags[names.TagMissing] == note {
		return nil
	}
	_, err := m.retag(ctx, f.Name, func(tags map[string]string) {
		tags[names.TagMissing] = note
		if note == "" {
			delete(tags, names.TagMissing)
		}
	})
	return err
}

// candidates returns the resources of a state that may be gone: those that AWS does not list by their tags, and DNS records,
// which have none. A setting of a resource goes with the resource.
func candidates(s backend.State, tagged map[string]bool) []backend.Resource {
	var found []backend.Resource
	for _, r := range s.AWS() {
		arn, _ := r.Outputs["arn"].(string)
		if r.Type == aws.TypeRecord || arn != "" && r.Outputs["tagsAll"] != nil && !tagged[arn] {
			found = append(found, r)
		}
	}
	return found
}

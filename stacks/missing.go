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

// goneFromAWS returns those of the resources that AWS says are gone: somebody deleted them behind branchenv's back. What AWS does
// not tell about is not among them.
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

// described is the resource as package aws asks for it.
func described(r backend.Resource) aws.Resource {
	return aws.Resource{Type: r.Type, ID: r.ID, Name: engine.UrnName(r.URN), Inputs: r.Inputs, Outputs: r.Outputs}
}

// mainNames are the resources' names, in their order: those that are something by themselves, else all of them.
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

// forgetMissing takes out of the state what is gone in AWS, so that the next update makes it again instead of failing
// over it, or of finding nothing to do. f is read anew if there was something.
func (m Manager) forgetMissing(ctx context.Context, e *engine.Engine, f *backend.Facts) error {
	gone := m.goneFromAWS(ctx, f.State.Aws())
	if len(gone) == 0 {
		return nil
	}
	m.warn(f.Name, "gone from AWS, and to be made again without what was in it: "+mainNames(gone))
	return m.refresh(ctx, e, f, nil)
}

// goneInAWS finds what the provider and AWS say when an update meets something that was deleted meanwhile.
var goneInAWS = regexp.MustCompile(`couldn't find resource|NotFound|No Environment found|NoSuchBucket|NoSuchEntity|NoSuchHostedZone`)

// recordMissing records in a stack's tags what is gone, for those who ask AWS nothing.
func (m Manager) recordMissing(ctx context.Context, f backend.Facts, gone []backend.Resource) error {
	note := ""
	if len(gone) > 0 {
		note = names.CutTag(text.Count(len(gone), "resource") + ": " + mainNames(gone))
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

// candidates are the resources of a state that may be gone: what AWS does not list by its tags, and DNS records, which
// have none. What is set on a resource goes with it.
func candidates(s backend.State, tagged map[string]bool) []backend.Resource {
	var found []backend.Resource
	for _, r := range s.Aws() {
		arn, _ := r.Outputs["arn"].(string)
		if r.Type == aws.TypeRecord || arn != "" && r.Outputs["tagsAll"] != nil && !tagged[arn] {
			found = append(found, r)
		}
	}
	return found
}

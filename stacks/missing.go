package stacks

import (
	"context"
	"regexp"
	"strings"

	"github.com/branchenv/branchenv/internal/aws"
)

// missing are those of the resources that AWS says are gone: somebody deleted them behind branchenv's back. What AWS does
// not tell about is not among them.
func (m *Manager) missing(ctx context.Context, resources []stateResource) []stateResource {
	asked := make([]aws.Resource, 0, len(resources))
	for _, r := range resources {
		asked = append(asked, described(r))
	}
	var gone []stateResource
	for i, found := range m.aws.Describe(ctx, asked) {
		if found.State == aws.Gone {
			gone = append(gone, resources[i])
		}
	}
	return gone
}

// described is the resource as package aws asks for it.
func described(r stateResource) aws.Resource {
	return aws.Resource{Type: r.Type, ID: r.ID, Name: urnName(r.URN), Inputs: r.Inputs, Outputs: r.Outputs}
}

// mainNames are the resources' names, in their order: those that are something by themselves, else all of them.
func mainNames(resources []stateResource) string {
	var names, all []string
	for _, r := range resources {
		name := awsName(r.ID, r.Inputs)
		all = append(all, name)
		if !isBucketSetting(r.Type) {
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
func (m *Manager) forgetMissing(ctx context.Context, e *engine, f *facts) error {
	gone := m.missing(ctx, f.state.aws())
	if len(gone) == 0 {
		return nil
	}
	m.tell(f.name, Event{Kind: Warning, Message: "gone from AWS, and to be made again without what was in it: " + mainNames(gone)})
	return m.refresh(ctx, e, f, nil)
}

// goneInAWS finds what the provider and AWS say when an update meets something that was deleted meanwhile.
var goneInAWS = regexp.MustCompile(`couldn't find resource|NotFound|No Environment found|NoSuchBucket|NoSuchEntity|NoSuchHostedZone`)

// noteMissing keeps in a stack's tags what is gone, for those who ask AWS nothing.
func (m *Manager) noteMissing(ctx context.Context, f facts, gone []stateResource) error {
	note := ""
	if len(gone) > 0 {
		note = cutTag(count(len(gone), "resource") + ": " + mainNames(gone))
	}
	if f.tags[tagMissing] == note {
		return nil
	}
	return m.retag(ctx, f.name, func(tags map[string]string) {
		tags[tagMissing] = note
		if note == "" {
			delete(tags, tagMissing)
		}
	})
}

// candidates are the resources of a state that may be gone: what AWS does not list by its tags, and DNS records, which
// have none. What is set on a resource goes with it.
func candidates(s state, tagged map[string]bool) []stateResource {
	var found []stateResource
	for _, r := range s.aws() {
		arn, _ := r.Outputs["arn"].(string)
		if r.Type == typeRecord || arn != "" && r.Outputs["tagsAll"] != nil && !tagged[arn] {
			found = append(found, r)
		}
	}
	return found
}

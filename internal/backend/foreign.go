package backend

import (
	"cmp"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/urn"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/stacks/names"
)

// CheckOwnership returns an error if the state has a resource of another stack, because it was copied or resources were moved.
// A destroy of the stack would destroy the other stack's resource.
func (f Facts) CheckOwnership() error {
	if resource, owner := f.ForeignResource(); owner != "" {
		return fault.Refusedf("the state of stack %s has a resource of stack %s: %s", f.Name, owner, resource).
			WithHint("find out how it came there; to take it out of this state and leave it in AWS: pulumi state delete --stack %s URN", f.Name)
	}
	return nil
}

// ForeignResource returns a resource of f's state that belongs to another stack, and that stack; "" if there is none. The URN of
// a resource names its stack (`pulumi stack rename` and `pulumi state move` rewrite it), and so do its AWS tags, if any.
func (f Facts) ForeignResource() (resource, owner string) {
	for _, r := range f.State.Resources {
		if owner := f.otherOwner(r.URN); owner != "" {
			return DisplayName(cmp.Or(r.ID, r.URN), r.Inputs), owner
		}
	}
	for _, op := range f.State.Pending {
		if owner := f.otherOwner(op.Resource.URN); owner != "" {
			return DisplayName(cmp.Or(op.Resource.ID, op.Resource.URN), op.Resource.Inputs), owner
		}
	}
	for _, r := range f.State.AWS() {
		tags, ok := r.Outputs["tagsAll"].(map[string]any)
		if !ok {
			tags, _ = r.Inputs["tagsAll"].(map[string]any)
		}
		text := func(tag string) string { s, _ := tags[tag].(string); return s }
		stack, project := text(names.TagStack), text(names.TagProject)
		switch {
		case stack != "" && project != "" && project != f.Project:
			return DisplayName(r.ID, r.Inputs), project + "/" + stack
		case stack != "" && stack != f.Name:
			return DisplayName(r.ID, r.Inputs), stack
		}
	}
	return "", ""
}

// otherOwner returns the stack that a resource's URN names; "" if that is f or there is no URN.
func (f Facts) otherOwner(text string) string {
	u, err := urn.Parse(text)
	switch {
	case err != nil:
		return ""
	case string(u.Project()) != f.Project:
		return string(u.Project()) + "/" + string(u.Stack())
	case string(u.Stack()) != f.Name:
		return string(u.Stack())
	}
	return ""
}

// DisplayName returns the name of a resource in AWS, else its id.
func DisplayName(id string, inputs map[string]any) string {
	for _, property := range []string{"identifier", "name", "key", "bucket"} {
		if name, ok := inputs[property].(string); ok && name != "" {
			return name
		}
	}
	return id
}

// Source returns the repository that the stack follows, from its tags; its ID is "" if they do not name one.
func (f Facts) Source() names.Repository {
	return names.Repository{ID: f.Tags[names.TagSource], Name: f.Tags[names.TagSourceName]}
}

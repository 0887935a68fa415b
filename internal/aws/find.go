package aws

import (
	"context"
	"slices"
)

// Found is a resource that Find found.
type Found struct {
	ID   string            // the provider's id; "" if there is no such resource
	Tags map[string]string // its AWS tags
	// Untagged is set if the absence of tags says nothing: the type has none, or gets them after its creation. The inputs
	// then name the resource beyond doubt: they hold a random part, or the same target.
	Untagged bool
}

// Find looks for a resource that an interrupted run may have created. Only r's Inputs are known.
func (c *Client) Find(ctx context.Context, r Resource) (Found, error) {
	find := TypeOf(r.Type).find
	if find == nil {
		return Found{}, nil
	}
	found, gone, err := find(c, ctx, r)
	switch {
	case err == nil:
		return found, nil
	case slices.Contains(gone, code(err)):
		return Found{}, nil
	}
	return Found{}, failed(err, "look for %s %s, which an interrupted run may have created", r.Type, r.Name)
}

// overwritten is the finder of types that a second creation overwrites. It finds nothing, because nothing needs to be found.
func (*Client) overwritten(context.Context, Resource) (Found, []string, error) {
	return Found{}, nil, nil
}

// notImported is the finder of types that branchenv never creates, or that the provider cannot import. It finds nothing.
func (*Client) notImported(context.Context, Resource) (Found, []string, error) {
	return Found{}, nil, nil
}

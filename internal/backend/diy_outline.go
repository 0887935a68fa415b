package backend

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"github.com/branchenv/branchenv/stacks/names"
)

// stateOutline reads the outline of a state, for List. A whole state has a hundred kilobytes and more, mostly properties that only
// an update or a destroy of the stack needs; these read the whole state.
//
// An outline gives the same answers as the whole state to all questions that a list of stacks asks: outputs, pending operations,
// whether it is empty or blank, and whose resources it has. TestOutline compares both.
func (b *diyBackend) stateOutline(ctx context.Context, stack string, o object) (State, error) {
	var c checkpoint[rawState]
	if err := b.decode(ctx, o.key, &c); err != nil {
		return State{}, err
	}
	latest, err := c.latest()
	if err != nil || latest == nil {
		return State{}, err
	}
	return latest.outline(stack, b.project)
}

// rawState is a state whose properties are not decoded.
type rawState struct {
	Manifest struct {
		Time time.Time `json:"time"`
	} `json:"manifest"`
	Resources []rawResource `json:"resources"`
	Pending   []struct {
		Type apitype.OperationType `json:"type"`
	} `json:"pending_operations"`
}

// rawResource is a resource whose properties are not decoded.
type rawResource struct {
	URN      string          `json:"urn"`
	Custom   bool            `json:"custom"`
	ID       string          `json:"id"`
	Type     string          `json:"type"`
	Parent   string          `json:"parent"`
	External bool            `json:"external"`
	Delete   bool            `json:"delete"`
	Inputs   json.RawMessage `json:"inputs"`
	Outputs  json.RawMessage `json:"outputs"`
}

// outline returns the state with only these resources: that of the stack itself, with its outputs; one real resource, so that the
// state is not empty; and those that seem to belong to another stack.
func (raw *rawState) outline(stack, project string) (State, error) {
	s := State{}
	s.Manifest.Time = raw.Manifest.Time
	s.Pending = make([]PendingOperation, len(raw.Pending))
	for i, p := range raw.Pending {
		s.Pending[i].Type = p.Type
	}
	own := "urn:pulumi:" + stack + "::" + project + "::"
	filled := false
	for _, r := range raw.Resources {
		kept := Resource{URN: r.URN, Custom: r.Custom, ID: r.ID, Type: r.Type, Parent: r.Parent, External: r.External, Delete: r.Delete}
		root, err := r.Type == RootType && r.Parent == "", error(nil)
		foreign := !strings.HasPrefix(r.URN, own)
		if root {
			err = unmarshal(r.Outputs, &kept.Outputs)
		} else {
			kept.Inputs, kept.Outputs, err = r.tags()
			foreign = foreign || kept.tagged(stack, project)
		}
		if err != nil {
			return s, damaged{err}
		}
		if !root && !foreign && (filled || !kept.real()) {
			continue
		}
		if foreign { // an error shows its name
			if err := errors.Join(unmarshal(r.Inputs, &kept.Inputs), unmarshal(r.Outputs, &kept.Outputs)); err != nil {
				return s, damaged{err}
			}
		}
		filled = filled || kept.real()
		s.Resources = append(s.Resources, kept)
	}
	return s, nil
}

// tags returns the properties that name the owner of the resource.
func (r rawResource) tags() (inputs, outputs map[string]any, err error) {
	if !r.Custom || !IsAWS(r.Type) {
		return nil, nil, nil
	}
	for _, p := range []struct {
		from json.RawMessage
		to   *map[string]any
	}{{r.Inputs, &inputs}, {r.Outputs, &outputs}} {
		var properties struct {
			Tags any `json:"tagsAll"`
		}
		if err := unmarshal(p.from, &properties); err != nil {
			return nil, nil, err
		}
		if properties.Tags != nil {
			*p.to = map[string]any{"tagsAll": properties.Tags}
		}
	}
	return inputs, outputs, nil
}

// tagged reports whether the AWS tags of the resource name another stack or project, or may do so.
func (r Resource) tagged(stack, project string) bool {
	for _, properties := range []map[string]any{r.Inputs, r.Outputs} {
		if properties["tagsAll"] == nil {
			continue
		}
		tags, ok := properties["tagsAll"].(map[string]any)
		if !ok || tags[names.TagStack] != stack || tags[names.TagProject] != project {
			return true
		}
	}
	return false
}

// unmarshal is json.Unmarshal, but no data is no error.
func unmarshal(data json.RawMessage, v any) error {
	if len(data) == 0 {
		return nil
	}
	return json.Unmarshal(data, v)
}

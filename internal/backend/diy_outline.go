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

// stateOutline reads of a state what list tells. The whole has a hundred kilobytes and more for each environment, nearly all of them
// properties that only an update or a destroy of that one looks at; these read the whole.
//
// What is left is a state all the same, of which everything that is said of a list of stacks is as true as of the whole: its outputs,
// its pending operations, whether it is empty or blank, and whose resources it has. TestOutline compares.
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

// rawState is a state whose properties have not been looked at.
type rawState struct {
	Manifest struct {
		Time time.Time `json:"time"`
	} `json:"manifest"`
	Resources []rawResource `json:"resources"`
	Pending   []struct {
		Type apitype.OperationType `json:"type"`
	} `json:"pending_operations"`
}

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

// outline keeps the stack's own resource, with its outputs; one real resource, so that the state is not empty; and those that seem to
// be another stack's.
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
		if foreign { // what it is called is told, too
			if err := errors.Join(unmarshal(r.Inputs, &kept.Inputs), unmarshal(r.Outputs, &kept.Outputs)); err != nil {
				return s, damaged{err}
			}
		}
		filled = filled || kept.real()
		s.Resources = append(s.Resources, kept)
	}
	return s, nil
}

// tags are the properties that say whose the resource is.
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

// tagged reports that the resource's AWS tags name another stack or project, or may.
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

func unmarshal(data json.RawMessage, v any) error {
	if len(data) == 0 {
		return nil
	}
	return json.Unmarshal(data, v)
}

package engine

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// ImportPending edits an exported deployment: each pending create whose URN is in ids becomes a resource with that id, whose
// outputs are its inputs until a refresh reads them from AWS. Without outputs the provider would import the resource, and
// forget what AWS cannot tell: how long to wait for a Beanstalk environment (then not at all, so that no destroy
// succeeds), the password of a database, whether it leaves a final snapshot. Everything else stays as it is, down to the
// digits of its numbers.
func ImportPending(deployment []byte, ids map[string]string) ([]byte, error) {
	var file, d map[string]json.RawMessage
	var resources, raw, kept []json.RawMessage
	var pending []struct {
		Type     apitype.OperationType      `json:"type"`
		Resource map[string]json.RawMessage `json:"resource"`
	}
	if err := json.Unmarshal(deployment, &file); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(file["deployment"], &d); err != nil {
		return nil, err
	}
	if text, ok := d["resources"]; ok {
		if err := json.Unmarshal(text, &resources); err != nil {
			return nil, err
		}
	}
	if err := json.Unmarshal(d["pending_operations"], &pending); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(d["pending_operations"], &raw); err != nil {
		return nil, err
	}
	for i, op := range pending {
		var urn string
		if err := json.Unmarshal(op.Resource["urn"], &urn); err != nil {
			return nil, err
		}
		id, ok := ids[urn]
		if !ok || op.Type != apitype.OperationTypeCreating {
			kept = append(kept, raw[i])
			continue
		}
		text, err := json.Marshal(id)
		if err != nil {
			return nil, err
		}
		op.Resource["id"] = text
		if op.Resource["outputs"], err = inputsAsOutputs(op.Resource["inputs"]); err != nil {
			return nil, err
		}
		// What the resource depends on was there before its creation began, so the end of the list is the right place.
		text, err = json.Marshal(op.Resource)
		if err != nil {
			return nil, err
		}
		resources = append(resources, text)
	}
	return assemble(file, d, resources, kept)
}

// inputsAsOutputs are a resource's inputs as outputs: without what the provider notes among them (__defaults).
func inputsAsOutputs(inputs json.RawMessage) (json.RawMessage, error) {
	properties := map[string]json.RawMessage{}
	if len(inputs) > 0 {
		if err := json.Unmarshal(inputs, &properties); err != nil {
			return nil, err
		}
	}
	maps.DeleteFunc(properties, func(name string, _ json.RawMessage) bool { return strings.HasPrefix(name, "__") })
	return marshalRaw(properties)
}

func assemble(file, d map[string]json.RawMessage, resources, pending []json.RawMessage) (_ []byte, err error) {
	if d["resources"], err = marshalRaw(resources); err != nil {
		return nil, err
	}
	if d["pending_operations"], err = marshalRaw(pending); err != nil {
		return nil, err
	}
	if file["deployment"], err = marshalRaw(d); err != nil {
		return nil, err
	}
	return marshalRaw(file)
}

// marshalRaw is json.Marshal without its escaping of <, > and &.
func marshalRaw(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

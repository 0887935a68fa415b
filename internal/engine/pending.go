package engine

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// ImportPending edits an exported deployment. Each pending create whose URN is in ids becomes a resource with that id. Its
// outputs are its inputs until a refresh reads them from AWS.
//
// Without outputs the provider would import the resource and lose the properties that AWS does not return: the password of
// a database, whether it leaves a final snapshot, and how long to wait for a Beanstalk environment. It would then not wait
// at all, and no destroy would succeed. Everything else stays unchanged, including the digits of numbers.
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
		// The resource's dependencies existed before its creation began, so it can stand at the end of the list.
		text, err = json.Marshal(op.Resource)
		if err != nil {
			return nil, err
		}
		resources = append(resources, text)
	}
	return assemble(file, d, resources, kept)
}

// inputsAsOutputs returns a resource's inputs as outputs, without the provider's own notes among them (__defaults).
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

// assemble returns the deployment with the given resources and pending operations.
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

// marshalRaw is json.Marshal without escaping <, > and &.
func marshalRaw(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

// Package schema holds the Pulumi schema of the AWS provider: which resource types and functions there are, and what
// their properties are. It is data; what AWS does with a resource is in package services.
package schema

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
)

//go:generate go run gen.go $AWS_SCHEMA

// data is the real provider's schema, cut down by gen.go.
//
//go:embed schema.json.gz
var data []byte

// A Schema is the part of a Pulumi package schema that the sandbox reads.
type Schema struct {
	Version   string              `json:"version"`
	Provider  Resource            `json:"provider"`
	Types     map[string]Object   `json:"types"`
	Resources map[string]Resource `json:"resources"`
	Functions map[string]Function `json:"functions"`
}

// A Resource is the schema of a resource type.
type Resource struct {
	Properties     map[string]Property `json:"properties"`
	Required       []string            `json:"required"` // outputs that are always present
	Inputs         map[string]Property `json:"inputProperties"`
	RequiredInputs []string            `json:"requiredInputs"`
}

// Computed returns the inputs that AWS computes if they are not given. They are outputs that are always present.
func (r Resource) Computed() []string {
	return slices.DeleteFunc(slices.Clone(r.Required), func(name string) bool {
		_, input := r.Inputs[name]
		return !input || slices.Contains(r.RequiredInputs, name)
	})
}

// A Function is the schema of a function, which looks something up.
type Function struct {
	Inputs  Object `json:"inputs"`
	Outputs Object `json:"outputs"`
}

// An Object is the schema of an object type.
type Object struct {
	Properties map[string]Property `json:"properties"`
	Required   []string            `json:"required"`
}

// A Property is the schema of one property.
type Property struct {
	Type                 string    `json:"type"` // string, integer, number, boolean, array, object
	Ref                  string    `json:"$ref"` // #/types/…
	Items                *Property `json:"items"`
	AdditionalProperties *Property `json:"additionalProperties"`
	Secret               bool      `json:"secret"`
	WillReplaceOnChanges bool      `json:"willReplaceOnChanges"`
}

// Zero returns the zero value of a property: an empty string, list or object, false or 0. An object of a type of its own
// has none: nil.
func (p Property) Zero() any {
	switch p.Type {
	case "string":
		return ""
	case "boolean":
		return false
	case "integer", "number":
		return 0.0
	case "array":
		return []any{}
	case "object":
		if p.Ref == "" {
			return map[string]any{}
		}
	}
	return nil
}

// AWS returns the schema. The first call decodes it, which takes about 10 ms.
func AWS() *Schema { return decoded() }

var decoded = sync.OnceValue(func() *Schema {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		panic(err) // the data is part of the program
	}
	var s Schema
	if err := json.NewDecoder(r).Decode(&s); err != nil {
		panic(err)
	}
	return &s
})

// Types returns the tokens of all resource types, sorted.
func Types() []string { return slices.Sorted(maps.Keys(AWS().Resources)) }

// Object returns the schema of the object type that p refers to. ok is false if p refers to none.
func (s *Schema) Object(p Property) (o Object, ok bool) {
	name, isRef := strings.CutPrefix(p.Ref, "#/types/")
	if !isRef {
		return Object{}, false
	}
	o, ok = s.Types[name]
	return o, ok
}

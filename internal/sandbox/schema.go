package sandbox

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

//go:generate go run gen_schema.go $AWS_SCHEMA

// schemaData is the cut of the real provider's schema that gen_schema.go made.
//
//go:embed data/schema.json.gz
var schemaData []byte

// A schema is what the sandbox reads of a Pulumi package schema.
type schema struct {
	Version   string                    `json:"version"`
	Provider  resourceSchema            `json:"provider"`
	Types     map[string]objectSchema   `json:"types"`
	Resources map[string]resourceSchema `json:"resources"`
	Functions map[string]functionSchema `json:"functions"`
}

type resourceSchema struct {
	Properties     map[string]propertySchema `json:"properties"`
	Required       []string                  `json:"required"` // outputs that are always there
	Inputs         map[string]propertySchema `json:"inputProperties"`
	RequiredInputs []string                  `json:"requiredInputs"`
}

// computed are the inputs that AWS computes where they are not given. They are among the outputs that are always there.
func (s resourceSchema) computed() []string {
	return slices.DeleteFunc(slices.Clone(s.Required), func(name string) bool {
		_, input := s.Inputs[name]
		return !input || slices.Contains(s.RequiredInputs, name)
	})
}

type functionSchema struct {
	Inputs  objectSchema `json:"inputs"`
	Outputs objectSchema `json:"outputs"`
}

type objectSchema struct {
	Properties map[string]propertySchema `json:"properties"`
	Required   []string                  `json:"required"`
}

type propertySchema struct {
	Type                 string          `json:"type"` // string, integer, number, boolean, array, object
	Ref                  string          `json:"$ref"` // #/types/…
	Items                *propertySchema `json:"items"`
	AdditionalProperties *propertySchema `json:"additionalProperties"`
	Secret               bool            `json:"secret"`
	WillReplaceOnChanges bool            `json:"willReplaceOnChanges"`
}

// awsSchema decodes the embedded schema on first use, which takes about 10 ms.
var awsSchema = sync.OnceValue(func() *schema {
	r, err := gzip.NewReader(bytes.NewReader(schemaData))
	if err != nil {
		panic(err) // the data is part of the program
	}
	var s schema
	if err := json.NewDecoder(r).Decode(&s); err != nil {
		panic(err)
	}
	return &s
})

// object is the schema of the object type that p refers to; ok is false if p is not one.
func (s *schema) object(p propertySchema) (objectSchema, bool) {
	name, isRef := strings.CutPrefix(p.Ref, "#/types/")
	if !isRef {
		return objectSchema{}, false
	}
	o, ok := s.Types[name]
	return o, ok
}

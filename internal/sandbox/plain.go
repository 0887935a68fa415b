package sandbox

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/archive"
)

// plain is a property as a plain value. Unknowns, which only a preview has, are nil. The content of an asset or
// archive is its bytes in a string.
func plain(v resource.PropertyValue) any {
	switch {
	case v.IsNull(), v.IsComputed():
		return nil
	case v.IsOutput():
		return plain(v.OutputValue().Element)
	case v.IsSecret():
		return plain(v.SecretValue().Element)
	case v.IsAsset():
		data, err := v.AssetValue().Bytes()
		if err != nil {
			return nil
		}
		return string(data)
	case v.IsArchive():
		data, err := v.ArchiveValue().Bytes(archive.ZIPArchive)
		if err != nil {
			return nil
		}
		return string(data)
	case v.IsArray():
		out := make([]any, 0, len(v.ArrayValue()))
		for _, e := range v.ArrayValue() {
			out = append(out, plain(e))
		}
		return out
	case v.IsObject():
		out := map[string]any{}
		for k, e := range v.ObjectValue() {
			out[string(k)] = plain(e)
		}
		return out
	}
	return v.V
}

// outputsOf are a record's outputs as properties, nothing missing that the schema says is always there.
func outputsOf(r *record) resource.PropertyMap {
	spec := awsSchema().Resources[r.Type]
	values := map[string]any{}
	for _, name := range spec.Required {
		values[name] = zero(spec.Properties[name])
	}
	for k, v := range r.Outputs {
		if _, known := spec.Properties[k]; known && v != nil {
			values[k] = v
		}
	}
	return resource.NewPropertyMapFromMap(values)
}

// inputsOf are a record's inputs as properties.
func inputsOf(r *record) resource.PropertyMap { return resource.NewPropertyMapFromMap(r.Inputs) }

func zero(p propertySchema) any {
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

// withoutInternal leaves out what the provider notes for itself.
func withoutInternal(in map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range in {
		if !strings.HasPrefix(k, "__") {
			out[k] = v
		}
	}
	return out
}

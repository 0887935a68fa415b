package provider

import (
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/archive"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/schema"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// plain converts a property to a plain value. An unknown value becomes nil; an asset or archive becomes a string with its
// contents.
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

// plainObject converts properties to a plain object.
func plainObject(m resource.PropertyMap) value.Object {
	return value.ObjectOf(plain(resource.NewObjectProperty(m)))
}

// outputsOf returns a record's outputs as properties. Outputs that the schema requires have at least their zero value.
func outputsOf(r *cloud.Record) resource.PropertyMap {
	spec := schema.AWS().Resources[r.Type]
	values := map[string]any{}
	for _, name := range spec.Required {
		values[name] = spec.Properties[name].Zero()
	}
	for k, v := range r.Outputs {
		if _, known := spec.Properties[k]; known && v != nil {
			values[k] = v
		}
	}
	return resource.NewPropertyMapFromMap(values)
}

// inputsOf returns a record's inputs as properties.
func inputsOf(r *cloud.Record) resource.PropertyMap { return resource.NewPropertyMapFromMap(r.Inputs) }

// keepUnreadable gives the properties that AWS does not return the values in the engine's state. A property that is absent
// there becomes absent. An import has no state: it gets the kind's ImportDefaults.
func keepUnreadable(k cloud.Kind, state, outputs, inputs resource.PropertyMap) {
	for _, name := range k.Unreadable {
		key := resource.PropertyKey(name)
		v, ok := state[key]
		if given, set := k.ImportDefaults[name]; !ok && set && len(state) == 0 {
			v, ok = resource.NewPropertyValue(given), true
		}
		for _, m := range []resource.PropertyMap{outputs, inputs} {
			if _, has := m[key]; has && !ok {
				delete(m, key)
			} else if ok {
				m[key] = v
			}
		}
	}
}

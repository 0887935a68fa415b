package provider

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/schema"
)

// diff compares a resource's inputs. The schema says which changes force a replacement. Three differences are no change:
//
//   - An input that AWS computes if it is not given is no longer given.
//   - A boolean that was false is absent, or the other way round.
//   - AWS ignores the input because of the others (Kind.Ignored).
func diff(k cloud.Kind, spec schema.Resource, olds, news resource.PropertyMap) *pulumirpc.DiffResponse {
	olds = olds.Copy()
	for _, name := range spec.Computed() {
		if _, still := news[resource.PropertyKey(name)]; !still {
			delete(olds, resource.PropertyKey(name))
		}
	}
	for name, p := range spec.Inputs {
		if key := resource.PropertyKey(name); p.Type == "boolean" {
			if _, still := news[key]; !still && olds[key].IsBool() && !olds[key].BoolValue() {
				delete(olds, key)
			}
			if _, was := olds[key]; !was && news[key].IsBool() && !news[key].BoolValue() {
				olds[key] = news[key]
			}
		}
	}
	if k.Ignored != nil {
		for _, name := range k.Ignored(plainObject(news)) {
			if _, had := olds[resource.PropertyKey(name)]; had {
				olds[resource.PropertyKey(name)] = news[resource.PropertyKey(name)]
			}
		}
	}
	d := &differ{details: map[string]*pulumirpc.PropertyDiff{}}
	d.object("", schema.Object{Properties: spec.Inputs}, olds, news, false)
	res := &pulumirpc.DiffResponse{
		Changes:         pulumirpc.DiffResponse_DIFF_NONE,
		DetailedDiff:    d.details,
		HasDetailedDiff: true,
	}
	for _, path := range slices.Sorted(maps.Keys(d.details)) {
		res.Changes = pulumirpc.DiffResponse_DIFF_SOME
		top, _, _ := strings.Cut(path, ".")
		top, _, _ = strings.Cut(top, "[")
		if !slices.Contains(res.Diffs, top) {
			res.Diffs = append(res.Diffs, top)
		}
		switch d.details[path].Kind {
		case pulumirpc.PropertyDiff_ADD_REPLACE, pulumirpc.PropertyDiff_UPDATE_REPLACE, pulumirpc.PropertyDiff_DELETE_REPLACE:
			if !slices.Contains(res.Replaces, top) {
				res.Replaces = append(res.Replaces, top)
			}
		}
	}
	if len(res.Replaces) > 0 {
		res.DeleteBeforeReplace = deletesFirst(k, news)
	}
	return res
}

// deletesFirst reports whether a replacement deletes the old resource first. It does if the program gave the name, even if
// the name changes. A program may prevent it with DeleteBeforeReplace(false). Source: nameRequiresDeleteBeforeReplace in
// pulumi-terraform-bridge, pkg/tfbridge/schema.go.
func deletesFirst(k cloud.Kind, news resource.PropertyMap) bool {
	property := k.Naming.Property
	_, given := news[resource.PropertyKey(property)]
	return property != "" && given && !isDefault(news, property)
}

// A differ collects the differences by their paths.
type differ struct {
	details map[string]*pulumirpc.PropertyDiff
}

// add notes a difference.
func (d *differ) add(path string, kind pulumirpc.PropertyDiff_Kind, replace bool) {
	if replace {
		kind++ // the replacing form of a kind follows it
	}
	d.details[path] = &pulumirpc.PropertyDiff{Kind: kind, InputDiff: true}
}

// object compares two objects. replace says that a change of the object itself forces a replacement.
func (d *differ) object(path string, spec schema.Object, olds, news resource.PropertyMap, replace bool) {
	keys := map[string]bool{}
	for k := range olds {
		keys[string(k)] = true
	}
	for k := range news {
		keys[string(k)] = true
	}
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		if strings.HasPrefix(name, "__") {
			continue
		}
		p := spec.Properties[name]
		o, had := olds[resource.PropertyKey(name)]
		n, has := news[resource.PropertyKey(name)]
		d.value(joinPath(path, name), p, o, n, had, has, replace || p.WillReplaceOnChanges)
	}
}

// value compares two values; had and has say whether they are given.
func (d *differ) value(path string, p schema.Property, o, n resource.PropertyValue, had, has, replace bool) {
	switch {
	case had && !has:
		d.add(path, pulumirpc.PropertyDiff_DELETE, replace)
	case !had && has:
		d.add(path, pulumirpc.PropertyDiff_ADD, replace)
	case o.IsObject() && n.IsObject():
		spec, ok := schema.AWS().Object(p)
		if !ok && p.AdditionalProperties != nil {
			spec = schema.Object{Properties: map[string]schema.Property{}}
			for k := range o.ObjectValue() {
				spec.Properties[string(k)] = *p.AdditionalProperties
			}
			for k := range n.ObjectValue() {
				spec.Properties[string(k)] = *p.AdditionalProperties
			}
		}
		d.object(path, spec, o.ObjectValue(), n.ObjectValue(), replace)
	case o.IsArray() && n.IsArray():
		var items schema.Property
		if p.Items != nil {
			items = *p.Items
		}
		ol, nl := o.ArrayValue(), n.ArrayValue()
		for i := range max(len(ol), len(nl)) {
			var ov, nv resource.PropertyValue
			if i < len(ol) {
				ov = ol[i]
			}
			if i < len(nl) {
				nv = nl[i]
			}
			d.value(fmt.Sprintf("%s[%d]", path, i), items, ov, nv, i < len(ol), i < len(nl), replace || items.WillReplaceOnChanges)
		}
	case !o.DeepEquals(n):
		d.add(path, pulumirpc.PropertyDiff_UPDATE, replace)
	}
}

// joinPath is join, but quotes a name that is not a plain word, as the engine does.
func joinPath(path, name string) string {
	if strings.ContainsAny(name, ".[]\"") {
		return fmt.Sprintf("%s[%q]", path, name)
	}
	return join(path, name)
}

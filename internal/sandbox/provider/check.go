package provider

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/schema"
	"github.com/branchenv/branchenv/internal/text"
)

// defaultsKey is the input that lists the inputs that the provider filled in. The real provider uses the same.
const defaultsKey = "__defaults"

// A checker checks a resource's inputs against the schema and the rules of its type, and fills in defaults.
type checker struct {
	kind        cloud.Kind
	spec        schema.Resource
	olds, news  resource.PropertyMap
	defaultTags map[string]string
	req         *pulumirpc.CheckRequest
	failures    []*pulumirpc.CheckFailure
}

// failf reports what is wrong with an input.
func (c *checker) failf(property, format string, args ...any) {
	c.failures = append(c.failures, &pulumirpc.CheckFailure{Property: property, Reason: fmt.Sprintf(format, args...)})
}

// run checks and completes news. It returns all failures.
func (c *checker) run() []*pulumirpc.CheckFailure {
	delete(c.news, defaultsKey)
	c.mergeTags()
	c.fillDefaults()
	c.object("", schema.Object{Properties: c.spec.Inputs, Required: c.spec.RequiredInputs}, c.news)
	if len(c.failures) == 0 {
		for _, problem := range checkRules(c.kind, c.news) {
			c.failf(problem.property, "%s", problem.reason)
		}
	}
	return c.failures
}

// mergeTags adds the provider's default tags, as the real provider does. The resource's own tags have priority.
func (c *checker) mergeTags() {
	if _, taggable := c.spec.Inputs["tags"]; !taggable || len(c.defaultTags) == 0 {
		return
	}
	own, given := c.news["tags"]
	if given && !own.IsObject() {
		return // unknown, or wrong, which object reports
	}
	tags := resource.PropertyMap{}
	for k, v := range c.defaultTags {
		tags[resource.PropertyKey(k)] = resource.NewStringProperty(v)
	}
	if given {
		for k, v := range own.ObjectValue() {
			tags[k] = v
		}
	}
	c.news["tags"] = resource.NewObjectProperty(tags)
}

// fillDefaults fills in the name, the description and the other defaults of the real provider. An input that it filled in
// before keeps its value.
func (c *checker) fillDefaults() {
	filled := []resource.PropertyValue{}
	fill := func(property string, value func() (any, error)) {
		key := resource.PropertyKey(property)
		if _, given := c.news[key]; given {
			return
		}
		v, ok := c.olds[key]
		if !ok || !isDefault(c.olds, property) {
			s, err := value()
			if err != nil {
				c.failf(property, "%v", err)
				return
			}
			v = resource.NewPropertyValue(s)
		}
		c.news[key] = v
		filled = append(filled, resource.NewStringProperty(property))
	}
	if n := c.kind.Naming; n.Property != "" {
		_, prefixed := c.news[resource.PropertyKey(n.Property+"Prefix")]
		if !prefixed {
			fill(n.Property, func() (any, error) { return autoName(n, c.req) })
		}
	}
	if c.kind.HasDescription {
		fill("description", func() (any, error) { return "Managed by Pulumi", nil })
	}
	defaults := c.kind.Defaults
	for _, property := range slices.Sorted(maps.Keys(defaults)) {
		fill(property, func() (any, error) { return defaults[property], nil })
	}
	c.news[defaultsKey] = resource.NewArrayProperty(filled)
}

// isDefault reports whether the provider filled in an input.
func isDefault(inputs resource.PropertyMap, property string) bool {
	v := inputs[defaultsKey]
	return v.IsArray() && slices.ContainsFunc(v.ArrayValue(), func(e resource.PropertyValue) bool {
		return e.IsString() && e.StringValue() == property
	})
}

// object checks an object against its schema.
func (c *checker) object(path string, spec schema.Object, m resource.PropertyMap) {
	for _, key := range m.StableKeys() {
		name := string(key)
		if strings.HasPrefix(name, "__") {
			continue
		}
		p, ok := spec.Properties[name]
		if !ok {
			c.failf(join(path, name), "%s", unknownProperty(name, slices.Sorted(maps.Keys(spec.Properties))))
			continue
		}
		c.value(join(path, name), p, m[key])
	}
	for _, name := range spec.Required {
		if v, ok := m[resource.PropertyKey(name)]; !ok || v.IsNull() {
			c.failf(join(path, name), "missing required property %q", name)
		}
	}
}

// value checks a value against its schema. An unknown value passes.
func (c *checker) value(path string, p schema.Property, v resource.PropertyValue) {
	if v.IsComputed() || v.IsOutput() || v.IsNull() {
		return
	}
	if o, ok := schema.AWS().Object(p); ok {
		if !v.IsObject() {
			c.wrongType(path, "an object", v)
			return
		}
		c.object(path, o, v.ObjectValue())
		return
	}
	switch p.Type {
	case "string":
		if !v.IsString() && !v.IsAsset() && !v.IsArchive() {
			c.wrongType(path, "a string", v)
		}
	case "boolean":
		if !v.IsBool() {
			c.wrongType(path, "a boolean", v)
		}
	case "number":
		if !v.IsNumber() {
			c.wrongType(path, "a number", v)
		}
	case "integer":
		if !v.IsNumber() || v.NumberValue() != math.Trunc(v.NumberValue()) {
			c.wrongType(path, "a whole number", v)
		}
	case "array":
		if !v.IsArray() {
			c.wrongType(path, "a list", v)
			return
		}
		for i, e := range v.ArrayValue() {
			if p.Items != nil {
				c.value(fmt.Sprintf("%s[%d]", path, i), *p.Items, e)
			}
		}
	case "object":
		if !v.IsObject() {
			c.wrongType(path, "an object", v)
			return
		}
		for _, k := range v.ObjectValue().StableKeys() {
			if p.AdditionalProperties != nil {
				c.value(join(path, string(k)), *p.AdditionalProperties, v.ObjectValue()[k])
			}
		}
	}
}

func (c *checker) wrongType(path, want string, v resource.PropertyValue) {
	c.failf(path, "%s must be %s, not %s", path, want, v.TypeString())
}

// join returns the path of a property of the object at path.
func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// unknownProperty returns the error for a property that does not exist. It suggests a similar one.
func unknownProperty(name string, known []string) string {
	if near := text.Nearest(name, known, len(name)/3); near != "" {
		return fmt.Sprintf("unknown property %q, did you mean %q?", name, near)
	}
	return fmt.Sprintf("unknown property %q", name)
}

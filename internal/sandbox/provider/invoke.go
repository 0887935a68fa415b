package provider

import (
	"fmt"
	"maps"
	"slices"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"github.com/branchenv/branchenv/internal/sandbox/schema"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// invoke checks the arguments of a function, calls it and completes its result. A result repeats the arguments, and has
// every output that the schema requires.
func (p *Provider) invoke(token, region string, args value.Object) (value.Object, []*pulumirpc.CheckFailure, error) {
	if _, known := p.aws.Functions[token]; !known {
		return nil, nil, fmt.Errorf("the sandbox does not know the function %s", token)
	}
	spec := schema.AWS().Functions[token]
	if failures := checkArguments(spec, args); len(failures) > 0 {
		return nil, failures, nil
	}
	out, err := p.aws.Lookup(token, region, args)
	if err != nil {
		return nil, nil, err
	}
	for k, v := range args {
		if out[k] == nil {
			out[k] = v
		}
	}
	for _, name := range spec.Outputs.Required {
		if out[name] == nil {
			out[name] = spec.Outputs.Properties[name].Zero()
		}
	}
	return out, nil, nil
}

// checkArguments checks a function's arguments against its schema. A function without a schema takes any.
func checkArguments(spec schema.Function, args value.Object) []*pulumirpc.CheckFailure {
	if spec.Inputs.Properties == nil {
		return nil
	}
	var failures []*pulumirpc.CheckFailure
	known := slices.Sorted(maps.Keys(spec.Inputs.Properties))
	for _, name := range slices.Sorted(maps.Keys(args)) {
		if !slices.Contains(known, name) {
			failures = append(failures, &pulumirpc.CheckFailure{Property: name, Reason: unknownProperty(name, known)})
		}
	}
	for _, name := range spec.Inputs.Required {
		if args[name] == nil {
			failures = append(failures, &pulumirpc.CheckFailure{Property: name, Reason: fmt.Sprintf("missing required property %q", name)})
		}
	}
	return failures
}

package sandbox

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/branchenv/branchenv/internal/sandbox/value"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// A lookup is one call of a function inside a transaction.
type lookup struct {
	*op
	args value.Object
}

// invoke answers a function of the provider from what exists.
func (c *cloud) invoke(token string, config providerConfig, args map[string]any) (map[string]any, []*pulumirpc.CheckFailure, error) {
	short := token[strings.LastIndex(token, ":")+1:]
	module, _, _ := strings.Cut(strings.TrimPrefix(token, "aws:"), "/")
	f, known := functions(module + "." + short)
	if !known {
		return nil, nil, fmt.Errorf("the sandbox does not know the function %s", token)
	}
	var failures []*pulumirpc.CheckFailure
	if spec, ok := awsSchema().Functions[token]; ok {
		for _, name := range slices.Sorted(maps.Keys(args)) {
			if _, ok := spec.Inputs.Properties[name]; !ok {
				failures = append(failures, &pulumirpc.CheckFailure{Property: name, Reason: unknownProperty(name, slices.Sorted(maps.Keys(spec.Inputs.Properties)))})
			}
		}
		for _, name := range spec.Inputs.Required {
			if args[name] == nil {
				failures = append(failures, &pulumirpc.CheckFailure{Property: name, Reason: fmt.Sprintf("missing required property %q", name)})
			}
		}
	}
	if len(failures) > 0 {
		return nil, failures, nil
	}
	var out map[string]any
	err := c.store.do(func(t *tx) error {
		fault, err := t.fault(c.given, "invoke", token, short)
		if err != nil {
			return err
		}
		if refused := fault.refusal(); refused != nil {
			return fmt.Errorf("invoking %s: api error %w", token, refused)
		}
		fault.kill()
		out, err = f(&lookup{op: &op{cloud: c, tx: t, region: config.region}, args: args})
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	for k, v := range args { // a function's result repeats its arguments
		if out[k] == nil {
			out[k] = v
		}
	}
	for _, name := range awsSchema().Functions[token].Outputs.Required {
		if out[name] == nil {
			out[name] = zero(awsSchema().Functions[token].Outputs.Properties[name])
		}
	}
	return out, nil, nil
}

// functions are the functions that the sandbox knows.
func functions(name string) (func(*lookup) (map[string]any, error), bool) {
	f := map[string]func(*lookup) (map[string]any, error){
		"index.getCallerIdentity": func(*lookup) (map[string]any, error) {
			return map[string]any{"id": account, "accountId": account, "arn": "arn:aws:iam::" + account + ":user/sandbox", "userId": "AIDASANDBOX"}, nil
		},
		"index.getRegion": func(l *lookup) (map[string]any, error) {
			return map[string]any{"id": l.region, "name": l.region, "description": l.region, "endpoint": "ec2." + l.region + ".amazonaws.com"}, nil
		},
		"ec2.getVpc":                        getVPC,
		"ec2.getSubnet":                     getSubnet,
		"ec2.getSubnets":                    getSubnets,
		"elasticbeanstalk.getSolutionStack": getSolutionStack,
		"acm.getCertificate":                getCertificate,
		"rds.getSnapshot":                   getSnapshot,
		"route53.getZone":                   getZone,
	}[name]
	return f, f != nil
}

//go:build ignore

// Command gen reduces the AWS provider's Pulumi schema to what the sandbox reads, and writes it to schema.json.gz. It keeps
// types, required properties, secrets and what forces a replacement. It removes descriptions and language details.
//
// The schema is that of the upstream AWS provider, as pulumi-terraform-bridge generates it, for the resources and functions
// that are wanted. The official plugin names or shapes some properties differently. corrections changes them to those of the
// Go SDK v6.83.0.
//
//	AWS_SCHEMA=/path/to/schema.json go generate ./internal/sandbox/schema
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 || os.Args[1] == "" {
		fmt.Fprintln(os.Stderr, "usage: AWS_SCHEMA=/path/to/schema.json go generate ./internal/sandbox/schema")
		os.Exit(2)
	}
	if err := cut(os.Args[1], "schema.json.gz"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func cut(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var schema map[string]any
	if err := json.Unmarshal(data, &schema); err != nil {
		return err
	}
	for _, c := range corrections {
		if err := c.apply(schema["resources"].(map[string]any)); err != nil {
			return err
		}
	}
	kept := map[string]any{}
	for _, key := range []string{"name", "version", "provider", "types", "resources", "functions"} {
		kept[key] = strip(schema[key])
	}
	data, err = json.Marshal(kept)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(to, out.Bytes(), 0o644)
}

// A correction changes a property of a resource: in the inputs, the outputs and the lists of required properties.
type correction struct {
	resource, property string
	name               string         // its name in the SDK
	list               bool           // in the SDK, it is a list of what the schema has once
	spec               map[string]any // its type in the SDK; required for a property that the schema does not have
}

var corrections = []correction{
	{resource: "aws:cloudwatch/metricAlarm:MetricAlarm", property: "alarmName", name: "name"},
	{resource: "aws:ec2/securityGroup:SecurityGroup", property: "ingresses", name: "ingress"},
	{resource: "aws:ec2/securityGroup:SecurityGroup", property: "egresses", name: "egress"},
	{resource: "aws:elasticbeanstalk/environment:Environment", property: "versionLabel", name: "version"},
	{resource: "aws:elasticache/replicationGroup:ReplicationGroup", property: "autoMinorVersionUpgrade", spec: scalar("boolean")},
	{resource: "aws:lb/loadBalancer:LoadBalancer", property: "enableZonalShift", spec: scalar("boolean")},
	{resource: "aws:lb/listener:Listener", property: "tcpIdleTimeoutSeconds", spec: scalar("integer")},
	{resource: "aws:lb/targetGroup:TargetGroup", property: "deregistrationDelay", spec: scalar("integer")},
	{resource: "aws:rds/instance:Instance", property: "databaseInsightsMode", spec: scalar("string")},
	{resource: "aws:route53/record:Record", property: "alias", name: "aliases", list: true},
	{resource: "aws:route53/record:Record", property: "failoverRoutingPolicy", name: "failoverRoutingPolicies", list: true},
	{resource: "aws:route53/record:Record", property: "geolocationRoutingPolicy", name: "geolocationRoutingPolicies", list: true},
	{resource: "aws:route53/record:Record", property: "latencyRoutingPolicy", name: "latencyRoutingPolicies", list: true},
	{resource: "aws:route53/record:Record", property: "weightedRoutingPolicy", name: "weightedRoutingPolicies", list: true},
	{resource: "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2", property: "transitionDefaultMinimumObjectSize", spec: scalar("string")},
	{resource: "aws:s3/bucketV2:BucketV2", property: "logging", name: "loggings", list: true},
	{resource: "aws:s3/bucketV2:BucketV2", property: "versioning", name: "versionings", list: true},
	{resource: "aws:s3/bucketV2:BucketV2", property: "website", name: "websites", list: true},
	{resource: "aws:sns/topicSubscription:TopicSubscription", property: "topicArn", name: "topic"},
}

func scalar(t string) map[string]any { return map[string]any{"type": t} }

func (c correction) apply(resources map[string]any) error {
	resource, ok := resources[c.resource].(map[string]any)
	if !ok {
		return fmt.Errorf("correction of %s: no such resource", c.resource)
	}
	for _, part := range []string{"inputProperties", "properties"} {
		properties := resource[part].(map[string]any)
		old, known := properties[c.property].(map[string]any)
		if !known && c.spec == nil {
			return fmt.Errorf("correction of %s: no property %q", c.resource, c.property)
		}
		spec := map[string]any{}
		for k, v := range old {
			spec[k] = v
		}
		for k, v := range c.spec {
			spec[k] = v
		}
		if c.list {
			spec = map[string]any{"type": "array", "items": spec}
		}
		delete(properties, c.property)
		properties[c.newName()] = spec
	}
	for _, part := range []string{"required", "requiredInputs"} {
		names, _ := resource[part].([]any)
		for i, n := range names {
			if n == c.property {
				names[i] = c.newName()
			}
		}
	}
	return nil
}

func (c correction) newName() string {
	if c.name == "" {
		return c.property
	}
	return c.name
}

// strip removes documentation and language details. It removes only strings under the key "description", because a property
// may have that name.
func strip(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			_, isString := value.(string)
			if isString && (key == "description" || key == "deprecationMessage") || key == "language" || key == "stateInputs" {
				continue
			}
			out[key] = strip(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = strip(value)
		}
		return out
	}
	return v
}

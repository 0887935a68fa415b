package api

import (
	"slices"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/services"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

func elb() service {
	return service{protocol: "query", namespace: "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/", actions: map[string]action{
		"DescribeLoadBalancers": describeBalancers,
		"DescribeListeners":     describeListeners,
		"DescribeRules":         describeRules,
		"DescribeTargetGroups":  describeTargetGroups,
		"DescribeTags":          describeBalancingTags,
	}}
}

// byARNOrName returns the region's records of a type that have the ARNs and the names in these parameters. If one does not
// exist, it returns an error with code; what names the type.
func (c *call) byARNOrName(typ, arns, names, code, what string) ([]*cloud.Record, error) {
	wanted := c.list(arns)
	wantedNames := c.list(names)
	records, err := c.inRegion(typ, func(r *cloud.Record) bool { return matches(wanted, r.ID) && matches(wantedNames, r.Name) })
	if err == nil && len(records) < max(len(wanted), len(wantedNames)) {
		err = cloud.Errorf(code, "One or more %s not found", what)
	}
	return records, err
}

func describeBalancers(c *call) (any, error) {
	records, err := c.byARNOrName(services.TypeBalancer, "LoadBalancerArns", "Names", "LoadBalancerNotFound", "load balancers")
	if err != nil {
		return nil, err
	}
	return []node{elements("LoadBalancers", "member", records, func(r *cloud.Record) []node {
		scheme := "internet-facing"
		if r.Outputs.Bool("internal") {
			scheme = "internal"
		}
		return []node{
			leaf("LoadBalancerArn", r.ID), leaf("LoadBalancerName", r.Name), leaf("DNSName", r.Text("dnsName")), leaf("Scheme", scheme),
			leaf("CanonicalHostedZoneId", services.BalancerZone), leaf("VpcId", services.DefaultVPC), leaf("Type", r.Text("loadBalancerType")),
			leaf("CreatedTime", r.Created), element("State", leaf("Code", r.Status)),
			textElements("SecurityGroups", "member", r.Outputs.Texts("securityGroups")),
		}
	})}, nil
}

func describeListeners(c *call) (any, error) {
	records, err := c.byARNOrName(services.TypeListener, "ListenerArns", "", "ListenerNotFound", "listeners")
	if err != nil {
		return nil, err
	}
	lb := c.form.Get("LoadBalancerArn")
	records = slices.DeleteFunc(records, func(r *cloud.Record) bool { return lb != "" && r.Text("loadBalancerArn") != lb })
	return []node{elements("Listeners", "member", records, func(r *cloud.Record) []node {
		return []node{
			leaf("ListenerArn", r.ID), leaf("LoadBalancerArn", r.Text("loadBalancerArn")), leaf("Port", r.Outputs["port"]),
			leaf("Protocol", r.Text("protocol")), leaf("SslPolicy", r.Text("sslPolicy")),
		}
	})}, nil
}

func describeRules(c *call) (any, error) {
	records, err := c.byARNOrName(services.TypeListenerRule, "RuleArns", "", "RuleNotFound", "rules")
	if err != nil {
		return nil, err
	}
	listener := c.form.Get("ListenerArn")
	records = slices.DeleteFunc(records, func(r *cloud.Record) bool { return listener != "" && r.Text("listenerArn") != listener })
	return []node{elements("Rules", "member", records, func(r *cloud.Record) []node {
		var hosts []string
		for _, condition := range r.Outputs.List("conditions") {
			hosts = append(hosts, value.ObjectOf(condition).Object("hostHeader").Texts("values")...)
		}
		return []node{
			leaf("RuleArn", r.ID), leaf("Priority", r.Outputs["priority"]), leaf("IsDefault", false),
			element("Conditions", element("member", leaf("Field", "host-header"), textElements("Values", "member", hosts))),
		}
	})}, nil
}

func describeTargetGroups(c *call) (any, error) {
	records, err := c.byARNOrName(services.TypeTargetGroup, "TargetGroupArns", "Names", "TargetGroupNotFound", "target groups")
	if err != nil {
		return nil, err
	}
	return []node{elements("TargetGroups", "member", records, func(r *cloud.Record) []node {
		return []node{
			leaf("TargetGroupArn", r.ID), leaf("TargetGroupName", r.Name), leaf("Port", r.Outputs["port"]),
			leaf("Protocol", r.Text("protocol")), leaf("VpcId", r.Text("vpcId")), leaf("TargetType", r.Text("targetType")),
		}
	})}, nil
}

func describeBalancingTags(c *call) (any, error) {
	var items []node
	for _, arn := range c.list("ResourceArns") {
		var owner *cloud.Record
		for _, typ := range []string{services.TypeBalancer, services.TypeListener, services.TypeListenerRule, services.TypeTargetGroup} {
			r, err := c.Tx.Get(typ, arn)
			if err != nil {
				return nil, err
			}
			if r != nil {
				owner = r
			}
		}
		if owner == nil {
			return nil, cloud.Errorf("LoadBalancerNotFound", "One or more load balancers not found")
		}
		items = append(items, element("member", leaf("ResourceArn", arn), tagNodes("Tags", "member", "Key", "Value", owner.Tags())))
	}
	return []node{element("TagDescriptions", items...)}, nil
}

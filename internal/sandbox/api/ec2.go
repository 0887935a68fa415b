package api

import (
	"slices"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/services"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

func ec2() service {
	return service{protocol: "ec2", namespace: "http://ec2.amazonaws.com/doc/2016-11-15/", actions: map[string]action{
		"DescribeSecurityGroups":     describeSecurityGroups,
		"DescribeSecurityGroupRules": describeSecurityGroupRules,
		"DescribeVpcs":               describeVPCs,
		"DescribeVpcAttribute":       describeVPCAttribute,
		"DescribeSubnets":            describeSubnets,
	}}
}

// byIDOrFilter returns the region's records of a type that have the ids in the parameter ids and match the call's filters. If
// an id does not exist, it returns an error with code and message. The message has one verb, for the id.
func (c *call) byIDOrFilter(typ, ids, code, message string) ([]*cloud.Record, error) {
	all, err := services.Regional(c.Tx, typ, c.Region)
	if err != nil {
		return nil, err
	}
	wanted := c.list(ids)
	for _, id := range wanted {
		if !slices.ContainsFunc(all, func(r *cloud.Record) bool { return r.ID == id }) {
			return nil, cloud.Errorf(code, message, id)
		}
	}
	return slices.DeleteFunc(all, func(r *cloud.Record) bool {
		for name, values := range c.filters() {
			if !services.MatchesFilter(r, name, values) {
				return true
			}
		}
		return !matches(wanted, r.ID)
	}), nil
}

func describeSecurityGroups(c *call) (any, error) {
	records, err := c.byIDOrFilter(services.TypeSecurityGroup, "GroupId", "InvalidGroup.NotFound", "The security group '%s' does not exist")
	if err != nil {
		return nil, err
	}
	return []node{elements("securityGroupInfo", "item", records, func(r *cloud.Record) []node {
		return []node{
			leaf("ownerId", cloud.Account), leaf("groupId", r.ID), leaf("groupName", r.Name), leaf("groupDescription", r.Text("description")),
			leaf("vpcId", r.Text("vpcId")), tagNodes("tagSet", "item", "key", "value", r.Tags()),
		}
	})}, nil
}

func describeSecurityGroupRules(c *call) (any, error) {
	groups, ids := c.filters()["group-id"], c.list("SecurityGroupRuleId")
	records, err := c.inRegion(services.TypeSecurityGroupRule, func(r *cloud.Record) bool {
		return matches(groups, r.Text("securityGroupId")) && matches(ids, r.Text("securityGroupRuleId"))
	})
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if !slices.ContainsFunc(records, func(r *cloud.Record) bool { return r.Text("securityGroupRuleId") == id }) {
			return nil, cloud.Errorf("InvalidSecurityGroupRuleId.NotFound", "The security group rule ID '%s' does not exist", id)
		}
	}
	var items []node
	add := func(r *cloud.Record, source ...node) {
		items = append(items, element("item", append([]node{
			leaf("securityGroupRuleId", r.Text("securityGroupRuleId")), leaf("groupId", r.Text("securityGroupId")), leaf("groupOwnerId", cloud.Account),
			leaf("isEgress", r.Text("type") == "egress"), leaf("ipProtocol", r.Text("protocol")),
			leaf("fromPort", r.Outputs["fromPort"]), leaf("toPort", r.Outputs["toPort"]), leaf("description", r.Text("description")),
		}, source...)...))
	}
	for _, r := range records {
		for _, cidr := range r.Outputs.Texts("cidrBlocks") {
			add(r, leaf("cidrIpv4", cidr))
		}
		for _, cidr := range r.Outputs.Texts("ipv6CidrBlocks") {
			add(r, leaf("cidrIpv6", cidr))
		}
		source := r.Text("sourceSecurityGroupId")
		if r.Outputs.Bool("self") {
			source = r.Text("securityGroupId")
		}
		if source != "" {
			add(r, element("referencedGroupInfo", leaf("groupId", source), leaf("userId", cloud.Account)))
		}
	}
	return []node{element("securityGroupRuleSet", items...)}, nil
}

func describeVPCs(c *call) (any, error) {
	records, err := c.byIDOrFilter(services.TypeVPC, "VpcId", "InvalidVpcID.NotFound", "The vpc ID '%s' does not exist")
	if err != nil {
		return nil, err
	}
	return []node{elements("vpcSet", "item", records, func(r *cloud.Record) []node {
		return []node{
			leaf("vpcId", r.ID), leaf("state", "available"), leaf("cidrBlock", r.Text("cidrBlock")),
			leaf("isDefault", r.Outputs.Bool("default")), tagNodes("tagSet", "item", "key", "value", r.Tags()),
		}
	})}, nil
}

func describeVPCAttribute(c *call) (any, error) {
	all, err := services.Regional(c.Tx, services.TypeVPC, c.Region)
	if err != nil {
		return nil, err
	}
	id, attribute := c.form.Get("VpcId"), c.form.Get("Attribute")
	if !slices.Contains([]string{"enableDnsHostnames", "enableDnsSupport", "enableNetworkAddressUsageMetrics"}, attribute) {
		return nil, cloud.Errorf("InvalidParameterValue", "Value (%s) for parameter attribute is invalid.", attribute)
	}
	i := slices.IndexFunc(all, func(r *cloud.Record) bool { return r.ID == id })
	if i < 0 {
		return nil, cloud.Errorf("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", id)
	}
	return []node{leaf("vpcId", id), element(attribute, leaf("value", value.Bool(all[i].Outputs[attribute])))}, nil
}

func describeSubnets(c *call) (any, error) {
	records, err := c.byIDOrFilter(services.TypeSubnet, "SubnetId", "InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist")
	if err != nil {
		return nil, err
	}
	return []node{elements("subnetSet", "item", records, func(r *cloud.Record) []node {
		return []node{
			leaf("subnetId", r.ID), leaf("state", "available"), leaf("vpcId", r.Text("vpcId")), leaf("cidrBlock", r.Text("cidrBlock")),
			leaf("availabilityZone", r.Text("availabilityZone")), leaf("defaultForAz", r.Outputs.Bool("defaultForAz")),
			tagNodes("tagSet", "item", "key", "value", r.Tags()),
		}
	})}, nil
}

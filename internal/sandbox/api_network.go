package sandbox

import (
	"slices"

	"github.com/branchenv/branchenv/internal/sandbox/value"
)

func ec2Action(name string) action {
	return map[string]action{
		"DescribeSecurityGroups":     describeSecurityGroups,
		"DescribeSecurityGroupRules": describeSecurityGroupRules,
		"DescribeVpcs":               describeVPCs,
		"DescribeVpcAttribute":       describeVPCAttribute,
		"DescribeSubnets":            describeSubnets,
	}[name]
}

// network lists the region's records of a type that a call asks for by ids or filters. AWS says code and message (one
// verb) about an id that does not exist.
func (c *call) network(typ, ids, code, message string) ([]*record, error) {
	all, err := c.tx.regional(typ, c.region)
	if err != nil {
		return nil, err
	}
	wanted := c.members(ids)
	for _, id := range wanted {
		if !slices.ContainsFunc(all, func(r *record) bool { return r.ID == id }) {
			return nil, awsErrorf(code, message, id)
		}
	}
	return slices.DeleteFunc(all, func(r *record) bool {
		for name, values := range c.filters() {
			if !matchesFilter(r, name, values) {
				return true
			}
		}
		return !matches(wanted, r.ID)
	}), nil
}

func describeSecurityGroups(c *call) (any, error) {
	records, err := c.network(typeSecurityGroup, "GroupId", "InvalidGroup.NotFound", "The security group '%s' does not exist")
	if err != nil {
		return nil, err
	}
	return []node{many("securityGroupInfo", "item", records, func(r *record) []node {
		return []node{
			leaf("ownerId", account), leaf("groupId", r.ID), leaf("groupName", r.Name), leaf("groupDescription", r.str("description")),
			leaf("vpcId", r.str("vpcId")), tagNodes("tagSet", "item", "key", "value", r.tags()),
		}
	})}, nil
}

func describeSecurityGroupRules(c *call) (any, error) {
	groups, ids := c.filters()["group-id"], c.members("SecurityGroupRuleId")
	records, err := c.here(typeSecurityGroupRule, func(r *record) bool {
		return matches(groups, r.str("securityGroupId")) && matches(ids, r.str("securityGroupRuleId"))
	})
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if !slices.ContainsFunc(records, func(r *record) bool { return r.str("securityGroupRuleId") == id }) {
			return nil, awsErrorf("InvalidSecurityGroupRuleId.NotFound", "The security group rule ID '%s' does not exist", id)
		}
	}
	var items []node
	add := func(r *record, source ...node) {
		items = append(items, el("item", append([]node{
			leaf("securityGroupRuleId", r.str("securityGroupRuleId")), leaf("groupId", r.str("securityGroupId")), leaf("groupOwnerId", account),
			leaf("isEgress", r.str("type") == "egress"), leaf("ipProtocol", r.str("protocol")),
			leaf("fromPort", r.Outputs["fromPort"]), leaf("toPort", r.Outputs["toPort"]), leaf("description", r.str("description")),
		}, source...)...))
	}
	for _, r := range records {
		for _, cidr := range r.Outputs.Texts("cidrBlocks") {
			add(r, leaf("cidrIpv4", cidr))
		}
		for _, cidr := range r.Outputs.Texts("ipv6CidrBlocks") {
			add(r, leaf("cidrIpv6", cidr))
		}
		source := r.str("sourceSecurityGroupId")
		if r.Outputs.Bool("self") {
			source = r.str("securityGroupId")
		}
		if source != "" {
			add(r, el("referencedGroupInfo", leaf("groupId", source), leaf("userId", account)))
		}
	}
	return []node{el("securityGroupRuleSet", items...)}, nil
}

func describeVPCs(c *call) (any, error) {
	records, err := c.network(typeVPC, "VpcId", "InvalidVpcID.NotFound", "The vpc ID '%s' does not exist")
	if err != nil {
		return nil, err
	}
	return []node{many("vpcSet", "item", records, func(r *record) []node {
		return []node{
			leaf("vpcId", r.ID), leaf("state", "available"), leaf("cidrBlock", r.str("cidrBlock")),
			leaf("isDefault", r.Outputs.Bool("default")), tagNodes("tagSet", "item", "key", "value", r.tags()),
		}
	})}, nil
}

func describeVPCAttribute(c *call) (any, error) {
	all, err := c.tx.regional(typeVPC, c.region)
	if err != nil {
		return nil, err
	}
	id, attribute := c.form.Get("VpcId"), c.form.Get("Attribute")
	if !slices.Contains([]string{"enableDnsHostnames", "enableDnsSupport", "enableNetworkAddressUsageMetrics"}, attribute) {
		return nil, awsErrorf("InvalidParameterValue", "Value (%s) for parameter attribute is invalid.", attribute)
	}
	i := slices.IndexFunc(all, func(r *record) bool { return r.ID == id })
	if i < 0 {
		return nil, awsErrorf("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", id)
	}
	return []node{leaf("vpcId", id), el(attribute, leaf("value", value.Bool(all[i].Outputs[attribute])))}, nil
}

func describeSubnets(c *call) (any, error) {
	records, err := c.network(typeSubnet, "SubnetId", "InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist")
	if err != nil {
		return nil, err
	}
	return []node{many("subnetSet", "item", records, func(r *record) []node {
		return []node{
			leaf("subnetId", r.ID), leaf("state", "available"), leaf("vpcId", r.str("vpcId")), leaf("cidrBlock", r.str("cidrBlock")),
			leaf("availabilityZone", r.str("availabilityZone")), leaf("defaultForAz", r.Outputs.Bool("defaultForAz")),
			tagNodes("tagSet", "item", "key", "value", r.tags()),
		}
	})}, nil
}

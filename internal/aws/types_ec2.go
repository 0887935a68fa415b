package aws

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

var ec2Types = []Type{
	{
		Token: "aws:ec2/securityGroup:SecurityGroup", Noun: "security group", pace: quick,
		describe: (*Client).describeSecurityGroup, find: (*Client).findSecurityGroup,
		arn: arnForm{service: "ec2", kind: "security-group"},
	},
	{
		Token: "aws:ec2/securityGroupRule:SecurityGroupRule", Noun: "security group rule", pace: quick,
		describe: (*Client).describeSecurityGroupRule, find: (*Client).findSecurityGroupRule,
		arn: arnForm{service: "ec2", kind: "security-group-rule", resource: func(_, name string) Resource {
			return Resource{ID: name, Name: name, Inputs: map[string]any{"securityGroupRuleId": name}}
		}},
	},
}

func (c *Client) describeSecurityGroup(ctx context.Context, r Resource) (answer, error) {
	ids, err := c.ec2.securityGroup(ctx, r.ID)
	return answer{state: existsIf(len(ids) > 0).state, gone: []string{"InvalidGroup.NotFound"}}, err
}

func (c *Client) findSecurityGroup(ctx context.Context, r Resource) (Found, []string, error) {
	var out struct {
		Groups []struct {
			ID   string `xml:"groupId"`
			Tags []struct {
				Key   string `xml:"key"`
				Value string `xml:"value"`
			} `xml:"tagSet>item"`
		} `xml:"securityGroupInfo>item"`
	}
	params := url.Values{"Filter.1.Name": {"group-name"}, "Filter.1.Value.1": {r.text("name")}}
	if vpc := r.text("vpcId"); vpc != "" {
		params.Set("Filter.2.Name", "vpc-id")
		params.Set("Filter.2.Value.1", vpc)
	}
	if err := c.ec2.call(ctx, "DescribeSecurityGroups", params, &out); err != nil || len(out.Groups) == 0 {
		return Found{}, []string{"InvalidGroup.NotFound"}, err
	}
	tags := map[string]string{}
	for _, t := range out.Groups[0].Tags {
		tags[t.Key] = t.Value
	}
	return Found{ID: out.Groups[0].ID, Tags: tags}, nil, nil
}

// describeSecurityGroupRule asks by AWS's id, which is known only for a rule with a single source; the provider's id is a hash.
// Without AWS's id it asks for the group, because a rule goes with its group.
func (c *Client) describeSecurityGroupRule(ctx context.Context, r Resource) (answer, error) {
	if id := r.text("securityGroupRuleId"); id != "" {
		ids, err := c.ec2.securityGroupRule(ctx, id)
		return answer{state: existsIf(len(ids) > 0).state, gone: []string{"InvalidSecurityGroupRuleId.NotFound", "InvalidGroup.NotFound"}}, err
	}
	group := r.text("securityGroupId")
	if group == "" {
		return answer{}, missing("securityGroupId")
	}
	ids, err := c.ec2.securityGroup(ctx, group)
	if err == nil && len(ids) > 0 {
		return answer{state: Unknown, note: "its security group still exists, and the rule has no id of its own"}, nil
	}
	return answer{state: Gone, gone: []string{"InvalidGroup.NotFound"}}, err
}

// findSecurityGroupRule finds a rule by what it allows: one in our group that allows the same is ours. Its id is the one for the
// provider's import, for instance sg-1_ingress_tcp_80_80_sg-2.
// https://registry.terraform.io/providers/hashicorp/aws/5.68.0/docs/resources/security_group_rule#import
func (c *Client) findSecurityGroupRule(ctx context.Context, r Resource) (Found, []string, error) {
	var out struct {
		Rules []struct {
			Egress   bool    `xml:"isEgress"`
			Protocol string  `xml:"ipProtocol"`
			From     float64 `xml:"fromPort"`
			To       float64 `xml:"toPort"`
			CIDR     string  `xml:"cidrIpv4"` // IPv6 rules come with one of these
			Source   string  `xml:"referencedGroupInfo>groupId"`
		} `xml:"securityGroupRuleSet>item"`
	}
	group := r.text("securityGroupId")
	err := c.ec2.call(ctx, "DescribeSecurityGroupRules", url.Values{"Filter.1.Name": {"group-id"}, "Filter.1.Value.1": {group}}, &out)
	if err != nil {
		return Found{}, []string{"InvalidGroup.NotFound"}, err
	}
	protocol := r.text("protocol")
	var sources []string
	for _, property := range []string{"cidrBlocks", "ipv6CidrBlocks"} {
		list, _ := r.Inputs[property].([]any)
		for _, v := range list {
			text, _ := v.(string)
			sources = append(sources, text)
		}
	}
	if s := r.text("sourceSecurityGroupId"); s != "" {
		sources = append(sources, s)
	}
	from, _ := r.Inputs["fromPort"].(float64)
	to, _ := r.Inputs["toPort"].(float64)
	for _, x := range out.Rules {
		all := protocol == "-1" && x.Protocol == "-1" // AWS stores no ports for all protocols
		same := x.Egress == (r.text("type") == "egress") && (all || x.Protocol == protocol && x.From == from && x.To == to)
		if same && (slices.Contains(sources, x.CIDR) || slices.Contains(sources, x.Source)) {
			id := fmt.Sprintf("%s_%s_%s_%.0f_%.0f_%s", group, r.text("type"), strings.Replace(protocol, "-1", "all", 1), from, to, strings.Join(sources, "_"))
			return Found{ID: id, Untagged: true}, nil, nil
		}
	}
	return Found{}, nil, nil
}

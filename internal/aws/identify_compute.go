package aws

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	beanstalktypes "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

func (c *Client) findEnvironment(ctx context.Context, r Resource) (Identity, []string, error) {
	row, err := c.environmentRow(ctx, r.text("name"))
	if err != nil || row == nil {
		return Identity{}, nil, err
	}
	tags, err := c.beanstalkTags(ctx, awssdk.ToString(row.EnvironmentArn))
	return Identity{ID: awssdk.ToString(row.EnvironmentId), Tags: tags}, nil, err
}

func (c *Client) findApplication(ctx context.Context, r Resource) (Identity, []string, error) {
	out, err := c.beans().DescribeApplications(ctx, &elasticbeanstalk.DescribeApplicationsInput{ApplicationNames: []string{r.text("name")}})
	if err != nil || len(out.Applications) == 0 {
		return Identity{}, nil, err
	}
	tags, err := c.beanstalkTags(ctx, awssdk.ToString(out.Applications[0].ApplicationArn))
	return Identity{ID: r.text("name"), Tags: tags}, nil, err
}

func (c *Client) beanstalkTags(ctx context.Context, arn string) (map[string]string, error) {
	out, err := c.beans().ListTagsForResource(ctx, &elasticbeanstalk.ListTagsForResourceInput{ResourceArn: &arn})
	if err != nil {
		return nil, err
	}
	return tagMap(out.ResourceTags, func(t beanstalktypes.Tag) (key, value *string) { return t.Key, t.Value }), nil
}

// DiscardVersion deletes an application version that an interrupted run may have made, because the provider cannot
// import one and cannot make one that exists. It deletes only a version whose bundle lies below prefix; a missing one
// is fine. The bundle stays.
func (c *Client) DiscardVersion(ctx context.Context, application, label, prefix string) error {
	info, found, err := c.ApplicationVersion(ctx, application, label)
	if err != nil || !found || !strings.HasPrefix(info.Key, prefix) {
		return err
	}
	_, err = c.beans().DeleteApplicationVersion(ctx, &elasticbeanstalk.DeleteApplicationVersionInput{ApplicationName: &application, VersionLabel: &label})
	if err != nil {
		return failed(err, "delete version %q of application %q, which an interrupted run made", label, application)
	}
	return nil
}

func (c *Client) findLoadBalancer(ctx context.Context, r Resource) (Identity, []string, error) {
	out, err := c.elb().DescribeLoadBalancers(ctx, &elasticloadbalancingv2.DescribeLoadBalancersInput{Names: []string{r.text("name")}})
	if err != nil || len(out.LoadBalancers) == 0 {
		return Identity{}, []string{"LoadBalancerNotFound"}, err
	}
	return c.balancerTags(ctx, awssdk.ToString(out.LoadBalancers[0].LoadBalancerArn))
}

func (c *Client) findListener(ctx context.Context, r Resource) (Identity, []string, error) {
	port, _ := r.Inputs["port"].(float64) // a JSON number in the state
	balancer := r.text("loadBalancerArn")
	out, err := c.elb().DescribeListeners(ctx, &elasticloadbalancingv2.DescribeListenersInput{LoadBalancerArn: &balancer})
	if err != nil {
		return Identity{}, []string{"ListenerNotFound", "LoadBalancerNotFound"}, err
	}
	for _, l := range out.Listeners {
		if awssdk.ToInt32(l.Port) == int32(port) {
			return c.balancerTags(ctx, awssdk.ToString(l.ListenerArn))
		}
	}
	return Identity{}, nil, nil
}

func (c *Client) balancerTags(ctx context.Context, arn string) (Identity, []string, error) {
	out, err := c.elb().DescribeTags(ctx, &elasticloadbalancingv2.DescribeTagsInput{ResourceArns: []string{arn}})
	if err != nil {
		return Identity{}, nil, err
	}
	found := Identity{ID: arn}
	for _, d := range out.TagDescriptions { // one, for the one ARN
		found.Tags = tagMap(d.Tags, func(t elbtypes.Tag) (key, value *string) { return t.Key, t.Value })
	}
	return found, nil, nil
}

func (c *Client) findSecurityGroup(ctx context.Context, r Resource) (Identity, []string, error) {
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
		return Identity{}, []string{"InvalidGroup.NotFound"}, err
	}
	tags := map[string]string{}
	for _, t := range out.Groups[0].Tags {
		tags[t.Key] = t.Value
	}
	return Identity{ID: out.Groups[0].ID, Tags: tags}, nil, nil
}

// A rule is what it allows: one in our group that allows the same is ours. Its id is what the provider imports it by,
// for instance sg-1_ingress_tcp_80_80_sg-2.
// https://registry.terraform.io/providers/hashicorp/aws/5.68.0/docs/resources/security_group_rule#import
func (c *Client) findSecurityGroupRule(ctx context.Context, r Resource) (Identity, []string, error) {
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
		return Identity{}, []string{"InvalidGroup.NotFound"}, err
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
		all := protocol == "-1" && x.Protocol == "-1" // AWS keeps no ports for all protocols
		same := x.Egress == (r.text("type") == "egress") && (all || x.Protocol == protocol && x.From == from && x.To == to)
		if same && (slices.Contains(sources, x.CIDR) || slices.Contains(sources, x.Source)) {
			id := fmt.Sprintf("%s_%s_%s_%.0f_%.0f_%s", group, r.text("type"), strings.Replace(protocol, "-1", "all", 1), from, to, strings.Join(sources, "_"))
			return Identity{ID: id, Untagged: true}, nil, nil
		}
	}
	return Identity{}, nil, nil
}

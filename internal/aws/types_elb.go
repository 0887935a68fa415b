package aws

import (
	"context"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

var elbTypes = []Type{
	{
		Token: "aws:lb/loadBalancer:LoadBalancer", Noun: "load balancer", pace: slow,
		describe: (*Client).describeLoadBalancer, find: (*Client).findLoadBalancer,
		arn: arnForm{service: "elasticloadbalancing", kind: "loadbalancer", resource: byARN},
	},
	{
		Token: "aws:lb/listener:Listener", Noun: "listener", pace: quick,
		describe: (*Client).describeListener, find: (*Client).findListener,
		arn: arnForm{service: "elasticloadbalancing", kind: "listener", resource: byARN},
	},
	{
		Token: "aws:lb/listenerRule:ListenerRule", Noun: "listener rule", pace: quick,
		describe: (*Client).describeListenerRule, find: (*Client).notImported,
		arn: arnForm{service: "elasticloadbalancing", kind: "listener-rule", resource: byARN},
	},
	{
		Token: "aws:lb/targetGroup:TargetGroup", Noun: "target group", pace: quick,
		describe: (*Client).describeTargetGroup, find: (*Client).notImported,
		arn: arnForm{service: "elasticloadbalancing", kind: "targetgroup", resource: byARN},
	},
}

func (c *Client) describeLoadBalancer(ctx context.Context, r Resource) (answer, error) {
	out, err := c.elb().DescribeLoadBalancers(ctx, &elasticloadbalancingv2.DescribeLoadBalancersInput{LoadBalancerArns: []string{r.name("arn")}})
	if err != nil {
		return goneIf("LoadBalancerNotFound"), err
	}
	return existsIf(len(out.LoadBalancers) > 0), nil
}

func (c *Client) findLoadBalancer(ctx context.Context, r Resource) (Found, []string, error) {
	out, err := c.elb().DescribeLoadBalancers(ctx, &elasticloadbalancingv2.DescribeLoadBalancersInput{Names: []string{r.text("name")}})
	if err != nil || len(out.LoadBalancers) == 0 {
		return Found{}, []string{"LoadBalancerNotFound"}, err
	}
	return c.balancerTags(ctx, awssdk.ToString(out.LoadBalancers[0].LoadBalancerArn))
}

func (c *Client) describeListener(ctx context.Context, r Resource) (answer, error) {
	out, err := c.elb().DescribeListeners(ctx, &elasticloadbalancingv2.DescribeListenersInput{ListenerArns: []string{r.name("arn")}})
	if err != nil {
		return goneIf("ListenerNotFound", "LoadBalancerNotFound"), err
	}
	return existsIf(len(out.Listeners) > 0), nil
}

func (c *Client) findListener(ctx context.Context, r Resource) (Found, []string, error) {
	port, _ := r.Inputs["port"].(float64) // a JSON number in the state
	balancer := r.text("loadBalancerArn")
	out, err := c.elb().DescribeListeners(ctx, &elasticloadbalancingv2.DescribeListenersInput{LoadBalancerArn: &balancer})
	if err != nil {
		return Found{}, []string{"ListenerNotFound", "LoadBalancerNotFound"}, err
	}
	for _, l := range out.Listeners {
		if awssdk.ToInt32(l.Port) == int32(port) {
			return c.balancerTags(ctx, awssdk.ToString(l.ListenerArn))
		}
	}
	return Found{}, nil, nil
}

func (c *Client) describeListenerRule(ctx context.Context, r Resource) (answer, error) {
	out, err := c.elb().DescribeRules(ctx, &elasticloadbalancingv2.DescribeRulesInput{RuleArns: []string{r.name("arn")}})
	if err != nil {
		return goneIf("RuleNotFound", "ListenerNotFound"), err
	}
	return existsIf(len(out.Rules) > 0), nil
}

func (c *Client) describeTargetGroup(ctx context.Context, r Resource) (answer, error) {
	out, err := c.elb().DescribeTargetGroups(ctx, &elasticloadbalancingv2.DescribeTargetGroupsInput{TargetGroupArns: []string{r.name("arn")}})
	if err != nil {
		return goneIf("TargetGroupNotFound"), err
	}
	return existsIf(len(out.TargetGroups) > 0), nil
}

func (c *Client) balancerTags(ctx context.Context, arn string) (Found, []string, error) {
	out, err := c.elb().DescribeTags(ctx, &elasticloadbalancingv2.DescribeTagsInput{ResourceArns: []string{arn}})
	if err != nil {
		return Found{}, nil, err
	}
	found := Found{ID: arn}
	for _, d := range out.TagDescriptions { // one, for the one ARN
		found.Tags = tagMap(d.Tags, func(t elbtypes.Tag) (key, value *string) { return t.Key, t.Value })
	}
	return found, nil, nil
}

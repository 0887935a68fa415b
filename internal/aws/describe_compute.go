package aws

import (
	"context"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	beans "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"github.com/branchenv/branchenv/internal/text"
)

// A terminated environment stays in the list for an hour or more. Its ARN tells its name, and not its id.
func (c *Client) environment(ctx context.Context, r Resource) (answer, error) {
	in := &elasticbeanstalk.DescribeEnvironmentsInput{EnvironmentIds: []string{r.ID}}
	own := func(e beans.EnvironmentDescription) bool { return awssdk.ToString(e.EnvironmentId) == r.ID }
	if r.ID == "" {
		in = &elasticbeanstalk.DescribeEnvironmentsInput{EnvironmentNames: []string{r.Name}}
		own = func(e beans.EnvironmentDescription) bool { return awssdk.ToString(e.EnvironmentName) == r.Name }
	}
	out, err := c.beans().DescribeEnvironments(ctx, in)
	if err != nil {
		return answer{}, err
	}
	for _, e := range out.Environments {
		if !own(e) || e.Status == beans.EnvironmentStatusTerminated {
			continue
		}
		a := answer{state: Exists}
		if e.Status != beans.EnvironmentStatusReady {
			a.note = text.Line(strings.ToLower(string(e.Status)))
		}
		return a, nil
	}
	return there(false), nil
}

func (c *Client) application(ctx context.Context, r Resource) (answer, error) {
	out, err := c.beans().DescribeApplications(ctx, &elasticbeanstalk.DescribeApplicationsInput{ApplicationNames: []string{r.name("name")}})
	if err != nil {
		return answer{}, err
	}
	return there(len(out.Applications) > 0), nil
}

func (c *Client) applicationVersion(ctx context.Context, r Resource) (answer, error) {
	application := r.text("application")
	if application == "" {
		return answer{}, missing("application")
	}
	_, found, err := c.ApplicationVersion(ctx, application, r.name("name"))
	return there(found), err
}

func (c *Client) loadBalancer(ctx context.Context, r Resource) (answer, error) {
	out, err := c.elb().DescribeLoadBalancers(ctx, &elasticloadbalancingv2.DescribeLoadBalancersInput{LoadBalancerArns: []string{r.name("arn")}})
	if err != nil {
		return goneIf("LoadBalancerNotFound"), err
	}
	return there(len(out.LoadBalancers) > 0), nil
}

func (c *Client) listener(ctx context.Context, r Resource) (answer, error) {
	out, err := c.elb().DescribeListeners(ctx, &elasticloadbalancingv2.DescribeListenersInput{ListenerArns: []string{r.name("arn")}})
	if err != nil {
		return goneIf("ListenerNotFound", "LoadBalancerNotFound"), err
	}
	return there(len(out.Listeners) > 0), nil
}

func (c *Client) listenerRule(ctx context.Context, r Resource) (answer, error) {
	out, err := c.elb().DescribeRules(ctx, &elasticloadbalancingv2.DescribeRulesInput{RuleArns: []string{r.name("arn")}})
	if err != nil {
		return goneIf("RuleNotFound", "ListenerNotFound"), err
	}
	return there(len(out.Rules) > 0), nil
}

func (c *Client) targetGroup(ctx context.Context, r Resource) (answer, error) {
	out, err := c.elb().DescribeTargetGroups(ctx, &elasticloadbalancingv2.DescribeTargetGroupsInput{TargetGroupArns: []string{r.name("arn")}})
	if err != nil {
		return goneIf("TargetGroupNotFound"), err
	}
	return there(len(out.TargetGroups) > 0), nil
}

func (c *Client) securityGroup(ctx context.Context, r Resource) (answer, error) {
	ids, err := c.ec2.securityGroup(ctx, r.ID)
	return answer{state: there(len(ids) > 0).state, gone: []string{"InvalidGroup.NotFound"}}, err
}

// A rule goes with its group. The provider's id is a hash; AWS's own is known only for a rule with a single source.
func (c *Client) securityGroupRule(ctx context.Context, r Resource) (answer, error) {
	if id := r.text("securityGroupRuleId"); id != "" {
		ids, err := c.ec2.securityGroupRule(ctx, id)
		return answer{state: there(len(ids) > 0).state, gone: []string{"InvalidSecurityGroupRuleId.NotFound", "InvalidGroup.NotFound"}}, err
	}
	group := r.text("securityGroupId")
	if group == "" {
		return answer{}, missing("securityGroupId")
	}
	ids, err := c.ec2.securityGroup(ctx, group)
	if err == nil && len(ids) > 0 {
		return answer{state: Unknown, note: "its security group is still there, and the rule has no id of its own"}, nil
	}
	return answer{state: Gone, gone: []string{"InvalidGroup.NotFound"}}, err
}

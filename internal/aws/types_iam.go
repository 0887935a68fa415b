package aws

import (
	"context"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

var iamTypes = []Type{
	{
		Token: "aws:iam/role:Role", Noun: "role", pace: quick,
		describe: (*Client).describeRole, find: (*Client).findRole,
		arn: arnForm{service: "iam", kind: "role", resource: afterPath},
	},
	{
		Token: "aws:iam/rolePolicy:RolePolicy", Noun: "role policy", pace: quick,
		describe: (*Client).describeRolePolicy, find: (*Client).findRolePolicy,
	},
	{
		Token: "aws:iam/rolePolicyAttachment:RolePolicyAttachment", Noun: "role policy", pace: quick,
		describe: (*Client).describeRolePolicyAttachment, find: (*Client).findRolePolicyAttachment,
	},
	{
		Token: "aws:iam/instanceProfile:InstanceProfile", Noun: "instance profile", pace: quick,
		describe: (*Client).describeInstanceProfile, find: (*Client).findInstanceProfile,
		arn: arnForm{service: "iam", kind: "instance-profile", resource: afterPath},
	},
}

// afterPath returns the resource whose name follows a path: PATH/NAME or NAME.
func afterPath(_, rest string) Resource {
	return Resource{ID: rest[strings.LastIndexByte(rest, '/')+1:], Name: rest}
}

func (c *Client) describeRole(ctx context.Context, r Resource) (answer, error) {
	_, err := c.iam().GetRole(ctx, &iam.GetRoleInput{RoleName: awssdk.String(r.name("name"))})
	return answer{state: Exists, gone: []string{"NoSuchEntity"}}, err
}

func (c *Client) findRole(ctx context.Context, r Resource) (Found, []string, error) {
	out, err := c.iam().GetRole(ctx, &iam.GetRoleInput{RoleName: awssdk.String(r.text("name"))})
	if err != nil {
		return Found{}, []string{"NoSuchEntity"}, err
	}
	tags := tagMap(out.Role.Tags, func(t iamtypes.Tag) (key, value *string) { return t.Key, t.Value })
	return Found{ID: r.text("name"), Tags: tags}, nil, nil
}

// describeRolePolicy asks for an inline policy. The provider's id is ROLE:POLICY.
func (c *Client) describeRolePolicy(ctx context.Context, r Resource) (answer, error) {
	role, policy, _ := strings.Cut(r.ID, ":")
	if role == "" || policy == "" {
		role, policy = r.text("role"), r.text("name")
	}
	if role == "" || policy == "" {
		return answer{}, missing("role", "name")
	}
	_, err := c.iam().GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &role, PolicyName: &policy})
	return answer{state: Exists, gone: []string{"NoSuchEntity"}}, err
}

// findRolePolicy finds an inline policy, which has no tags: the role is ours. A policy that is missing in the state would keep
// the role from being deleted.
func (c *Client) findRolePolicy(ctx context.Context, r Resource) (Found, []string, error) {
	id := r.text("role") + ":" + r.text("name")
	a, err := c.describeRolePolicy(ctx, Resource{ID: id})
	if err != nil || a.state != Exists {
		return Found{}, a.gone, err
	}
	return Found{ID: id, Untagged: true}, nil, nil
}

func (c *Client) describeRolePolicyAttachment(ctx context.Context, r Resource) (answer, error) {
	role, policy := r.text("role"), r.text("policyArn")
	if role == "" || policy == "" {
		return answer{}, missing("role", "policyArn")
	}
	pages := iam.NewListAttachedRolePoliciesPaginator(c.iam(), &iam.ListAttachedRolePoliciesInput{RoleName: &role})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return goneIf("NoSuchEntity"), err
		}
		for _, p := range page.AttachedPolicies {
			if awssdk.ToString(p.PolicyArn) == policy {
				return existsIf(true), nil
			}
		}
	}
	return existsIf(false), nil
}

// findRolePolicyAttachment returns ROLE/POLICY-ARN as the id, as the provider's import needs it.
// https://registry.terraform.io/providers/hashicorp/aws/5.68.0/docs/resources/iam_role_policy_attachment#import
func (c *Client) findRolePolicyAttachment(ctx context.Context, r Resource) (Found, []string, error) {
	a, err := c.describeRolePolicyAttachment(ctx, r)
	if err != nil || a.state != Exists {
		return Found{}, a.gone, err
	}
	return Found{ID: r.text("role") + "/" + r.text("policyArn"), Untagged: true}, nil, nil
}

func (c *Client) describeInstanceProfile(ctx context.Context, r Resource) (answer, error) {
	_, err := c.iam().GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: awssdk.String(r.name("name"))})
	return answer{state: Exists, gone: []string{"NoSuchEntity"}}, err
}

func (c *Client) findInstanceProfile(ctx context.Context, r Resource) (Found, []string, error) {
	out, err := c.iam().GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: awssdk.String(r.text("name"))})
	if err != nil {
		return Found{}, []string{"NoSuchEntity"}, err
	}
	tags := tagMap(out.InstanceProfile.Tags, func(t iamtypes.Tag) (key, value *string) { return t.Key, t.Value })
	return Found{ID: r.text("name"), Tags: tags}, nil, nil
}

package aws

import (
	"context"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

func (c *Client) secret(ctx context.Context, r Resource) (answer, error) {
	_, a, err := c.describeSecret(ctx, r.name("arn"))
	return a, err
}

// The provider's id of a version is the secret's ARN, a bar, and the version's id.
func (c *Client) secretVersion(ctx context.Context, r Resource) (answer, error) {
	secret, id, _ := strings.Cut(r.ID, "|")
	if s := r.text("secretId"); s != "" {
		secret = s
	}
	if v := r.text("versionId"); v != "" {
		id = v
	}
	if secret == "" || id == "" {
		return answer{}, missing("secretId", "versionId")
	}
	versions, a, err := c.describeSecret(ctx, secret)
	if err != nil || a.state == Gone {
		return a, err
	}
	_, ok := versions[id]
	return there(ok), nil
}

// describeSecret is a secret's versions and whether it is there: one that is scheduled for deletion counts as gone.
func (c *Client) describeSecret(ctx context.Context, id string) (map[string][]string, answer, error) {
	out, err := c.secrets().DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &id})
	if err != nil {
		return nil, goneIf("ResourceNotFoundException"), err
	}
	if out.DeletedDate != nil {
		return nil, answer{state: Gone, note: "scheduled for deletion; it can be restored until then"}, nil
	}
	return out.VersionIdsToStages, there(true), nil
}

func (c *Client) role(ctx context.Context, r Resource) (answer, error) {
	_, err := c.iam().GetRole(ctx, &iam.GetRoleInput{RoleName: awssdk.String(r.name("name"))})
	return answer{state: Exists, gone: []string{"NoSuchEntity"}}, err
}

// The provider's id of an inline policy is the role's name, a colon, and the policy's.
func (c *Client) rolePolicy(ctx context.Context, r Resource) (answer, error) {
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

func (c *Client) rolePolicyAttachment(ctx context.Context, r Resource) (answer, error) {
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
				return there(true), nil
			}
		}
	}
	return there(false), nil
}

func (c *Client) instanceProfile(ctx context.Context, r Resource) (answer, error) {
	_, err := c.iam().GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: awssdk.String(r.name("name"))})
	return answer{state: Exists, gone: []string{"NoSuchEntity"}}, err
}

// A validation is no resource of AWS; it goes with its certificate.
func (c *Client) certificate(ctx context.Context, r Resource) (answer, error) {
	arn := r.name("certificateArn", "arn")
	_, err := c.acm().DescribeCertificate(ctx, &acm.DescribeCertificateInput{CertificateArn: &arn})
	return answer{state: Exists, gone: []string{"ResourceNotFoundException"}}, err
}

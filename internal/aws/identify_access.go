package aws

import (
	"context"
	"slices"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	acmtypes "github.com/aws/aws-sdk-go-v2/service/acm/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	secretstypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
)

func (c *Client) findSecret(ctx context.Context, r Resource) (Identity, []string, error) {
	out, err := c.secrets().DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: awssdk.String(r.text("name"))})
	if err != nil || out.DeletedDate != nil {
		return Identity{}, []string{"ResourceNotFoundException"}, err
	}
	tags := tagMap(out.Tags, func(t secretstypes.Tag) (key, value *string) { return t.Key, t.Value })
	return Identity{ID: awssdk.ToString(out.ARN), Tags: tags}, nil, nil
}

// A secret that is ours has no other versions than ours. What the current one holds is read when it is imported.
func (c *Client) findSecretVersion(ctx context.Context, r Resource) (Identity, []string, error) {
	out, err := c.secrets().DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: awssdk.String(r.text("secretId"))})
	if err != nil {
		return Identity{}, []string{"ResourceNotFoundException"}, err
	}
	for version, stages := range out.VersionIdsToStages {
		if slices.Contains(stages, "AWSCURRENT") {
			return Identity{ID: awssdk.ToString(out.ARN) + "|" + version, Untagged: true}, nil, nil
		}
	}
	return Identity{}, nil, nil
}

func (c *Client) findRole(ctx context.Context, r Resource) (Identity, []string, error) {
	out, err := c.iam().GetRole(ctx, &iam.GetRoleInput{RoleName: awssdk.String(r.text("name"))})
	if err != nil {
		return Identity{}, []string{"NoSuchEntity"}, err
	}
	tags := tagMap(out.Role.Tags, func(t iamtypes.Tag) (key, value *string) { return t.Key, t.Value })
	return Identity{ID: r.text("name"), Tags: tags}, nil, nil
}

// A role's policies have no tags; the role is ours. One that the state does not know keeps the role from being deleted.
func (c *Client) findRolePolicy(ctx context.Context, r Resource) (Identity, []string, error) {
	id := r.text("role") + ":" + r.text("name")
	a, err := c.rolePolicy(ctx, Resource{ID: id})
	if err != nil || a.state != Exists {
		return Identity{}, a.gone, err
	}
	return Identity{ID: id, Untagged: true}, nil, nil
}

// The provider imports an attachment by ROLE/POLICY-ARN.
// https://registry.terraform.io/providers/hashicorp/aws/5.68.0/docs/resources/iam_role_policy_attachment#import
func (c *Client) findRolePolicyAttachment(ctx context.Context, r Resource) (Identity, []string, error) {
	a, err := c.rolePolicyAttachment(ctx, r)
	if err != nil || a.state != Exists {
		return Identity{}, a.gone, err
	}
	return Identity{ID: r.text("role") + "/" + r.text("policyArn"), Untagged: true}, nil, nil
}

func (c *Client) findInstanceProfile(ctx context.Context, r Resource) (Identity, []string, error) {
	out, err := c.iam().GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: awssdk.String(r.text("name"))})
	if err != nil {
		return Identity{}, []string{"NoSuchEntity"}, err
	}
	tags := tagMap(out.InstanceProfile.Tags, func(t iamtypes.Tag) (key, value *string) { return t.Key, t.Value })
	return Identity{ID: r.text("name"), Tags: tags}, nil, nil
}

// A certificate has no name: it is looked for by its domain, and then by our tags.
func (c *Client) findCertificate(ctx context.Context, r Resource) (Identity, []string, error) {
	domain := r.text("domainName")
	pages := acm.NewListCertificatesPaginator(c.acm(), &acm.ListCertificatesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return Identity{}, nil, err
		}
		for _, s := range page.CertificateSummaryList {
			if awssdk.ToString(s.DomainName) != domain {
				continue
			}
			out, err := c.acm().ListTagsForCertificate(ctx, &acm.ListTagsForCertificateInput{CertificateArn: s.CertificateArn})
			if err != nil {
				return Identity{}, []string{"ResourceNotFoundException"}, err
			}
			tags := tagMap(out.Tags, func(t acmtypes.Tag) (key, value *string) { return t.Key, t.Value })
			if want, _ := r.Inputs["tagsAll"].(map[string]any); len(tags) > 0 && (want == nil || want["branchenv:project"] == tags["branchenv:project"]) {
				return Identity{ID: awssdk.ToString(s.CertificateArn), Tags: tags}, nil, nil
			}
		}
	}
	return Identity{}, nil, nil
}

// IssuedCertificate is the ARN of a certificate for domain that is valid and does not carry all of the tags; "" for none.
func (c *Client) IssuedCertificate(ctx context.Context, domain string, tags map[string]string) (string, error) {
	pages := acm.NewListCertificatesPaginator(c.acm(), &acm.ListCertificatesInput{CertificateStatuses: []acmtypes.CertificateStatus{acmtypes.CertificateStatusIssued}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", failed(err, "list the certificates")
		}
		for _, s := range page.CertificateSummaryList {
			if awssdk.ToString(s.DomainName) != domain {
				continue
			}
			out, err := c.acm().ListTagsForCertificate(ctx, &acm.ListTagsForCertificateInput{CertificateArn: s.CertificateArn})
			if err != nil {
				return "", failed(err, "read the tags of certificate %s", awssdk.ToString(s.CertificateArn))
			}
			theirs := tagMap(out.Tags, func(t acmtypes.Tag) (key, value *string) { return t.Key, t.Value })
			for key, value := range tags {
				if theirs[key] != value {
					return awssdk.ToString(s.CertificateArn), nil
				}
			}
		}
	}
	return "", nil
}

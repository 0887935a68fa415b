package aws

import (
	"context"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	acmtypes "github.com/aws/aws-sdk-go-v2/service/acm/types"
)

var acmTypes = []Type{
	{
		Token: "aws:acm/certificate:Certificate", Noun: "certificate", pace: quick,
		describe: (*Client).describeCertificate, find: (*Client).findCertificate,
		arn: arnForm{service: "acm", kind: "certificate", resource: byARN},
	},
	{
		Token: "aws:acm/certificateValidation:CertificateValidation", Noun: "certificate validation", pace: slow,
		describe: (*Client).describeCertificate, find: (*Client).overwritten,
	},
}

// describeCertificate also describes a validation, which is no resource of AWS and goes with its certificate.
func (c *Client) describeCertificate(ctx context.Context, r Resource) (answer, error) {
	arn := r.name("certificateArn", "arn")
	_, err := c.acm().DescribeCertificate(ctx, &acm.DescribeCertificateInput{CertificateArn: &arn})
	return answer{state: Exists, gone: []string{"ResourceNotFoundException"}}, err
}

// findCertificate finds a certificate, which has no name, by its domain and our tags.
func (c *Client) findCertificate(ctx context.Context, r Resource) (Found, []string, error) {
	domain := r.text("domainName")
	pages := acm.NewListCertificatesPaginator(c.acm(), &acm.ListCertificatesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return Found{}, nil, err
		}
		for _, s := range page.CertificateSummaryList {
			if awssdk.ToString(s.DomainName) != domain {
				continue
			}
			out, err := c.acm().ListTagsForCertificate(ctx, &acm.ListTagsForCertificateInput{CertificateArn: s.CertificateArn})
			if err != nil {
				return Found{}, []string{"ResourceNotFoundException"}, err
			}
			tags := tagMap(out.Tags, func(t acmtypes.Tag) (key, value *string) { return t.Key, t.Value })
			if want, _ := r.Inputs["tagsAll"].(map[string]any); len(tags) > 0 && (want == nil || want["branchenv:project"] == tags["branchenv:project"]) {
				return Found{ID: awssdk.ToString(s.CertificateArn), Tags: tags}, nil, nil
			}
		}
	}
	return Found{}, nil, nil
}

// IssuedCertificate returns the ARN of a valid certificate for domain that lacks one of the tags, or "" if there is none.
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

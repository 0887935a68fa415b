package aws

import (
	"context"
	"slices"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	secretstypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
)

var secretsManagerTypes = []Type{
	{
		Token: "aws:secretsmanager/secret:Secret", Noun: "secret", pace: quick,
		describe: (*Client).describeSecret, find: (*Client).findSecret,
		arn: arnForm{service: "secretsmanager", kind: "secret", resource: byARN},
	},
	{
		Token: "aws:secretsmanager/secretVersion:SecretVersion", Noun: "secret version", pace: quick,
		describe: (*Client).describeSecretVersion, find: (*Client).findSecretVersion,
	},
}

func (c *Client) describeSecret(ctx context.Context, r Resource) (answer, error) {
	_, a, err := c.secretVersions(ctx, r.name("arn"))
	return a, err
}

func (c *Client) findSecret(ctx context.Context, r Resource) (Found, []string, error) {
	out, err := c.secrets().DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: awssdk.String(r.text("name"))})
	if err != nil || out.DeletedDate != nil {
		return Found{}, []string{"ResourceNotFoundException"}, err
	}
	tags := tagMap(out.Tags, func(t secretstypes.Tag) (key, value *string) { return t.Key, t.Value })
	return Found{ID: awssdk.ToString(out.ARN), Tags: tags}, nil, nil
}

// describeSecretVersion asks for a version. The provider's id is SECRET-ARN|VERSION.
func (c *Client) describeSecretVersion(ctx context.Context, r Resource) (answer, error) {
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
	versions, a, err := c.secretVersions(ctx, secret)
	if err != nil || a.state == Gone {
		return a, err
	}
	_, ok := versions[id]
	return existsIf(ok), nil
}

// findSecretVersion returns the current version: a secret that is ours has no other versions than ours. The import reads its
// value.
func (c *Client) findSecretVersion(ctx context.Context, r Resource) (Found, []string, error) {
	out, err := c.secrets().DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: awssdk.String(r.text("secretId"))})
	if err != nil {
		return Found{}, []string{"ResourceNotFoundException"}, err
	}
	for version, stages := range out.VersionIdsToStages {
		if slices.Contains(stages, "AWSCURRENT") {
			return Found{ID: awssdk.ToString(out.ARN) + "|" + version, Untagged: true}, nil, nil
		}
	}
	return Found{}, nil, nil
}

// secretVersions returns a secret's versions. A secret that is scheduled for deletion counts as gone.
func (c *Client) secretVersions(ctx context.Context, id string) (map[string][]string, answer, error) {
	out, err := c.secrets().DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &id})
	if err != nil {
		return nil, goneIf("ResourceNotFoundException"), err
	}
	if out.DeletedDate != nil {
		return nil, answer{state: Gone, note: "scheduled for deletion; it can be restored until then"}, nil
	}
	return out.VersionIdsToStages, existsIf(true), nil
}

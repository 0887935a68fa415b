package aws

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	route53types "github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/branchenv/branchenv/internal/text"
)

// S3 answers a HEAD without a body: NotFound is all there is to a 404, and a 403 can be someone else's bucket.
func (c *Client) bucket(ctx context.Context, r Resource) (answer, error) {
	_, err := c.s3().HeadBucket(ctx, &s3.HeadBucketInput{Bucket: awssdk.String(r.name("bucket"))})
	var resp *smithyhttp.ResponseError
	if errors.As(err, &resp) && resp.HTTPStatusCode() == http.StatusForbidden {
		return answer{state: Unknown, note: "AWS does not let us look: the bucket may belong to another account"}, nil
	}
	return answer{state: Exists, gone: []string{"NotFound", "NoSuchBucket"}}, err
}

// bucketSetting is for what a bucket takes with it: policy, versioning, lifecycle …
func (c *Client) bucketSetting(ctx context.Context, r Resource) (answer, error) {
	bucket := r.text("bucket")
	if bucket == "" {
		return answer{}, missing("bucket")
	}
	a, err := c.bucket(ctx, Resource{ID: bucket})
	if err == nil && a.state == Exists {
		a = answer{state: Unknown, note: "not asked for itself: its bucket is still there"}
	}
	return a, err
}

func (c *Client) object(ctx context.Context, r Resource) (answer, error) {
	bucket := r.text("bucket")
	if bucket == "" {
		return answer{}, missing("bucket")
	}
	_, err := c.s3().HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: awssdk.String(r.name("key"))})
	return answer{state: Exists, gone: []string{"NotFound", "NoSuchKey", "NoSuchBucket"}}, err
}

// The provider's id of an instance is its resource id; AWS is asked by identifier, and another instance that took the
// identifier since is not ours.
func (c *Client) database(ctx context.Context, r Resource) (answer, error) {
	out, err := c.rds().DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: awssdk.String(r.name("identifier"))})
	if err != nil {
		return goneIf("DBInstanceNotFound", "DBInstanceNotFoundFault"), err
	}
	if len(out.DBInstances) == 0 {
		return there(false), nil
	}
	instance := out.DBInstances[0]
	if ours, theirs := r.text("resourceId"), awssdk.ToString(instance.DbiResourceId); ours != "" && theirs != "" && ours != theirs {
		return answer{state: Gone, note: "another instance has its identifier now"}, nil
	}
	a := answer{state: Exists}
	if status := awssdk.ToString(instance.DBInstanceStatus); status != "available" {
		a.note = text.Line(status)
	}
	return a, nil
}

func (c *Client) databaseSubnets(ctx context.Context, r Resource) (answer, error) {
	out, err := c.rds().DescribeDBSubnetGroups(ctx, &rds.DescribeDBSubnetGroupsInput{DBSubnetGroupName: awssdk.String(r.name("name"))})
	if err != nil {
		return goneIf("DBSubnetGroupNotFoundFault"), err
	}
	return there(len(out.DBSubnetGroups) > 0), nil
}

func (c *Client) databaseParameters(ctx context.Context, r Resource) (answer, error) {
	out, err := c.rds().DescribeDBParameterGroups(ctx, &rds.DescribeDBParameterGroupsInput{DBParameterGroupName: awssdk.String(r.name("name"))})
	if err != nil {
		return goneIf("DBParameterGroupNotFound"), err
	}
	return there(len(out.DBParameterGroups) > 0), nil
}

// Route 53 lists from a name on, so the first entry is the record or a later one.
func (c *Client) record(ctx context.Context, r Resource) (answer, error) {
	zone, name, kind := r.text("zoneId"), r.text("fqdn", "name"), r.text("type")
	if zone == "" || name == "" || kind == "" {
		return answer{}, missing("zoneId", "name", "type")
	}
	in := &route53.ListResourceRecordSetsInput{
		HostedZoneId: &zone, StartRecordName: &name, StartRecordType: route53types.RRType(kind), MaxItems: awssdk.Int32(1),
	}
	set := r.text("setIdentifier")
	if set != "" {
		in.StartRecordIdentifier = &set
	}
	out, err := c.route53().ListResourceRecordSets(ctx, in)
	if err != nil {
		return goneIf("NoSuchHostedZone"), err
	}
	for _, s := range out.ResourceRecordSets {
		if dnsName(awssdk.ToString(s.Name)) == dnsName(name) && string(s.Type) == kind && awssdk.ToString(s.SetIdentifier) == set {
			return there(true), nil
		}
	}
	return there(false), nil
}

// dnsName brings a name of Route 53 into one form: lower case, no dot at the end, and plain characters for escapes such
// as \052, an asterisk.
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html
func dnsName(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return strings.ToLower(strings.TrimSuffix(b.String(), "."))
}

// Log groups are listed by prefix.
func (c *Client) logGroup(ctx context.Context, r Resource) (answer, error) {
	name := r.name("name")
	pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(c.logs(), &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return answer{}, err
		}
		for _, g := range page.LogGroups {
			if awssdk.ToString(g.LogGroupName) == name {
				return there(true), nil
			}
		}
	}
	return there(false), nil
}

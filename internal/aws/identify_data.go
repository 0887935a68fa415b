package aws

import (
	"context"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	route53types "github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// The provider tags a bucket after it has made it.
func (c *Client) findBucket(ctx context.Context, r Resource) (Identity, []string, error) {
	name := r.text("bucket")
	a, err := c.bucket(ctx, Resource{ID: name})
	if err != nil || a.state != Exists {
		return Identity{}, a.gone, err
	}
	return Identity{ID: name, Untagged: true}, nil, nil
}

func (c *Client) findDatabase(ctx context.Context, r Resource) (Identity, []string, error) {
	gone := []string{"DBInstanceNotFound", "DBInstanceNotFoundFault"}
	out, err := c.rds().DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: awssdk.String(r.text("identifier"))})
	if err != nil || len(out.DBInstances) == 0 {
		return Identity{}, gone, err
	}
	tags := tagMap(out.DBInstances[0].TagList, func(t rdstypes.Tag) (key, value *string) { return t.Key, t.Value })
	return Identity{ID: awssdk.ToString(out.DBInstances[0].DbiResourceId), Tags: tags}, nil, nil
}

func (c *Client) findSubnetGroup(ctx context.Context, r Resource) (Identity, []string, error) {
	name := r.text("name")
	out, err := c.rds().DescribeDBSubnetGroups(ctx, &rds.DescribeDBSubnetGroupsInput{DBSubnetGroupName: &name})
	if err != nil || len(out.DBSubnetGroups) == 0 {
		return Identity{}, []string{"DBSubnetGroupNotFoundFault"}, err
	}
	tags, err := c.rdsTags(ctx, out.DBSubnetGroups[0].DBSubnetGroupArn)
	return Identity{ID: name, Tags: tags}, nil, err
}

func (c *Client) findParameterGroup(ctx context.Context, r Resource) (Identity, []string, error) {
	name := r.text("name")
	out, err := c.rds().DescribeDBParameterGroups(ctx, &rds.DescribeDBParameterGroupsInput{DBParameterGroupName: &name})
	if err != nil || len(out.DBParameterGroups) == 0 {
		return Identity{}, []string{"DBParameterGroupNotFound"}, err
	}
	tags, err := c.rdsTags(ctx, out.DBParameterGroups[0].DBParameterGroupArn)
	return Identity{ID: name, Tags: tags}, nil, err
}

func (c *Client) rdsTags(ctx context.Context, arn *string) (map[string]string, error) {
	list, err := c.rds().ListTagsForResource(ctx, &rds.ListTagsForResourceInput{ResourceName: arn})
	if err != nil {
		return nil, err
	}
	return tagMap(list.TagList, func(t rdstypes.Tag) (key, value *string) { return t.Key, t.Value }), nil
}

// A record has no tags: it is ours where it has the very target that we meant to give it.
func (c *Client) findRecord(ctx context.Context, r Resource) (Identity, []string, error) {
	zone, name, kind := r.text("zoneId"), r.text("name"), r.text("type")
	out, err := c.route53().ListResourceRecordSets(ctx, &route53.ListResourceRecordSetsInput{
		HostedZoneId: &zone, StartRecordName: &name, StartRecordType: route53types.RRType(kind), MaxItems: awssdk.Int32(1),
	})
	if err != nil {
		return Identity{}, []string{"NoSuchHostedZone"}, err
	}
	for _, s := range out.ResourceRecordSets {
		if dnsName(awssdk.ToString(s.Name)) == dnsName(name) && string(s.Type) == kind && sameTarget(s, r.Inputs) {
			return Identity{ID: zone + "_" + strings.TrimSuffix(name, ".") + "_" + kind, Untagged: true}, nil, nil
		}
	}
	return Identity{}, nil, nil
}

// sameTarget compares a record's target with the one in a resource's inputs.
func sameTarget(s route53types.ResourceRecordSet, inputs map[string]any) bool {
	if aliases, _ := inputs["aliases"].([]any); len(aliases) == 1 && s.AliasTarget != nil {
		alias, _ := aliases[0].(map[string]any)
		want, _ := alias["name"].(string)
		return dnsName(strings.TrimPrefix(awssdk.ToString(s.AliasTarget.DNSName), "dualstack.")) == dnsName(strings.TrimPrefix(want, "dualstack."))
	}
	records, _ := inputs["records"].([]any)
	if len(records) == 0 || len(records) != len(s.ResourceRecords) {
		return false
	}
	for i, want := range records {
		if text, _ := want.(string); dnsName(text) != dnsName(awssdk.ToString(s.ResourceRecords[i].Value)) {
			return false
		}
	}
	return true
}

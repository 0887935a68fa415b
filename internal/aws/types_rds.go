package aws

import (
	"context"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/branchenv/branchenv/internal/text"
)

// TypeDatabase is the type token of a database instance.
const TypeDatabase = "aws:rds/instance:Instance"

var rdsTypes = []Type{
	{
		Token: TypeDatabase, Noun: "database", pace: slow,
		describe: (*Client).describeDatabase, find: (*Client).findDatabase,
		arn: arnForm{service: "rds", kind: "db"},
	},
	{
		Token: "aws:rds/subnetGroup:SubnetGroup", Noun: "database subnet group", pace: quick,
		describe: (*Client).describeSubnetGroup, find: (*Client).findSubnetGroup,
		arn: arnForm{service: "rds", kind: "subgrp"},
	},
	{
		Token: "aws:rds/parameterGroup:ParameterGroup", Noun: "database parameter group", pace: quick,
		describe: (*Client).describeParameterGroup, find: (*Client).findParameterGroup,
		arn: arnForm{service: "rds", kind: "pg"},
	},
}

// describeDatabase asks by identifier, and compares the resource id, which is the provider's id: another instance may have the
// identifier now.
func (c *Client) describeDatabase(ctx context.Context, r Resource) (answer, error) {
	out, err := c.rds().DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: awssdk.String(r.name("identifier"))})
	if err != nil {
		return goneIf("DBInstanceNotFound", "DBInstanceNotFoundFault"), err
	}
	if len(out.DBInstances) == 0 {
		return existsIf(false), nil
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

func (c *Client) findDatabase(ctx context.Context, r Resource) (Found, []string, error) {
	gone := []string{"DBInstanceNotFound", "DBInstanceNotFoundFault"}
	out, err := c.rds().DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: awssdk.String(r.text("identifier"))})
	if err != nil || len(out.DBInstances) == 0 {
		return Found{}, gone, err
	}
	tags := tagMap(out.DBInstances[0].TagList, func(t rdstypes.Tag) (key, value *string) { return t.Key, t.Value })
	return Found{ID: awssdk.ToString(out.DBInstances[0].DbiResourceId), Tags: tags}, nil, nil
}

func (c *Client) describeSubnetGroup(ctx context.Context, r Resource) (answer, error) {
	out, err := c.rds().DescribeDBSubnetGroups(ctx, &rds.DescribeDBSubnetGroupsInput{DBSubnetGroupName: awssdk.String(r.name("name"))})
	if err != nil {
		return goneIf("DBSubnetGroupNotFoundFault"), err
	}
	return existsIf(len(out.DBSubnetGroups) > 0), nil
}

func (c *Client) findSubnetGroup(ctx context.Context, r Resource) (Found, []string, error) {
	name := r.text("name")
	out, err := c.rds().DescribeDBSubnetGroups(ctx, &rds.DescribeDBSubnetGroupsInput{DBSubnetGroupName: &name})
	if err != nil || len(out.DBSubnetGroups) == 0 {
		return Found{}, []string{"DBSubnetGroupNotFoundFault"}, err
	}
	tags, err := c.databaseTags(ctx, out.DBSubnetGroups[0].DBSubnetGroupArn)
	return Found{ID: name, Tags: tags}, nil, err
}

func (c *Client) describeParameterGroup(ctx context.Context, r Resource) (answer, error) {
	out, err := c.rds().DescribeDBParameterGroups(ctx, &rds.DescribeDBParameterGroupsInput{DBParameterGroupName: awssdk.String(r.name("name"))})
	if err != nil {
		return goneIf("DBParameterGroupNotFound"), err
	}
	return existsIf(len(out.DBParameterGroups) > 0), nil
}

func (c *Client) findParameterGroup(ctx context.Context, r Resource) (Found, []string, error) {
	name := r.text("name")
	out, err := c.rds().DescribeDBParameterGroups(ctx, &rds.DescribeDBParameterGroupsInput{DBParameterGroupName: &name})
	if err != nil || len(out.DBParameterGroups) == 0 {
		return Found{}, []string{"DBParameterGroupNotFound"}, err
	}
	tags, err := c.databaseTags(ctx, out.DBParameterGroups[0].DBParameterGroupArn)
	return Found{ID: name, Tags: tags}, nil, err
}

func (c *Client) databaseTags(ctx context.Context, arn *string) (map[string]string, error) {
	list, err := c.rds().ListTagsForResource(ctx, &rds.ListTagsForResourceInput{ResourceName: arn})
	if err != nil {
		return nil, err
	}
	return tagMap(list.TagList, func(t rdstypes.Tag) (key, value *string) { return t.Key, t.Value }), nil
}

package aws

import (
	"context"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

var cloudWatchTypes = []Type{{
	Token: "aws:cloudwatch/logGroup:LogGroup", Noun: "log group", pace: quick,
	describe: (*Client).describeLogGroup, find: (*Client).notImported,
	arn: arnForm{service: "logs", kind: "log-group", resource: func(_, name string) Resource {
		return Resource{ID: strings.TrimSuffix(name, ":*"), Name: name}
	}},
}}

// describeLogGroup lists the log groups that begin with the name: AWS has no other call.
func (c *Client) describeLogGroup(ctx context.Context, r Resource) (answer, error) {
	name := r.name("name")
	pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(c.logs(), &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return answer{}, err
		}
		for _, g := range page.LogGroups {
			if awssdk.ToString(g.LogGroupName) == name {
				return existsIf(true), nil
			}
		}
	}
	return existsIf(false), nil
}

package aws

import (
	"context"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	beans "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"github.com/branchenv/branchenv/internal/text"
)

// Type tokens of Elastic Beanstalk.
const (
	TypeApplication = "aws:elasticbeanstalk/application:Application"
	TypeEnvironment = "aws:elasticbeanstalk/environment:Environment"
	TypeVersion     = "aws:elasticbeanstalk/applicationVersion:ApplicationVersion"
)

var beanstalkTypes = []Type{
	{
		Token: TypeApplication, Noun: "Beanstalk application", pace: quick,
		describe: (*Client).describeApplication, find: (*Client).findApplication,
		arn: arnForm{service: "elasticbeanstalk", kind: "application"},
	},
	{
		Token: TypeEnvironment, Noun: "Beanstalk environment", pace: slow,
		describe: (*Client).describeEnvironment, find: (*Client).findEnvironment,
		arn: arnForm{service: "elasticbeanstalk", kind: "environment", resource: ofApplication},
	},
	{
		// The provider cannot import a version; DiscardVersion deletes it instead.
		Token: TypeVersion, Noun: "application version", pace: quick,
		describe: (*Client).describeVersion, find: (*Client).notImported,
		arn: arnForm{service: "elasticbeanstalk", kind: "applicationversion", resource: ofApplication},
	},
}

// ofApplication returns an application's environment or version: APPLICATION/NAME. The ARN does not contain the id.
func ofApplication(_, rest string) Resource {
	application, name, _ := strings.Cut(rest, "/")
	return Resource{Name: name, Inputs: map[string]any{"application": application, "name": name}}
}

// describeEnvironment asks by id, or by name if only the ARN is known. AWS lists a terminated environment for an hour or more.
func (c *Client) describeEnvironment(ctx context.Context, r Resource) (answer, error) {
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
	return existsIf(false), nil
}

func (c *Client) findEnvironment(ctx context.Context, r Resource) (Found, []string, error) {
	row, err := c.environmentRow(ctx, r.text("name"))
	if err != nil || row == nil {
		return Found{}, nil, err
	}
	tags, err := c.beanstalkTags(ctx, awssdk.ToString(row.EnvironmentArn))
	return Found{ID: awssdk.ToString(row.EnvironmentId), Tags: tags}, nil, err
}

func (c *Client) describeApplication(ctx context.Context, r Resource) (answer, error) {
	out, err := c.beans().DescribeApplications(ctx, &elasticbeanstalk.DescribeApplicationsInput{ApplicationNames: []string{r.name("name")}})
	if err != nil {
		return answer{}, err
	}
	return existsIf(len(out.Applications) > 0), nil
}

func (c *Client) findApplication(ctx context.Context, r Resource) (Found, []string, error) {
	out, err := c.beans().DescribeApplications(ctx, &elasticbeanstalk.DescribeApplicationsInput{ApplicationNames: []string{r.text("name")}})
	if err != nil || len(out.Applications) == 0 {
		return Found{}, nil, err
	}
	tags, err := c.beanstalkTags(ctx, awssdk.ToString(out.Applications[0].ApplicationArn))
	return Found{ID: r.text("name"), Tags: tags}, nil, err
}

func (c *Client) describeVersion(ctx context.Context, r Resource) (answer, error) {
	application := r.text("application")
	if application == "" {
		return answer{}, missing("application")
	}
	_, found, err := c.ApplicationVersion(ctx, application, r.name("name"))
	return existsIf(found), err
}

// DiscardVersion deletes an application version that an interrupted run may have created: the provider can neither import one
// nor create one that exists. It deletes only a version whose bundle's key begins with prefix. The bundle stays. A missing
// version is no error.
func (c *Client) DiscardVersion(ctx context.Context, application, label, prefix string) error {
	info, found, err := c.ApplicationVersion(ctx, application, label)
	if err != nil || !found || !strings.HasPrefix(info.Key, prefix) {
		return err
	}
	_, err = c.beans().DeleteApplicationVersion(ctx, &elasticbeanstalk.DeleteApplicationVersionInput{ApplicationName: &application, VersionLabel: &label})
	if err != nil {
		return failed(err, "delete version %q of application %q, which an interrupted run made", label, application)
	}
	return nil
}

func (c *Client) beanstalkTags(ctx context.Context, arn string) (map[string]string, error) {
	out, err := c.beans().ListTagsForResource(ctx, &elasticbeanstalk.ListTagsForResourceInput{ResourceArn: &arn})
	if err != nil {
		return nil, err
	}
	return tagMap(out.ResourceTags, func(t beans.Tag) (key, value *string) { return t.Key, t.Value }), nil
}

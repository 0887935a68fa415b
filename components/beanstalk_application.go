package components

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/elasticbeanstalk"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// BeanstalkServiceRoleArgs are the arguments of NewBeanstalkServiceRole.
type BeanstalkServiceRoleArgs struct {
	// Name is the role's name, at most 64 characters, unique in the account.
	Name string
	// Region is the AWS region, which decides the partition.
	Region string
}

// BeanstalkServiceRole is the role of Beanstalk itself, for enhanced health and managed platform updates.
type BeanstalkServiceRole struct {
	pulumi.ResourceState

	ARN pulumi.StringOutput `pulumi:"arn"` // known once the role has its policies
}

// roleName matches valid names of roles. Source: API reference of IAM, CreateRole.
var roleName = regexp.MustCompile(`^[A-Za-z0-9+=,.@_-]{1,64}$`)

// NewBeanstalkServiceRole registers a BeanstalkServiceRole.
func NewBeanstalkServiceRole(ctx *pulumi.Context, name string, args BeanstalkServiceRoleArgs, opts ...pulumi.ResourceOption) (*BeanstalkServiceRole, error) {
	var wrong mistakes
	wrong.check(roleName.MatchString(args.Name), "role %q is not 1 to 64 letters, digits and +=,.@_-", args.Name)
	wrong.check(args.Region != "", "the region is missing")
	if err := wrong.err("BeanstalkServiceRole", name); err != nil {
		return nil, err
	}
	c := &BeanstalkServiceRole{}
	if err := ctx.RegisterComponentResource("branchenv:index:BeanstalkServiceRole", name, c, opts...); err != nil {
		return nil, err
	}
	trust, err := policy(statement{
		Effect: "Allow", Action: []string{"sts:AssumeRole"}, Principal: servicePrincipal("elasticbeanstalk.amazonaws.com"),
		Condition: map[string]map[string]string{"StringEquals": {"sts:ExternalId": "elasticbeanstalk"}},
	})
	if err != nil {
		return nil, err
	}
	role, err := iam.NewRole(ctx, name, &iam.RoleArgs{
		Name: pulumi.String(args.Name), Description: pulumi.String("Elastic Beanstalk's own work"), AssumeRolePolicy: pulumi.String(trust),
	}, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	ready := []any{role.Arn}
	for _, p := range []struct{ child, policy string }{
		{"-health", "service-role/AWSElasticBeanstalkEnhancedHealth"},
		{"-updates", "AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy"},
	} {
		attachment, err := iam.NewRolePolicyAttachment(ctx, name+p.child, &iam.RolePolicyAttachmentArgs{
			Role: role.Name, PolicyArn: pulumi.String("arn:" + partition(args.Region) + ":iam::aws:policy/" + p.policy),
		}, pulumi.Parent(c))
		if err != nil {
			return nil, err
		}
		ready = append(ready, attachment.PolicyArn)
	}
	c.ARN = pulumi.All(ready...).ApplyT(func(v []any) string { return v[0].(string) }).(pulumi.StringOutput)
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"arn": c.ARN})
}

// BeanstalkApplicationArgs are the arguments of NewBeanstalkApplication.
type BeanstalkApplicationArgs struct {
	// Name is the Beanstalk application's name, 1 to 100 characters, unique in the account and region.
	Name string
	// RoleName is the name of the instances' role and of its instance profile, unique in the account.
	RoleName string
	// Region is the AWS region.
	Region string
	// ServiceRole is the ARN of the role with which Beanstalk deletes old application versions.
	ServiceRole pulumi.StringInput
	// MaxVersions is how many application versions are kept, at least 1. Source bundles are not deleted. An account may have
	// 1000 versions in a region.
	MaxVersions int
	// Environments is the prefix of the environments' names. The instances may write logs of these environments.
	Environments string
	// Secrets is the prefix of the names of the secrets in Secrets Manager that the instances may read. It has no slash at
	// its start; SSM parameters have one.
	Secrets string
	// Bundles is the ARN of the bucket with the source bundles.
	Bundles pulumi.StringInput
}

// BeanstalkApplication is an application of Elastic Beanstalk with the instance profile of its environments. The profile allows
// what Beanstalk's agents need, pulling images from ECR, and reading the secrets with one prefix.
type BeanstalkApplication struct {
	pulumi.ResourceState

	Name            pulumi.StringOutput `pulumi:"name"`
	InstanceProfile pulumi.StringOutput `pulumi:"instanceProfile"` // name, known once its role has its policy
	RoleARN         pulumi.StringOutput `pulumi:"roleArn"`
	RoleName        pulumi.StringOutput `pulumi:"roleName"`
}

func (a *BeanstalkApplicationArgs) validate(name string) error {
	var wrong mistakes
	wrong.check(a.Name != "" && len(a.Name) <= 100 && !strings.Contains(a.Name, "/"), "application %q is not 1 to 100 characters without a slash", a.Name)
	wrong.check(roleName.MatchString(a.RoleName), "role %q is not 1 to 64 letters, digits and +=,.@_-", a.RoleName)
	wrong.check(a.Region != "", "the region is missing")
	wrong.check(a.MaxVersions >= 1 && a.MaxVersions <= 1000, "%d versions are not between 1 and 1000", a.MaxVersions)
	wrong.check(a.Environments != "", "the prefix of the environments' names is missing")
	wrong.check(a.Secrets != "" && !strings.HasPrefix(a.Secrets, "/"), "%q is not a prefix of secrets' names", a.Secrets)
	wrong.check(a.ServiceRole != nil, "the service role is missing")
	wrong.check(a.Bundles != nil, "the bucket of source bundles is missing")
	return wrong.err("BeanstalkApplication", name)
}

// NewBeanstalkApplication registers a BeanstalkApplication.
func NewBeanstalkApplication(ctx *pulumi.Context, name string, args BeanstalkApplicationArgs, opts ...pulumi.ResourceOption) (*BeanstalkApplication, error) {
	if err := args.validate(name); err != nil {
		return nil, err
	}
	c := &BeanstalkApplication{}
	if err := ctx.RegisterComponentResource("branchenv:index:BeanstalkApplication", name, c, opts...); err != nil {
		return nil, err
	}
	application, err := elasticbeanstalk.NewApplication(ctx, name, &elasticbeanstalk.ApplicationArgs{
		Name: pulumi.String(args.Name),
		AppversionLifecycle: elasticbeanstalk.ApplicationAppversionLifecycleArgs{
			ServiceRole: args.ServiceRole, MaxCount: pulumi.Int(args.MaxVersions), DeleteSourceFromS3: pulumi.Bool(false),
		},
	}, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	c.Name = application.Name
	if err := c.instances(ctx, name, args); err != nil {
		return nil, err
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{
		"name": c.Name, "instanceProfile": c.InstanceProfile, "roleArn": c.RoleARN, "roleName": c.RoleName,
	})
}

// instances registers the instances' role and profile.
func (c *BeanstalkApplication) instances(ctx *pulumi.Context, name string, args BeanstalkApplicationArgs) error {
	trust, err := policy(statement{
		Effect: "Allow", Action: []string{"sts:AssumeRole"}, Principal: servicePrincipal(ec2Service(args.Region)),
	})
	if err != nil {
		return err
	}
	role, err := iam.NewRole(ctx, name, &iam.RoleArgs{
		Name: pulumi.String(args.RoleName), AssumeRolePolicy: pulumi.String(trust),
		Description: pulumi.String("Instances of " + args.Name),
	}, pulumi.Parent(c))
	if err != nil {
		return err
	}
	document := args.Bundles.ToStringOutput().ApplyT(func(bundles string) (string, error) {
		return policy(args.permissions(bundles)...)
	}).(pulumi.StringOutput)
	permissions, err := iam.NewRolePolicy(ctx, name, &iam.RolePolicyArgs{
		Name: pulumi.String("beanstalk"), Role: role.Name, Policy: document,
	}, pulumi.Parent(c))
	if err != nil {
		return err
	}
	profile, err := iam.NewInstanceProfile(ctx, name, &iam.InstanceProfileArgs{
		Name: pulumi.String(args.RoleName), Role: role.Name,
	}, pulumi.Parent(c), pulumi.DependsOn([]pulumi.Resource{permissions}))
	if err != nil {
		return err
	}
	c.InstanceProfile, c.RoleARN, c.RoleName = profile.Name, role.Arn, role.Name
	return nil
}

// ec2Service returns EC2's service principal in the region's partition.
func ec2Service(region string) string {
	if partition(region) == "aws-cn" {
		return "ec2.amazonaws.com.cn"
	}
	return "ec2.amazonaws.com"
}

// permissions returns the instances' permissions: those of the managed policy AWSElasticBeanstalkWebTier that Beanstalk's agents
// use, limited to this application, reading from ECR, and reading the secrets with the prefix. Sources: "Managing Elastic Beanstalk instance
// profiles" and "Fetching secrets and parameters" in the developer guide of Elastic Beanstalk.
func (a *BeanstalkApplicationArgs) permissions(bundles string) []statement {
	arn := func(service, format string, args ...any) string {
		return fmt.Sprintf("arn:%s:%s:%s:*:%s", partition(a.Region), service, a.Region, fmt.Sprintf(format, args...))
	}
	own := "arn:" + partition(a.Region) + ":s3:::elasticbeanstalk-" + a.Region + "-*" // Beanstalk's bucket in the account
	return []statement{
		{Sid: "Bundles", Effect: "Allow", Action: []string{"s3:GetObject", "s3:GetObjectVersion"}, Resource: []string{bundles + "/*"}},
		{Sid: "BeanstalkBucket", Effect: "Allow", Action: []string{"s3:Get*", "s3:List*", "s3:PutObject"}, Resource: []string{own, own + "/*"}},
		{Sid: "Health", Effect: "Allow", Action: []string{"elasticbeanstalk:PutInstanceStatistics"}, Resource: []string{
			arn("elasticbeanstalk", "application/%s", a.Name), arn("elasticbeanstalk", "environment/%s/*", a.Name),
		}},
		{Sid: "Logs", Effect: "Allow", Action: []string{"logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:PutLogEvents"},
			Resource: []string{arn("logs", "log-group:/aws/elasticbeanstalk/%s*", a.Environments)}},
		{Sid: "ImageLogin", Effect: "Allow", Action: []string{"ecr:GetAuthorizationToken"}, Resource: []string{"*"}},
		{Sid: "Images", Effect: "Allow", Action: []string{"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"},
			Resource: []string{"arn:" + partition(a.Region) + ":ecr:*:*:repository/*"}},
		{Sid: "Secrets", Effect: "Allow", Action: []string{"secretsmanager:GetSecretValue"}, Resource: []string{arn("secretsmanager", "secret:%s*", a.Secrets)}},
		{Sid: "Parameters", Effect: "Allow", Action: []string{"ssm:GetParameter", "ssm:GetParameters"}, Resource: []string{arn("ssm", "parameter/%s*", a.Secrets)}},
	}
}

package components

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/elasticbeanstalk"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lb"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Balancer is the kind of load balancer of a BeanstalkEnv.
type Balancer string

// The balancers.
const (
	BalancerShared Balancer = "shared" // a load balancer that environments share
	BalancerOwn    Balancer = "own"    // the environment's own load balancer
	BalancerNone   Balancer = "none"   // no load balancer: a single instance, plain HTTP
)

// BeanstalkEnvArgs are the arguments of NewBeanstalkEnv.
type BeanstalkEnvArgs struct {
	// Name is the Beanstalk environment's name: 4 to 40 letters, digits and hyphens, none at the edges, unique in the
	// account and region.
	Name string
	// Application is the name of the Beanstalk application.
	Application pulumi.StringInput
	// SolutionStack is the platform, for instance "64bit Amazon Linux 2023 v4.3.0 running Docker".
	SolutionStack pulumi.StringInput
	// Version is the version of the app.
	Version AppVersion
	// Balancer is the kind of load balancer. A change replaces the environment, because Beanstalk cannot change it.
	Balancer Balancer
	// Host is the full host name whose requests the shared balancer forwards here. Unused by the others.
	Host string
	// Shared is the shared balancer. Unused by the others.
	Shared BalancerRef
	// Certificate is the ARN of the own balancer's certificate. Unused by the others.
	Certificate pulumi.StringInput
	// BalancerZone is the hosted zone of the region's load balancers. Used only by an own balancer.
	BalancerZone pulumi.StringInput
	// BalancerGroup is the AWS name of the own balancer's security group.
	BalancerGroup string
	// InstanceType is the EC2 instance type.
	InstanceType string
	// MinInstances and MaxInstances bound the number of instances; both 1 without a balancer.
	MinInstances, MaxInstances int
	// Spot runs all instances on spot capacity.
	Spot bool
	// DeploymentPolicy is AllAtOnce, Rolling, RollingWithAdditionalBatch or Immutable. The rolling policies need a balancer.
	DeploymentPolicy string
	// BatchSize is the percentage of instances in one batch of a deployment, 1 to 100. Only rolling policies use it.
	BatchSize int
	// HealthPath is the path that answers 200 if the app is healthy.
	HealthPath string
	// LogDays is the number of days for which CloudWatch keeps the instances' logs: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180,
	// 365, 400, 545, 731, 1827 or 3653. 0: no logs go to CloudWatch.
	LogDays int
	// KeepLogs keeps the logs for LogDays after the environment was destroyed.
	KeepLogs bool
	// ManagedUpdates lets Beanstalk install new versions of the platform once a week, on new instances. SolutionStack then
	// counts only at creation.
	ManagedUpdates bool
	// Variables are the app's environment variables, by name. As in Beanstalk, a variable with an empty value is not set.
	Variables map[string]pulumi.StringInput
	// Secrets are ARNs by the name of an environment variable: of secrets in Secrets Manager, followed by :KEY for one key of
	// a JSON object, or of SSM parameters. Beanstalk reads the values when an instance starts.
	Secrets map[string]pulumi.StringInput
	// VPC and Subnets are the network of the instances and of an own balancer. The subnets are public.
	VPC     pulumi.StringInput
	Subnets pulumi.StringArrayInput
	// SecurityGroup is the instances' security group. The component opens it to the balancer, or to all without one.
	SecurityGroup pulumi.StringInput
	// ServiceRole is the name or ARN of Beanstalk's role, InstanceProfile the name of the instances' profile.
	ServiceRole, InstanceProfile pulumi.StringInput
	// Timeout is the longest wait for Beanstalk, at least a minute.
	Timeout time.Duration
}

// BalancerRef refers to an existing application load balancer.
type BalancerRef struct {
	ARN           pulumi.StringInput
	DNSName       pulumi.StringInput
	ZoneID        pulumi.StringInput // its own hosted zone
	SecurityGroup pulumi.StringInput // id
}

func (r BalancerRef) complete() bool {
	return r.ARN != nil && r.DNSName != nil && r.ZoneID != nil && r.SecurityGroup != nil
}

// BeanstalkEnv is a web environment of Elastic Beanstalk on the Docker platform, with its application version. The instances
// listen on port 80 with every kind of balancer.
//
// On a shared balancer Beanstalk creates two rules on the HTTPS listener, one for Host and one for the environment's own name,
// and chooses their priorities. Source: developer guide of Elastic Beanstalk, "Configuring a shared Application
// Load Balancer".
type BeanstalkEnv struct {
	pulumi.ResourceState

	Name         pulumi.StringOutput `pulumi:"name"`
	Endpoint     pulumi.StringOutput `pulumi:"endpoint"` // the balancer's DNS name, or the instance's address
	CNAME        pulumi.StringOutput `pulumi:"cname"`    // Beanstalk's own name for the environment
	VersionLabel pulumi.StringOutput `pulumi:"versionLabel"`

	// Target is the target for the environment's host name, known once the environment is ready. So a resource that uses it,
	// such as a BranchDNS, is created after the environment and removed before it.
	Target DNSTarget
}

var environmentName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{2,38})[A-Za-z0-9]$`)

// isLogDays reports whether CloudWatch Logs can keep logs for that number of days. Source: "General options for all environments",
// aws:elasticbeanstalk:cloudwatch:logs.
func isLogDays(days int) bool {
	return slices.Contains([]int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653}, days)
}

func (a *BeanstalkEnvArgs) validate(name string) error {
	var wrong mistakes
	wrong.check(environmentName.MatchString(a.Name), "environment %q is not 4 to 40 letters, digits and hyphens, none at the edges", a.Name)
	a.Version.validate(&wrong)
	a.validateBalancer(&wrong)
	wrong.check(a.InstanceType != "", "the instance type is missing")
	wrong.check(a.MinInstances >= 1 && a.MinInstances <= a.MaxInstances, "%d to %d instances is not a range that begins with 1 or more", a.MinInstances, a.MaxInstances)
	wrong.check(slices.Contains([]string{"AllAtOnce", "Rolling", "RollingWithAdditionalBatch", "Immutable"}, a.DeploymentPolicy), "there is no deployment policy %q", a.DeploymentPolicy)
	wrong.check(!a.rolling() || a.BatchSize >= 1 && a.BatchSize <= 100, "a batch of %d percent is not between 1 and 100", a.BatchSize)
	wrong.check(strings.HasPrefix(a.HealthPath, "/"), "health path %q does not begin with /", a.HealthPath)
	wrong.check(a.LogDays == 0 || isLogDays(a.LogDays), "CloudWatch does not keep logs for %d days", a.LogDays)
	for n := range a.Variables {
		wrong.check(variableName.MatchString(n), "%q is not the name of an environment variable", n)
		wrong.check(a.Secrets[n] == nil, "%s is both a variable and a secret", n)
	}
	for n := range a.Secrets {
		wrong.check(variableName.MatchString(n), "%q is not the name of an environment variable", n)
	}
	for _, required := range []struct {
		what  string
		given bool
	}{
		{"application", a.Application != nil}, {"solution stack", a.SolutionStack != nil}, {"VPC", a.VPC != nil},
		{"list of subnets", a.Subnets != nil}, {"security group", a.SecurityGroup != nil},
		{"service role", a.ServiceRole != nil}, {"instance profile", a.InstanceProfile != nil},
	} {
		wrong.check(required.given, "the %s is missing", required.what)
	}
	wrong.check(a.Timeout >= time.Minute, "a timeout of %s is shorter than a minute", a.Timeout)
	slices.Sort(wrong) // the order of the variables is random
	return wrong.err("BeanstalkEnv", name)
}

func (a *BeanstalkEnvArgs) validateBalancer(wrong *mistakes) {
	switch a.Balancer {
	case BalancerShared:
		wrong.check(isHost(a.Host), "host %q is not a full host name", a.Host)
		wrong.check(len(a.Host) <= 128, "host %q is longer than the 128 characters of a listener rule", a.Host)
		wrong.check(a.Shared.complete(), "the shared balancer is missing or incomplete")
	case BalancerOwn:
		wrong.check(a.Certificate != nil, "the own balancer's certificate is missing")
		wrong.check(a.BalancerZone != nil, "the hosted zone of the region's load balancers is missing")
		wrong.checkGroupName(a.BalancerGroup)
	case BalancerNone:
		wrong.check(a.MaxInstances == 1, "%d instances need a balancer", a.MaxInstances)
		wrong.check(!a.rolling(), "deployment policy %s needs a balancer", a.DeploymentPolicy)
	default:
		wrong.check(false, "there is no balancer %q", a.Balancer)
	}
}

// rolling reports whether deployments go in batches.
func (a *BeanstalkEnvArgs) rolling() bool {
	return a.DeploymentPolicy == "Rolling" || a.DeploymentPolicy == "RollingWithAdditionalBatch"
}

// NewBeanstalkEnv registers a BeanstalkEnv.
func NewBeanstalkEnv(ctx *pulumi.Context, name string, args BeanstalkEnvArgs, opts ...pulumi.ResourceOption) (*BeanstalkEnv, error) {
	if err := args.validate(name); err != nil {
		return nil, err
	}
	c := &BeanstalkEnv{}
	if err := ctx.RegisterComponentResource("branchenv:index:BeanstalkEnv", name, c, opts...); err != nil {
		return nil, err
	}
	group, err := c.openGroup(ctx, name, args)
	if err != nil {
		return nil, err
	}
	label, err := args.Version.register(ctx, name, args, c)
	if err != nil {
		return nil, err
	}
	environment, err := c.environment(ctx, name, args, group, label)
	if err != nil {
		return nil, err
	}
	if args.Balancer == BalancerOwn {
		balancer := first(ctx, environment.LoadBalancers, "load balancer of environment "+args.Name, func(arn string) *string { return &arn })
		if err := redirect(ctx, name+"-redirect", balancer, c); err != nil {
			return nil, err
		}
	}
	c.Name, c.Endpoint, c.CNAME, c.VersionLabel = environment.Name, environment.EndpointUrl, environment.Cname, environment.Version
	switch args.Balancer {
	case BalancerShared:
		c.Target = DNSTarget{Alias: afterReady(environment, args.Shared.DNSName), ZoneID: args.Shared.ZoneID}
	case BalancerOwn:
		c.Target = DNSTarget{Alias: c.Endpoint, ZoneID: args.BalancerZone}
	case BalancerNone:
		c.Target = DNSTarget{CNAME: c.CNAME}
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{
		"name": c.Name, "endpoint": c.Endpoint, "cname": c.CNAME, "versionLabel": c.VersionLabel,
	})
}

// afterReady returns value as an output that is known once the environment is ready.
func afterReady(environment *elasticbeanstalk.Environment, value pulumi.StringInput) pulumi.StringOutput {
	return pulumi.All(value, environment.ID()).ApplyT(func(v []any) string { return v[0].(string) }).(pulumi.StringOutput)
}

// instancePort is the port of Beanstalk's proxy on the instances.
const instancePort = 80

// openGroup opens the instances' security group. It returns the balancer's group, or nil without a balancer.
func (c *BeanstalkEnv) openGroup(ctx *pulumi.Context, name string, args BeanstalkEnvArgs) (pulumi.StringInput, error) {
	var from pulumi.StringInput
	switch args.Balancer {
	case BalancerShared:
		from = args.Shared.SecurityGroup
	case BalancerOwn:
		group, err := newBalancerGroup(ctx, name+"-balancer", args.BalancerGroup, args.VPC, c)
		if err != nil {
			return nil, err
		}
		from = group
	}
	_, err := allowIn(ctx, name+"-in", args.SecurityGroup, instancePort, from, c)
	return from, err
}

// environment registers the Beanstalk environment.
func (c *BeanstalkEnv) environment(ctx *pulumi.Context, name string, args BeanstalkEnvArgs, balancerGroup, label pulumi.StringInput) (*elasticbeanstalk.Environment, error) {
	environment := &elasticbeanstalk.EnvironmentArgs{
		Name:                pulumi.String(args.Name),
		Application:         args.Application.ToStringOutput(),
		SolutionStackName:   args.SolutionStack.ToStringOutput(),
		Tier:                pulumi.String("WebServer"),
		Settings:            args.settings(balancerGroup).array(),
		WaitForReadyTimeout: pulumi.String(args.Timeout.String()), // creation, updates and deletion alike
	}
	if label != nil {
		environment.Version = label.ToStringOutput()
	}
	// Beanstalk can change neither the kind of balancer nor the rules on a shared one.
	trigger := pulumi.StringArray{pulumi.String(args.Balancer)}
	if args.Balancer == BalancerShared {
		trigger = append(trigger, args.Shared.ARN, pulumi.String(args.Host))
	}
	options := []pulumi.ResourceOption{
		pulumi.Parent(c),
		pulumi.ReplacementTrigger(trigger),
		pulumi.DeleteBeforeReplace(true), // the name is given, and unique in the account
	}
	if args.ManagedUpdates {
		options = append(options, pulumi.IgnoreChanges([]string{"solutionStackName"}))
	}
	return elasticbeanstalk.NewEnvironment(ctx, name, environment, options...)
}

// redirect registers a listener that redirects HTTP to HTTPS.
func redirect(ctx *pulumi.Context, name string, balancer pulumi.StringInput, parent pulumi.Resource) error {
	_, err := lb.NewListener(ctx, name, &lb.ListenerArgs{
		LoadBalancerArn: balancer, Port: pulumi.Int(80), Protocol: pulumi.String("HTTP"),
		DefaultActions: lb.ListenerDefaultActionArray{lb.ListenerDefaultActionArgs{
			Type: pulumi.String("redirect"),
			Redirect: lb.ListenerDefaultActionRedirectArgs{
				Protocol: pulumi.String("HTTPS"), Port: pulumi.String("443"), StatusCode: pulumi.String("HTTP_301"),
			},
		}},
	}, pulumi.Parent(parent))
	return err
}

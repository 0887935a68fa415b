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

// Balancer says what stands before the instances of a BeanstalkEnv.
type Balancer string

// The balancers.
const (
	BalancerShared Balancer = "shared" // a load balancer that environments share
	BalancerOwn    Balancer = "own"    // one of the environment's own
	BalancerNone   Balancer = "none"   // none: a single instance, plain HTTP
)

// BeanstalkEnvArgs say what a BeanstalkEnv is like.
type BeanstalkEnvArgs struct {
	// Name is the Beanstalk environment's name: 4 to 40 letters, digits and hyphens, none at the edges, unique in the
	// account and region.
	Name string
	// Application is the name of the Beanstalk application.
	Application pulumi.StringInput
	// SolutionStack is the platform, for instance "64bit Amazon Linux 2023 v4.3.0 running Docker".
	SolutionStack pulumi.StringInput
	// Version is what runs.
	Version AppVersion
	// Balancer is what stands before the instances. To change it replaces the environment, because Beanstalk cannot.
	Balancer Balancer
	// Host is the full host name that the shared balancer sends here. Unused by the others.
	Host string
	// Shared is the shared balancer. Unused by the others.
	Shared BalancerRef
	// Certificate is the ARN of the own balancer's certificate. Unused by the others.
	Certificate pulumi.StringInput
	// BalancerZone is the hosted zone of the region's load balancers, for a balancer of the environment's own.
	BalancerZone pulumi.StringInput
	// BalancerGroup is the AWS name of the own balancer's security group.
	BalancerGroup string
	// InstanceType is the EC2 instance type.
	InstanceType string
	// MinInstances and MaxInstances bound the number of instances; both 1 without a balancer.
	MinInstances, MaxInstances int
	// Spot runs the instances on spot capacity, all of them.
	Spot bool
	// DeploymentPolicy is AllAtOnce, Rolling, RollingWithAdditionalBatch or Immutable; the two in the middle need a
	// balancer.
	DeploymentPolicy string
	// BatchSize is how many percent of the instances are deployed to at once, 1 to 100. Only rolling policies use it.
	BatchSize int
	// HealthPath is the path that answers 200 when the app is well.
	HealthPath string
	// LogDays is for how many days CloudWatch keeps the instances' logs, one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150,
	// 180, 365, 400, 545, 731, 1827 and 3653. 0: logs are not streamed there.
	LogDays int
	// KeepLogs keeps the logs when the environment goes, until LogDays end.
	KeepLogs bool
	// ManagedUpdates lets Beanstalk install new versions of the platform by itself, once a week, on new instances. The
	// platform's version is then Beanstalk's affair: SolutionStack counts at creation only.
	ManagedUpdates bool
	// Variables are the app's environment variables, by name. One with an empty value is not set, as in Beanstalk.
	Variables map[string]pulumi.StringInput
	// Secrets are environment variables whose values Beanstalk reads when an instance starts, by name: ARNs of secrets
	// in Secrets Manager, with :KEY after it for one key of a JSON object, or of SSM parameters.
	Secrets map[string]pulumi.StringInput
	// VPC and Subnets are where the instances and a balancer of their own live. The subnets are public.
	VPC     pulumi.StringInput
	Subnets pulumi.StringArrayInput
	// SecurityGroup is the instances' security group. The component opens it to the balancer, or without one to all.
	SecurityGroup pulumi.StringInput
	// ServiceRole is the name or ARN of the role in which Beanstalk works; InstanceProfile that of the instances.
	ServiceRole, InstanceProfile pulumi.StringInput
	// Timeout bounds each wait for Beanstalk. At least a minute.
	Timeout time.Duration
}

// BalancerRef is an application load balancer that exists.
type BalancerRef struct {
	ARN           pulumi.StringInput
	DNSName       pulumi.StringInput
	ZoneID        pulumi.StringInput // its own hosted zone
	SecurityGroup pulumi.StringInput // id
}

func (r BalancerRef) complete() bool {
	return r.ARN != nil && r.DNSName != nil && r.ZoneID != nil && r.SecurityGroup != nil
}

// BeanstalkEnv is a web environment of Elastic Beanstalk on the Docker platform, with the application version that runs
// in it. Whatever stands before them, the instances answer on port 80.
//
// On a shared balancer Beanstalk makes two rules on the HTTPS listener, one for Host and one for the environment's own
// name, and picks their priorities. Source: developer guide of Elastic Beanstalk, "Configuring a shared Application
// Load Balancer".
type BeanstalkEnv struct {
	pulumi.ResourceState

	Name         pulumi.StringOutput `pulumi:"name"`
	Endpoint     pulumi.StringOutput `pulumi:"endpoint"` // the balancer's DNS name, or the instance's address
	CNAME        pulumi.StringOutput `pulumi:"cname"`    // Beanstalk's own name for the environment
	VersionLabel pulumi.StringOutput `pulumi:"versionLabel"`

	// Target is where the environment's host name is to lead, known once the environment is ready. What is made of it,
	// such as a BranchDNS, is so made after the environment and removed before it.
	Target DNSTarget
}

var environmentName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{2,38})[A-Za-z0-9]$`)

// isLogDays tells whether CloudWatch Logs keeps logs for so many days. Source: "General options for all environments",
// aws:elasticbeanstalk:cloudwatch:logs.
func isLogDays(days int) bool {
	return slices.Contains([]int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653}, days)
}

func (a *BeanstalkEnvArgs) validate(name string) error {
	var f faults
	f.check(environmentName.MatchString(a.Name), "environment %q is not 4 to 40 letters, digits and hyphens, none at the edges", a.Name)
	a.Version.validate(&f)
	a.validateBalancer(&f)
	f.check(a.InstanceType != "", "the instance type is missing")
	f.check(a.MinInstances >= 1 && a.MinInstances <= a.MaxInstances, "%d to %d instances is not a range that begins with 1 or more", a.MinInstances, a.MaxInstances)
	f.check(slices.Contains([]string{"AllAtOnce", "Rolling", "RollingWithAdditionalBatch", "Immutable"}, a.DeploymentPolicy), "there is no deployment policy %q", a.DeploymentPolicy)
	f.check(!a.rolling() || a.BatchSize >= 1 && a.BatchSize <= 100, "a batch of %d percent is not between 1 and 100", a.BatchSize)
	f.check(strings.HasPrefix(a.HealthPath, "/"), "health path %q does not begin with /", a.HealthPath)
	f.check(a.LogDays == 0 || isLogDays(a.LogDays), "CloudWatch does not keep logs for %d days", a.LogDays)
	for n := range a.Variables {
		f.check(variableName.MatchString(n), "%q is not the name of an environment variable", n)
		f.check(a.Secrets[n] == nil, "%s is both a variable and a secret", n)
	}
	for n := range a.Secrets {
		f.check(variableName.MatchString(n), "%q is not the name of an environment variable", n)
	}
	for _, required := range []struct {
		what  string
		given bool
	}{
		{"application", a.Application != nil}, {"solution stack", a.SolutionStack != nil}, {"VPC", a.VPC != nil},
		{"list of subnets", a.Subnets != nil}, {"security group", a.SecurityGroup != nil},
		{"service role", a.ServiceRole != nil}, {"instance profile", a.InstanceProfile != nil},
	} {
		f.check(required.given, "the %s is missing", required.what)
	}
	f.check(a.Timeout >= time.Minute, "a timeout of %s is shorter than a minute", a.Timeout)
	slices.Sort(f) // the variables come in any order
	return f.err("BeanstalkEnv", name)
}

func (a *BeanstalkEnvArgs) validateBalancer(f *faults) {
	switch a.Balancer {
	case BalancerShared:
		f.check(isHost(a.Host), "host %q is not a full host name", a.Host)
		f.check(len(a.Host) <= 128, "host %q is longer than the 128 characters of a listener rule", a.Host)
		f.check(a.Shared.complete(), "the shared balancer is missing or incomplete")
	case BalancerOwn:
		f.check(a.Certificate != nil, "the own balancer's certificate is missing")
		f.check(a.BalancerZone != nil, "the hosted zone of the region's load balancers is missing")
		f.checkGroupName(a.BalancerGroup)
	case BalancerNone:
		f.check(a.MaxInstances == 1, "%d instances need a balancer", a.MaxInstances)
		f.check(!a.rolling(), "deployment policy %s needs a balancer", a.DeploymentPolicy)
	default:
		f.check(false, "there is no balancer %q", a.Balancer)
	}
}

// rolling tells whether deployments go in batches.
func (a *BeanstalkEnvArgs) rolling() bool {
	return a.DeploymentPolicy == "Rolling" || a.DeploymentPolicy == "RollingWithAdditionalBatch"
}

// NewBeanstalkEnv makes a BeanstalkEnv.
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
		c.Target = DNSTarget{Alias: after(environment, args.Shared.DNSName), ZoneID: args.Shared.ZoneID}
	case BalancerOwn:
		c.Target = DNSTarget{Alias: c.Endpoint, ZoneID: args.BalancerZone}
	case BalancerNone:
		c.Target = DNSTarget{CNAME: c.CNAME}
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{
		"name": c.Name, "endpoint": c.Endpoint, "cname": c.CNAME, "versionLabel": c.VersionLabel,
	})
}

// after is value, known once the environment is ready.
func after(environment *elasticbeanstalk.Environment, value pulumi.StringInput) pulumi.StringOutput {
	return pulumi.All(value, environment.ID()).ApplyT(func(v []any) string { return v[0].(string) }).(pulumi.StringOutput)
}

// instancePort is where Beanstalk's proxy listens on the instances.
const instancePort = 80

// openGroup opens the instances' security group, and returns the balancer's; nil without one.
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

// environment is the Beanstalk environment.
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
	// Neither the kind of balancer nor the rules on a shared one can be changed once the environment exists.
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

// redirect makes a listener that sends HTTP to HTTPS.
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

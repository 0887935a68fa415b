package components

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lb"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// SharedBalancerArgs are the arguments of NewSharedBalancer.
type SharedBalancerArgs struct {
	// Name is the load balancer's name: at most 32 letters, digits and hyphens, none at the edges.
	Name string
	// SecurityGroup is the AWS name of its security group.
	SecurityGroup string
	// VPC and Subnets are its network: public subnets in at least two zones.
	VPC     pulumi.StringInput
	Subnets pulumi.StringArrayInput
	// Certificate is the ARN of the HTTPS listener's certificate.
	Certificate pulumi.StringInput
}

// SharedBalancer is an application load balancer for many environments. Each environment adds rules for its host name to the
// HTTPS listener. A host without a rule gets 404. HTTP is redirected to HTTPS.
type SharedBalancer struct {
	pulumi.ResourceState

	ARN             pulumi.StringOutput `pulumi:"arn"`
	DNSName         pulumi.StringOutput `pulumi:"dnsName"`
	ZoneID          pulumi.StringOutput `pulumi:"zoneId"` // of all application load balancers in the region
	SecurityGroupID pulumi.StringOutput `pulumi:"securityGroupId"`
}

// balancerName matches valid names of load balancers. Source: API reference of Elastic Load Balancing, CreateLoadBalancer.
var balancerName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$`)

func (a *SharedBalancerArgs) validate(name string) error {
	var wrong mistakes
	wrong.check(balancerName.MatchString(a.Name) && !strings.HasPrefix(a.Name, "internal-"),
		"load balancer %q is not 1 to 32 letters, digits and hyphens, none at the edges, that do not begin with internal-", a.Name)
	wrong.checkGroupName(a.SecurityGroup)
	wrong.check(a.VPC != nil, "the VPC is missing")
	wrong.check(a.Subnets != nil, "the subnets are missing")
	wrong.check(a.Certificate != nil, "the certificate is missing")
	return wrong.err("SharedBalancer", name)
}

// NewSharedBalancer registers a SharedBalancer.
func NewSharedBalancer(ctx *pulumi.Context, name string, args SharedBalancerArgs, opts ...pulumi.ResourceOption) (*SharedBalancer, error) {
	if err := args.validate(name); err != nil {
		return nil, err
	}
	c := &SharedBalancer{}
	if err := ctx.RegisterComponentResource("branchenv:index:SharedBalancer", name, c, opts...); err != nil {
		return nil, err
	}
	group, err := newBalancerGroup(ctx, name, args.SecurityGroup, args.VPC, c)
	if err != nil {
		return nil, err
	}
	balancer, err := lb.NewLoadBalancer(ctx, name, &lb.LoadBalancerArgs{
		Name: pulumi.String(args.Name), LoadBalancerType: pulumi.String("application"), Internal: pulumi.Bool(false),
		SecurityGroups: pulumi.StringArray{group}, Subnets: args.Subnets, DropInvalidHeaderFields: pulumi.Bool(true),
		Tags: pulumi.StringMap{"Name": pulumi.String(args.Name)},
	}, pulumi.Parent(c),
		// Beanstalk counts the environments behind the balancer in this tag.
		pulumi.IgnoreChanges([]string{`tags["elasticbeanstalk:shared-elb-environment-count"]`}))
	if err != nil {
		return nil, err
	}
	if err := redirect(ctx, name+"-http", balancer.Arn, c); err != nil {
		return nil, err
	}
	_, err = lb.NewListener(ctx, name+"-https", &lb.ListenerArgs{
		LoadBalancerArn: balancer.Arn, Port: pulumi.Int(443), Protocol: pulumi.String("HTTPS"),
		CertificateArn: args.Certificate.ToStringOutput(), SslPolicy: pulumi.String(tlsPolicy),
		DefaultActions: lb.ListenerDefaultActionArray{lb.ListenerDefaultActionArgs{
			Type: pulumi.String("fixed-response"),
			FixedResponse: lb.ListenerDefaultActionFixedResponseArgs{
				ContentType: pulumi.String("text/plain"), StatusCode: pulumi.String("404"),
				MessageBody: pulumi.String("There is no environment of this name.\n"),
			},
		}},
	}, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	c.ARN, c.DNSName, c.ZoneID, c.SecurityGroupID = balancer.Arn, balancer.DnsName, balancer.ZoneId, group
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{
		"arn": c.ARN, "dnsName": c.DNSName, "zoneId": c.ZoneID, "securityGroupId": c.SecurityGroupID,
	})
}

// newBalancerGroup registers a load balancer's security group, which allows HTTP and HTTPS from everywhere. It returns the
// group's id.
func newBalancerGroup(ctx *pulumi.Context, name, group string, vpc pulumi.StringInput, parent pulumi.Resource) (pulumi.StringOutput, error) {
	g, err := newSecurityGroup(ctx, name, group, "Load balancer", vpc, parent)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	for _, port := range []int{80, 443} {
		if _, err := allowIn(ctx, name+"-in-"+strconv.Itoa(port), g.ID(), port, nil, parent); err != nil {
			return pulumi.StringOutput{}, err
		}
	}
	return g.ID().ToStringOutput(), allowOut(ctx, name, g.ID(), parent)
}

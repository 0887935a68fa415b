package components

import (
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// AppGroupArgs are the arguments of NewAppGroup.
type AppGroupArgs struct {
	// Name is the security group's name in AWS, unique in its VPC.
	Name string
	// VPC is the VPC's id.
	VPC pulumi.StringInput
}

// AppGroup is the security group of the instances that run the app. It allows all outgoing traffic; the platform allows the
// incoming traffic. It is a component of its own, so that a database can admit it before there is a platform.
type AppGroup struct {
	pulumi.ResourceState

	ID pulumi.StringOutput `pulumi:"id"`
}

// NewAppGroup registers an AppGroup.
func NewAppGroup(ctx *pulumi.Context, name string, args AppGroupArgs, opts ...pulumi.ResourceOption) (*AppGroup, error) {
	var wrong mistakes
	wrong.checkGroupName(args.Name)
	wrong.check(args.VPC != nil, "the VPC is missing")
	if err := wrong.err("AppGroup", name); err != nil {
		return nil, err
	}
	c := &AppGroup{}
	if err := ctx.RegisterComponentResource("branchenv:index:AppGroup", name, c, opts...); err != nil {
		return nil, err
	}
	group, err := newSecurityGroup(ctx, name, args.Name, "What runs the app", args.VPC, c)
	if err != nil {
		return nil, err
	}
	if err := allowOut(ctx, name, group.ID(), c); err != nil {
		return nil, err
	}
	c.ID = group.ID().ToStringOutput()
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"id": c.ID})
}

// checkGroupName checks the name of a security group. EC2 would read one with sg- as an id. Source: API reference of EC2, CreateSecurityGroup.
func (m *mistakes) checkGroupName(name string) {
	m.check(name != "" && len(name) <= 255, "a security group's name has 1 to 255 characters, not %d", len(name))
	m.check(!strings.HasPrefix(name, "sg-"), "a security group's name must not begin with sg-, as %s does", name)
}

// newSecurityGroup registers a security group without rules. Rules are separate resources, because the provider warns against
// mixing them with rules inside the group. name is the logical name, group the name in AWS.
func newSecurityGroup(ctx *pulumi.Context, name, group, description string, vpc pulumi.StringInput, parent pulumi.Resource) (*ec2.SecurityGroup, error) {
	return ec2.NewSecurityGroup(ctx, name, &ec2.SecurityGroupArgs{
		Name: pulumi.String(group), Description: pulumi.String(description), VpcId: vpc.ToStringOutput(),
	}, pulumi.Parent(parent))
}

// everywhere returns the whole internet as address ranges of IPv4 and IPv6.
func everywhere() (v4, v6 pulumi.StringArray) {
	return pulumi.ToStringArray([]string{"0.0.0.0/0"}), pulumi.ToStringArray([]string{"::/0"})
}

// allowOut allows all outgoing traffic of a group's members.
func allowOut(ctx *pulumi.Context, name string, group pulumi.StringInput, parent pulumi.Resource) error {
	v4, v6 := everywhere()
	_, err := ec2.NewSecurityGroupRule(ctx, name+"-out", &ec2.SecurityGroupRuleArgs{
		SecurityGroupId: group, Type: pulumi.String("egress"), Protocol: pulumi.String("-1"),
		FromPort: pulumi.Int(0), ToPort: pulumi.Int(0), CidrBlocks: v4, Ipv6CidrBlocks: v6,
	}, pulumi.Parent(parent))
	return err
}

// allowIn allows TCP connections to a port of a group's members. They may come from the members of another group, or from
// everywhere if from is nil.
func allowIn(ctx *pulumi.Context, name string, group pulumi.StringInput, port int, from pulumi.StringInput, parent pulumi.Resource) (*ec2.SecurityGroupRule, error) {
	rule := &ec2.SecurityGroupRuleArgs{
		SecurityGroupId: group, Type: pulumi.String("ingress"), Protocol: pulumi.String("tcp"),
		FromPort: pulumi.Int(port), ToPort: pulumi.Int(port),
	}
	if from != nil {
		rule.SourceSecurityGroupId = from.ToStringOutput()
	} else {
		rule.CidrBlocks, rule.Ipv6CidrBlocks = everywhere()
	}
	return ec2.NewSecurityGroupRule(ctx, name, rule, pulumi.Parent(parent))
}

package components

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/rds"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// DatabaseSubnetsArgs are the arguments of NewDatabaseSubnets.
type DatabaseSubnetsArgs struct {
	// Name is the DB subnet group's name in AWS: 1 to 255 lower-case letters, digits and hyphens.
	Name string
	// Subnets are the subnets' ids, in at least two zones.
	Subnets pulumi.StringArrayInput
}

// DatabaseSubnets is a DB subnet group. An account may have only a few of them, so databases share one.
type DatabaseSubnets struct {
	pulumi.ResourceState

	Name pulumi.StringOutput `pulumi:"name"`
}

// NewDatabaseSubnets registers DatabaseSubnets.
func NewDatabaseSubnets(ctx *pulumi.Context, name string, args DatabaseSubnetsArgs, opts ...pulumi.ResourceOption) (*DatabaseSubnets, error) {
	var wrong mistakes
	wrong.check(databaseIdentifier.MatchString(args.Name) && len(args.Name) <= 255 && args.Name != "default",
		"%q is not the name of a subnet group: lower-case letters, digits and single hyphens, a letter first, not default", args.Name)
	wrong.check(args.Subnets != nil, "the subnets are missing")
	if err := wrong.err("DatabaseSubnets", name); err != nil {
		return nil, err
	}
	c := &DatabaseSubnets{}
	if err := ctx.RegisterComponentResource("branchenv:index:DatabaseSubnets", name, c, opts...); err != nil {
		return nil, err
	}
	group, err := rds.NewSubnetGroup(ctx, name, &rds.SubnetGroupArgs{
		Name: pulumi.String(args.Name), Description: pulumi.String("Databases of environments"), SubnetIds: args.Subnets,
	}, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	c.Name = group.Name
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"name": c.Name})
}

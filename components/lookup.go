package components

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/elasticbeanstalk"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// ErrNotFound is wrapped by the errors of look-ups without a result.
var ErrNotFound = errors.New("not found")

// DefaultNetwork returns the region's default VPC and the sorted default subnets of its zones. The error wraps ErrNotFound if
// there is no default VPC.
func DefaultNetwork(ctx *pulumi.Context) (vpc string, subnets []string, err error) {
	yes := true
	found, err := ec2.LookupVpc(ctx, &ec2.LookupVpcArgs{Default: &yes})
	if err != nil {
		return "", nil, notFound("default VPC", err)
	}
	list, err := ec2.GetSubnets(ctx, &ec2.GetSubnetsArgs{Filters: []ec2.GetSubnetsFilter{
		{Name: "vpc-id", Values: []string{found.Id}}, {Name: "default-for-az", Values: []string{"true"}},
	}})
	if err != nil {
		return "", nil, notFound("subnets of VPC "+found.Id, err)
	}
	slices.Sort(list.Ids)
	return found.Id, list.Ids, nil
}

// VPCOf returns the VPC of a subnet.
func VPCOf(ctx *pulumi.Context, subnet string) (string, error) {
	found, err := ec2.LookupSubnet(ctx, &ec2.LookupSubnetArgs{Id: &subnet})
	if err != nil {
		return "", notFound("subnet "+subnet, err)
	}
	return found.VpcId, nil
}

// ZoneOf returns the id of the public hosted zone that contains domain: the zone of that name, or of its nearest parent. The
// error wraps ErrNotFound if there is none.
func ZoneOf(ctx *pulumi.Context, domain string) (string, error) {
	no := false
	for name := domain; strings.Contains(name, "."); {
		zone, err := route53.LookupZone(ctx, &route53.LookupZoneArgs{Name: &name, PrivateZone: &no})
		if err == nil {
			return zone.ZoneId, nil
		}
		if err := notFound("hosted zone "+name, err); !errors.Is(err, ErrNotFound) {
			return "", err
		}
		_, name, _ = strings.Cut(name, ".")
	}
	return "", fmt.Errorf("hosted zone for %s: %w", domain, ErrNotFound)
}

// DockerPlatform returns the name of the newest version of Beanstalk's Docker platform on Amazon Linux 2023.
func DockerPlatform(ctx *pulumi.Context) (string, error) {
	newest := true
	stack, err := elasticbeanstalk.GetSolutionStack(ctx, &elasticbeanstalk.GetSolutionStackArgs{
		MostRecent: &newest, NameRegex: `^64bit Amazon Linux 2023 v[0-9.]+ running Docker$`,
	})
	if err != nil {
		return "", notFound("Docker platform of Elastic Beanstalk", err)
	}
	return stack.Name, nil
}

// notFound returns err as an error that names what was looked for. It wraps ErrNotFound if the provider's message says that AWS
// has no such thing. The messages are those of the upstream provider's tfresource.SingularDataSourceFindError and of its older
// data sources.
func notFound(what string, err error) error {
	for _, words := range []string{"no matching", "returned no results"} {
		if strings.Contains(err.Error(), words) {
			return fmt.Errorf("%s: %w", what, ErrNotFound)
		}
	}
	return fmt.Errorf("look up %s: %w", what, err)
}

package aws

import (
	"context"
	"slices"
)

// Identity is what AWS knows of a resource of which only the inputs are known.
type Identity struct {
	ID   string            // the provider's id; "" where there is no such resource
	Tags map[string]string // its AWS tags
	// Untagged: the type has no tags, or gets them after its creation, so that their absence says nothing. What the
	// inputs name is then the same thing beyond doubt: a name with a random part, a record with the same target.
	Untagged bool
}

// Identify looks for a resource that an interrupted run may have made: Inputs are all that is known of r. Types that a
// second creation simply overwrites (an object, a bucket's settings) are never found, and need not be.
func (c *Client) Identify(ctx context.Context, r Resource) (Identity, error) {
	find := c.finder(r.Type)
	if find == nil {
		return Identity{}, nil
	}
	id, gone, err := find(ctx, r)
	switch {
	case err == nil:
		return id, nil
	case slices.Contains(gone, code(err)):
		return Identity{}, nil
	}
	return Identity{}, failed(err, "look for %s %s, which an interrupted run may have made", r.Type, r.Name)
}

// finder finds a resource by its inputs, and says which error codes mean that there is none.
type finder func(ctx context.Context, r Resource) (found Identity, gone []string, err error)

func (c *Client) finder(token string) finder {
	switch token {
	case "aws:s3/bucketV2:BucketV2":
		return c.findBucket
	case "aws:elasticbeanstalk/environment:Environment":
		return c.findEnvironment
	case "aws:elasticbeanstalk/application:Application":
		return c.findApplication
	case "aws:rds/instance:Instance":
		return c.findDatabase
	case "aws:rds/subnetGroup:SubnetGroup":
		return c.findSubnetGroup
	case "aws:ec2/securityGroup:SecurityGroup":
		return c.findSecurityGroup
	case "aws:ec2/securityGroupRule:SecurityGroupRule":
		return c.findSecurityGroupRule
	case "aws:rds/parameterGroup:ParameterGroup":
		return c.findParameterGroup
	case "aws:secretsmanager/secret:Secret":
		return c.findSecret
	case "aws:secretsmanager/secretVersion:SecretVersion":
		return c.findSecretVersion
	case "aws:route53/record:Record":
		return c.findRecord
	case "aws:iam/role:Role":
		return c.findRole
	case "aws:iam/rolePolicy:RolePolicy":
		return c.findRolePolicy
	case "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
		return c.findRolePolicyAttachment
	case "aws:iam/instanceProfile:InstanceProfile":
		return c.findInstanceProfile
	case "aws:lb/loadBalancer:LoadBalancer":
		return c.findLoadBalancer
	case "aws:lb/listener:Listener":
		return c.findListener
	case "aws:acm/certificate:Certificate":
		return c.findCertificate
	}
	return nil
}

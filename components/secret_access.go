package components

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// SecretAccessArgs are the arguments of NewSecretAccess.
type SecretAccessArgs struct {
	// Name is the name of the inline policy in the role: 1 to 128 letters, digits and +=,.@_-.
	Name string
	// Role is the role's name.
	Role pulumi.StringInput
	// Secret is the ARN of the secret in Secrets Manager.
	Secret pulumi.StringInput
}

// SecretAccess allows a role to read one secret. It is for secrets whose names have no common prefix, such as the passwords that
// RDS manages. A role's inline policies may have 10,240 characters together, enough for some 30 of these.
type SecretAccess struct{ pulumi.ResourceState }

// NewSecretAccess registers a SecretAccess.
func NewSecretAccess(ctx *pulumi.Context, name string, args SecretAccessArgs, opts ...pulumi.ResourceOption) (*SecretAccess, error) {
	var wrong mistakes
	wrong.check(args.Name != "" && len(args.Name) <= 128, "a policy's name has 1 to 128 characters, not %d", len(args.Name))
	wrong.check(args.Role != nil, "the role is missing")
	wrong.check(args.Secret != nil, "the secret is missing")
	if err := wrong.err("SecretAccess", name); err != nil {
		return nil, err
	}
	c := &SecretAccess{}
	if err := ctx.RegisterComponentResource("branchenv:index:SecretAccess", name, c, opts...); err != nil {
		return nil, err
	}
	document := args.Secret.ToStringOutput().ApplyT(func(secret string) (string, error) {
		return policy(statement{Effect: "Allow", Action: []string{"secretsmanager:GetSecretValue"}, Resource: []string{secret}})
	}).(pulumi.StringOutput)
	_, err := iam.NewRolePolicy(ctx, name, &iam.RolePolicyArgs{
		Name: pulumi.String(args.Name), Role: args.Role, Policy: document,
	}, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{})
}

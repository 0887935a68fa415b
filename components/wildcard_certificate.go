package components

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/acm"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// WildcardCertificateArgs are the arguments of NewWildcardCertificate.
type WildcardCertificateArgs struct {
	// Domain is the domain of the certificate: it is valid for *.Domain.
	Domain string
	// ZoneID is the hosted zone that contains Domain.
	ZoneID pulumi.StringInput
}

// WildcardCertificate is a certificate of ACM that is validated by a DNS record.
type WildcardCertificate struct {
	pulumi.ResourceState

	ARN pulumi.StringOutput `pulumi:"arn"` // known once the certificate is valid
}

// NewWildcardCertificate registers a WildcardCertificate.
func NewWildcardCertificate(ctx *pulumi.Context, name string, args WildcardCertificateArgs, opts ...pulumi.ResourceOption) (*WildcardCertificate, error) {
	var wrong mistakes
	wrong.check(isHost(args.Domain), "domain %q is not a full host name", args.Domain)
	wrong.check(args.ZoneID != nil, "the hosted zone is missing")
	if err := wrong.err("WildcardCertificate", name); err != nil {
		return nil, err
	}
	c := &WildcardCertificate{}
	if err := ctx.RegisterComponentResource("branchenv:index:WildcardCertificate", name, c, opts...); err != nil {
		return nil, err
	}
	certificate, err := acm.NewCertificate(ctx, name, &acm.CertificateArgs{
		DomainName: pulumi.String("*." + args.Domain), ValidationMethod: pulumi.String("DNS"),
	}, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	wanted := certificate.DomainValidationOptions.Index(pulumi.Int(0))
	record, err := route53.NewRecord(ctx, name, &route53.RecordArgs{
		ZoneId: args.ZoneID, Name: wanted.ResourceRecordName().Elem(), Type: wanted.ResourceRecordType().Elem(),
		Records: pulumi.StringArray{wanted.ResourceRecordValue().Elem()}, Ttl: pulumi.Int(cnameTTL),
		AllowOverwrite: pulumi.Bool(false),
	}, pulumi.Parent(c), pulumi.DeleteBeforeReplace(false)) // the old certificate is in use until there is a new one
	if err != nil {
		return nil, err
	}
	validation, err := acm.NewCertificateValidation(ctx, name, &acm.CertificateValidationArgs{
		CertificateArn: certificate.Arn, ValidationRecordFqdns: pulumi.StringArray{record.Fqdn},
	}, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	c.ARN = validation.CertificateArn
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"arn": c.ARN})
}

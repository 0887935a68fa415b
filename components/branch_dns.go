package components

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// DNSTarget is the target of a host name: a load balancer, as an alias, or another name.
type DNSTarget struct {
	Alias  pulumi.StringInput // the load balancer's DNS name
	ZoneID pulumi.StringInput // the load balancer's own hosted zone
	CNAME  pulumi.StringInput // the other name, if Alias is nil
}

// BranchDNSArgs are the arguments of NewBranchDNS.
type BranchDNSArgs struct {
	// Host is the full host name, for instance login.preview.example.com.
	Host string
	// ZoneID is the hosted zone that contains Host.
	ZoneID pulumi.StringInput
	// Target is the target of Host.
	Target DNSTarget
	// IPv6 adds an AAAA record, for a load balancer that is dual-stack.
	IPv6 bool
}

// BranchDNS is a host name in Route 53. It never takes over an existing record: the creation fails.
type BranchDNS struct {
	pulumi.ResourceState

	Host pulumi.StringOutput `pulumi:"host"` // known once the record exists
}

func (a *BranchDNSArgs) validate(name string) error {
	var wrong mistakes
	wrong.check(isHost(a.Host), "host %q is not a full host name", a.Host)
	wrong.check(a.ZoneID != nil, "the hosted zone is missing")
	wrong.check((a.Target.Alias == nil) != (a.Target.CNAME == nil), "the target must be either a load balancer or a name")
	wrong.check((a.Target.Alias == nil) == (a.Target.ZoneID == nil), "a load balancer and its hosted zone go together")
	wrong.check(!a.IPv6 || a.Target.Alias != nil, "IPv6 needs a load balancer as target")
	return wrong.err("BranchDNS", name)
}

// cnameTTL is how many seconds resolvers keep a CNAME record. It is short, because environments come and go.
const cnameTTL = 60

// NewBranchDNS registers a BranchDNS.
func NewBranchDNS(ctx *pulumi.Context, name string, args BranchDNSArgs, opts ...pulumi.ResourceOption) (*BranchDNS, error) {
	if err := args.validate(name); err != nil {
		return nil, err
	}
	c := &BranchDNS{}
	if err := ctx.RegisterComponentResource("branchenv:index:BranchDNS", name, c, opts...); err != nil {
		return nil, err
	}
	record := func(child, kind string) (*route53.Record, error) {
		r := &route53.RecordArgs{
			ZoneId: args.ZoneID, Name: pulumi.String(args.Host), Type: pulumi.String(kind), AllowOverwrite: pulumi.Bool(false),
		}
		if args.Target.Alias != nil {
			r.Aliases = route53.RecordAliasArray{route53.RecordAliasArgs{
				Name: args.Target.Alias, ZoneId: args.Target.ZoneID, EvaluateTargetHealth: pulumi.Bool(false),
			}}
		} else {
			r.Ttl, r.Records = pulumi.Int(cnameTTL), pulumi.StringArray{args.Target.CNAME}
		}
		// Route 53 has one record of a type for each name, so the old record must be deleted first.
		return route53.NewRecord(ctx, child, r, pulumi.Parent(c), pulumi.DeleteBeforeReplace(true))
	}
	kind := "A"
	if args.Target.CNAME != nil {
		kind = "CNAME"
	}
	first, err := record(name, kind)
	if err != nil {
		return nil, err
	}
	if args.IPv6 {
		if _, err := record(name+"-ipv6", "AAAA"); err != nil {
			return nil, err
		}
	}
	c.Host = first.Fqdn
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"host": c.Host})
}

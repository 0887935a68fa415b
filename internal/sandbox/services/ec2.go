package services

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// Resource types of EC2 and VPC.
const (
	TypeSecurityGroup     = "aws:ec2/securityGroup:SecurityGroup"
	TypeSecurityGroupRule = "aws:ec2/securityGroupRule:SecurityGroupRule"
	TypeSubnet            = "aws:ec2/subnet:Subnet"
	TypeVPC               = "aws:ec2/vpc:Vpc"
)

func ec2Service() cloud.Service {
	return cloud.Service{
		Kinds: map[string]cloud.Kind{
			TypeSecurityGroup: {
				Title: "EC2 Security Group", Naming: cloud.Naming{Property: "name"}, HasDescription: true, ID: "sg-{hex17}",
				Quota: "security groups", QuotaError: "LimitExceeded: The maximum number of security groups (%d) has been reached.",
				Rules: []cloud.Rule{
					{Property: "name", Min: 1, Max: 255, Valid: func(s string) bool { return !strings.HasPrefix(s, "sg-") && s != "default" }, Message: "a name that does not begin with sg-"},
					{Property: "description", Max: 255, Pattern: `^[0-9A-Za-z_ .:/()#,@\[\]+=&;{}!$*-]*$`, Message: `only letters, digits, spaces and _.:/()#,@[]+=&;{}!$*-`},
				},
				OnCreate: createSecurityGroup, OnRemove: removeSecurityGroup, Uses: groupsOfRules,
			},
			TypeSecurityGroupRule: {
				Title: "EC2 Security Group Rule", ID: "sgrule-{hex10}", ImportID: ruleImport,
				Rules: []cloud.Rule{
					{Property: "type", Allowed: []string{"ingress", "egress"}}, {Property: "fromPort", Min: -1, Max: 65535}, {Property: "toPort", Min: -1, Max: 65535},
					{Property: "cidrBlocks", Valid: validCIDR, Message: "an IPv4 range such as 10.0.0.0/16"},
				},
				Combinations: []cloud.Combination{
					cloud.Exclusive("self", "sourceSecurityGroupId"), cloud.Exclusive("cidrBlocks", "sourceSecurityGroupId"),
					cloud.OneOf("type", "cidrBlocks", "ipv6CidrBlocks", "prefixListIds", "self", "sourceSecurityGroupId"),
				},
				Ignored: portsOfAllProtocols, Uses: sourceGroup, OnCreate: createSecurityGroupRule, OnRead: readSecurityGroupRule,
			},
			TypeVPC: {
				Title: "EC2 VPC", ID: "vpc-{hex17}", Quota: "VPCs", QuotaError: "VpcLimitExceeded: The maximum number of VPCs (%d) has been reached.",
				Rules:    []cloud.Rule{{Property: "cidrBlock", Valid: validCIDR, Message: "an IPv4 range such as 10.0.0.0/16"}},
				OnCreate: createVPC, OnRemove: removeVPC,
			},
			TypeSubnet: {Title: "EC2 Subnet", ID: "subnet-{hex17}", OnCreate: createSubnet},
		},
		Functions: map[string]cloud.Function{
			"aws:ec2/getVpc:getVpc": getVPC, "aws:ec2/getSubnet:getSubnet": getSubnet, "aws:ec2/getSubnets:getSubnets": getSubnets,
		},
	}
}

// validCIDR reports whether s is an IPv4 network, such as 10.0.0.0/16.
func validCIDR(s string) bool {
	ip, network, err := net.ParseCIDR(s)
	return err == nil && ip.To4() != nil && ip.Equal(network.IP)
}

// The default network: every account has it in every region. It is a VPC with three subnets, each in a zone of its own, and
// a security group. It is not stored and cannot be changed.
const (
	DefaultVPC           = "vpc-0a1b2c3d4e5f60718"
	defaultCIDR          = "172.31.0.0/16"
	defaultSecurityGroup = "sg-0a1b2c3d4e5f60718"
)

// DefaultSubnets returns the default VPC's subnets in a region.
func DefaultSubnets(region string) []*cloud.Record {
	var out []*cloud.Record
	for i, zone := range []string{"a", "b", "c"} {
		id := fmt.Sprintf("subnet-0a1b2c3d4e5f6071%s", zone)
		out = append(out, &cloud.Record{Type: TypeSubnet, ID: id, Name: id, Region: region, Outputs: map[string]any{
			"vpcId": DefaultVPC, "availabilityZone": region + zone, "availabilityZoneId": fmt.Sprintf("%s-az%d", region, i+1),
			"cidrBlock": fmt.Sprintf("172.31.%d.0/20", i*16), "mapPublicIpOnLaunch": true, "defaultForAz": true, "state": "available",
			"arn": "arn:aws:ec2:" + region + ":" + cloud.Account + ":subnet/" + id, "ownerId": cloud.Account,
		}})
	}
	return out
}

func defaultVPCRecord(region string) *cloud.Record {
	return &cloud.Record{Type: TypeVPC, ID: DefaultVPC, Name: DefaultVPC, Region: region, Outputs: map[string]any{
		"cidrBlock": defaultCIDR, "default": true, "state": "available", "enableDnsSupport": true, "enableDnsHostnames": true,
		"arn": "arn:aws:ec2:" + region + ":" + cloud.Account + ":vpc/" + DefaultVPC, "ownerId": cloud.Account, "instanceTenancy": "default",
		"mainRouteTableId": "rtb-0a1b2c3d4e5f60718", "dhcpOptionsId": "dopt-0a1b2c3d4e5f60718",
	}}
}

func defaultSecurityGroupRecord(region string) *cloud.Record {
	return &cloud.Record{Type: TypeSecurityGroup, ID: defaultSecurityGroup, Name: "default", Region: region, Outputs: map[string]any{
		"name": "default", "description": "default VPC security group", "vpcId": DefaultVPC, "ownerId": cloud.Account,
		"arn": "arn:aws:ec2:" + region + ":" + cloud.Account + ":security-group/" + defaultSecurityGroup,
	}}
}

// Regional returns the records of a type in a region. Those of the default network come first.
func Regional(t *cloud.Tx, typ, region string) ([]*cloud.Record, error) {
	all, err := t.Where(typ, func(r *cloud.Record) bool { return r.Region == region })
	switch typ {
	case TypeSubnet:
		all = append(DefaultSubnets(region), all...)
	case TypeVPC:
		all = append([]*cloud.Record{defaultVPCRecord(region)}, all...)
	case TypeSecurityGroup:
		all = append([]*cloud.Record{defaultSecurityGroupRecord(region)}, all...)
	}
	return all, err
}

// findInRegion returns a record of the operation's region by its id or name, nil if there is none. The default network
// counts.
func findInRegion(o *cloud.Operation, typ, ref string) (*cloud.Record, error) {
	all, err := Regional(o.Tx, typ, o.Region)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(r *cloud.Record) bool { return r.ID == ref || r.Name == ref })
	if i < 0 {
		return nil, nil
	}
	return all[i], nil
}

// FindSubnet returns a subnet of the operation's region by its id, nil if there is none. The default network counts.
func FindSubnet(o *cloud.Operation, id string) (*cloud.Record, error) {
	return findInRegion(o, TypeSubnet, id)
}

func createVPC(o *cloud.Operation) error {
	o.Record.ID = o.Expand("vpc-{hex17}")
	o.SetOutputs(map[string]any{"arn": o.ARN("ec2", "vpc/"+o.Record.ID), "ownerId": cloud.Account, "mainRouteTableId": o.Expand("rtb-{hex17}")})
	o.SetDefaults(map[string]any{"enableDnsSupport": true, "instanceTenancy": "default"})
	return nil
}

func removeVPC(o *cloud.Operation) error {
	for _, typ := range []string{TypeSubnet, TypeSecurityGroup} {
		inside, err := o.Tx.Where(typ, func(r *cloud.Record) bool { return r.Text("vpcId") == o.Record.ID })
		if err != nil {
			return err
		}
		if len(inside) > 0 {
			return cloud.Errorf("DependencyViolation", "The vpc '%s' has dependencies and cannot be deleted.", o.Record.ID)
		}
	}
	return nil
}

func createSubnet(o *cloud.Operation) error {
	vpc, err := findInRegion(o, TypeVPC, o.Inputs.Text("vpcId"))
	if err != nil {
		return err
	}
	if vpc == nil {
		return cloud.Errorf("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", o.Inputs.Text("vpcId"))
	}
	o.Record.ID = o.Expand("subnet-{hex17}")
	o.SetOutputs(map[string]any{"arn": o.ARN("ec2", "subnet/"+o.Record.ID), "ownerId": cloud.Account})
	o.SetDefaults(map[string]any{"availabilityZone": o.Region + "a"})
	return nil
}

// listFiltered returns the region's records of a type that match the look-up: the named arguments, tags and filters.
func listFiltered(l *cloud.Lookup, typ string, arguments ...string) ([]*cloud.Record, error) {
	all, err := Regional(l.Tx, typ, l.Region)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(r *cloud.Record) bool {
		for _, a := range arguments {
			if want := l.Args.Text(a); l.Args[a] != nil && want != r.Outputs.Text(a) && !(a == "id" && want == r.ID) {
				return true
			}
		}
		for k, v := range l.Args.Object("tags") {
			if r.Tags()[k] != value.Text(v) {
				return true
			}
		}
		for _, f := range l.Args.List("filters") {
			if !MatchesFilter(r, value.ObjectOf(f).Text("name"), value.ObjectOf(f).Texts("values")) {
				return true
			}
		}
		return false
	}), nil
}

// MatchesFilter reports whether a record matches a filter as in EC2's API. A filter that is not known matches nothing.
func MatchesFilter(r *cloud.Record, name string, values []string) bool {
	var have string
	switch name {
	case "vpc-id":
		have = r.Text("vpcId")
		if r.Type == TypeVPC {
			have = r.ID
		}
	case "default-for-az", "defaultForAz":
		have = value.Text(r.Outputs.Bool("defaultForAz"))
	case "is-default", "isDefault":
		have = value.Text(r.Outputs.Bool("default"))
	case "availability-zone", "availabilityZone":
		have = r.Text("availabilityZone")
	case "subnet-id", "group-id":
		have = r.ID
	case "group-name":
		have = r.Name
	case "state":
		have = "available"
	default:
		key, isTag := strings.CutPrefix(name, "tag:")
		if !isTag {
			return false
		}
		have = r.Tags()[key]
	}
	return slices.Contains(values, have)
}

func getVPC(l *cloud.Lookup) (value.Object, error) {
	records, err := listFiltered(l, TypeVPC, "id", "default", "cidrBlock", "state")
	if err != nil {
		return nil, err
	}
	return onlyOne(records, "EC2 VPC")
}

func getSubnet(l *cloud.Lookup) (value.Object, error) {
	records, err := listFiltered(l, TypeSubnet, "id", "vpcId", "availabilityZone", "cidrBlock", "defaultForAz", "state")
	if err != nil {
		return nil, err
	}
	return onlyOne(records, "EC2 Subnet")
}

func getSubnets(l *cloud.Lookup) (value.Object, error) {
	records, err := listFiltered(l, TypeSubnet)
	ids := []any{}
	for _, r := range records {
		ids = append(ids, r.ID)
	}
	return map[string]any{"id": l.Region, "ids": ids}, err
}

package sandbox

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// The resource types of EC2 and VPC.
const (
	typeSecurityGroup     = "aws:ec2/securityGroup:SecurityGroup"
	typeSecurityGroupRule = "aws:ec2/securityGroupRule:SecurityGroupRule"
	typeSubnet            = "aws:ec2/subnet:Subnet"
	typeVPC               = "aws:ec2/vpc:Vpc"
)

func ec2Service() service {
	return service{
		kinds: map[string]kind{
			typeSecurityGroup: {
				title: "EC2 Security Group", naming: naming{property: "name"}, described: true, id: "sg-{hex17}",
				quota: "security groups", quotaError: "LimitExceeded: The maximum number of security groups (%d) has been reached.",
				rules: []rule{
					{property: "name", min: 1, max: 255, also: func(s string) bool { return !strings.HasPrefix(s, "sg-") && s != "default" }, want: "a name that does not begin with sg-"},
					{property: "description", max: 255, pattern: `^[0-9A-Za-z_ .:/()#,@\[\]+=&;{}!$*-]*$`, want: `only letters, digits, spaces and _.:/()#,@[]+=&;{}!$*-`},
				},
				onCreate: createSecurityGroup, onRemove: removeSecurityGroup, securityGroups: groupsOfRules,
			},
			typeSecurityGroupRule: {
				title: "EC2 Security Group Rule", id: "sgrule-{hex10}", importID: ruleImport,
				rules: []rule{
					{property: "type", allowed: []string{"ingress", "egress"}}, {property: "fromPort", min: -1, max: 65535}, {property: "toPort", min: -1, max: 65535},
					{property: "cidrBlocks", also: validCIDR, want: "an IPv4 range such as 10.0.0.0/16"},
				},
				combinations: []combination{
					exclusive("self", "sourceSecurityGroupId"), exclusive("cidrBlocks", "sourceSecurityGroupId"),
					oneOf("type", "cidrBlocks", "ipv6CidrBlocks", "prefixListIds", "self", "sourceSecurityGroupId"),
				},
				ignored: portsOfAllProtocols, onCreate: createSecurityGroupRule, onRead: securityGroupGone,
			},
			typeVPC: {
				title: "EC2 VPC", id: "vpc-{hex17}", quota: "VPCs", quotaError: "VpcLimitExceeded: The maximum number of VPCs (%d) has been reached.",
				rules:    []rule{{property: "cidrBlock", also: validCIDR, want: "an IPv4 range such as 10.0.0.0/16"}},
				onCreate: createVPC, onRemove: removeVPC,
			},
			typeSubnet: {title: "EC2 Subnet", id: "subnet-{hex17}", onCreate: createSubnet},
		},
		functions: map[string]function{
			"aws:ec2/getVpc:getVpc": getVPC, "aws:ec2/getSubnet:getSubnet": getSubnet, "aws:ec2/getSubnets:getSubnets": getSubnets,
		},
	}
}

func validCIDR(s string) bool {
	ip, network, err := net.ParseCIDR(s)
	return err == nil && ip.To4() != nil && ip.Equal(network.IP)
}

// portsOfAllProtocols are the ports of a rule for all protocols: AWS ignores them.
func portsOfAllProtocols(in value.Object) []string {
	if in.Text("protocol") != "-1" {
		return nil
	}
	return []string{"fromPort", "toPort"}
}

// groupsOfRules are the security groups that a group's own rules name.
func groupsOfRules(r *record) []string {
	var groups []string
	for _, rule := range append(r.Outputs.List("ingress"), r.Outputs.List("egress")...) {
		groups = append(groups, value.ObjectOf(rule).Texts("securityGroups")...)
	}
	return groups
}

// The network that every account has in every region: a VPC with a subnet in each of three zones, and its security
// group. It is not stored, and cannot be changed.
const (
	defaultVPC           = "vpc-0a1b2c3d4e5f60718"
	defaultCIDR          = "172.31.0.0/16"
	defaultSecurityGroup = "sg-0a1b2c3d4e5f60718"
)

// defaultSubnets are the default VPC's subnets in a region.
func defaultSubnets(region string) []*record {
	var out []*record
	for i, zone := range []string{"a", "b", "c"} {
		id := fmt.Sprintf("subnet-0a1b2c3d4e5f6071%s", zone)
		out = append(out, &record{Type: typeSubnet, ID: id, Name: id, Region: region, Outputs: map[string]any{
			"vpcId": defaultVPC, "availabilityZone": region + zone, "availabilityZoneId": fmt.Sprintf("%s-az%d", region, i+1),
			"cidrBlock": fmt.Sprintf("172.31.%d.0/20", i*16), "mapPublicIpOnLaunch": true, "defaultForAz": true, "state": "available",
			"arn": "arn:aws:ec2:" + region + ":" + account + ":subnet/" + id, "ownerId": account,
		}})
	}
	return out
}

func defaultVPCRecord(region string) *record {
	return &record{Type: typeVPC, ID: defaultVPC, Name: defaultVPC, Region: region, Outputs: map[string]any{
		"cidrBlock": defaultCIDR, "default": true, "state": "available", "enableDnsSupport": true, "enableDnsHostnames": true,
		"arn": "arn:aws:ec2:" + region + ":" + account + ":vpc/" + defaultVPC, "ownerId": account, "instanceTenancy": "default",
		"mainRouteTableId": "rtb-0a1b2c3d4e5f60718", "dhcpOptionsId": "dopt-0a1b2c3d4e5f60718",
	}}
}

func defaultSecurityGroupRecord(region string) *record {
	return &record{Type: typeSecurityGroup, ID: defaultSecurityGroup, Name: "default", Region: region, Outputs: map[string]any{
		"name": "default", "description": "default VPC security group", "vpcId": defaultVPC, "ownerId": account,
		"arn": "arn:aws:ec2:" + region + ":" + account + ":security-group/" + defaultSecurityGroup,
	}}
}

// regional lists the records of a type in a region, with the default network's.
func (t *tx) regional(typ, region string) ([]*record, error) {
	all, err := t.where(typ, func(r *record) bool { return r.Region == region })
	switch typ {
	case typeSubnet:
		all = append(defaultSubnets(region), all...)
	case typeVPC:
		all = append([]*record{defaultVPCRecord(region)}, all...)
	case typeSecurityGroup:
		all = append([]*record{defaultSecurityGroupRecord(region)}, all...)
	}
	return all, err
}

// inRegion is one of the region's records by id or name, the default network's among them; nil if there is none.
func (o *op) inRegion(typ, ref string) (*record, error) {
	all, err := o.tx.regional(typ, o.region)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(r *record) bool { return r.ID == ref || r.Name == ref })
	if i < 0 {
		return nil, nil
	}
	return all[i], nil
}

func (o *op) subnet(id string) (*record, error) { return o.inRegion(typeSubnet, id) }

// needSecurityGroup is the error with this code and message (one verb, the id) if there is no such group.
func (o *op) needSecurityGroup(id, code, message string) error {
	sg, err := o.inRegion(typeSecurityGroup, id)
	if err == nil && sg == nil {
		return awsErrorf(code, message, id)
	}
	return err
}

func createVPC(o *op) error {
	o.rec.ID = o.expand("vpc-{hex17}")
	o.force(map[string]any{"arn": o.arn("ec2", "vpc/"+o.rec.ID), "ownerId": account, "mainRouteTableId": o.expand("rtb-{hex17}")})
	o.set(map[string]any{"enableDnsSupport": true, "instanceTenancy": "default"})
	return nil
}

func removeVPC(o *op) error {
	for _, typ := range []string{typeSubnet, typeSecurityGroup} {
		inside, err := o.tx.where(typ, func(r *record) bool { return r.str("vpcId") == o.rec.ID })
		if err != nil {
			return err
		}
		if len(inside) > 0 {
			return awsErrorf("DependencyViolation", "The vpc '%s' has dependencies and cannot be deleted.", o.rec.ID)
		}
	}
	return nil
}

func createSubnet(o *op) error {
	vpc, err := o.inRegion(typeVPC, o.in.Text("vpcId"))
	if err != nil {
		return err
	}
	if vpc == nil {
		return awsErrorf("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", o.in.Text("vpcId"))
	}
	o.rec.ID = o.expand("subnet-{hex17}")
	o.force(map[string]any{"arn": o.arn("ec2", "subnet/"+o.rec.ID), "ownerId": account})
	o.set(map[string]any{"availabilityZone": o.region + "a"})
	return nil
}

func createSecurityGroup(o *op) error {
	vpcID := o.in.Text("vpcId")
	if vpcID == "" {
		vpcID = defaultVPC
	}
	vpc, err := o.inRegion(typeVPC, vpcID)
	if err != nil {
		return err
	}
	if vpc == nil {
		return awsErrorf("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", vpcID)
	}
	others, err := o.tx.where(typeSecurityGroup, func(r *record) bool {
		return r.Name == o.rec.Name && r.str("vpcId") == vpcID && r.Region == o.region
	})
	if err != nil {
		return err
	}
	if len(others) > 0 {
		return awsErrorf("InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", o.rec.Name, vpcID)
	}
	for _, rule := range append(o.in.List("ingress"), o.in.List("egress")...) {
		for _, id := range value.ObjectOf(rule).Texts("securityGroups") {
			if err := o.needSecurityGroup(id, "InvalidGroup.NotFound", "The security group '%s' does not exist"); err != nil {
				return err
			}
		}
	}
	o.rec.ID = o.expand("sg-{hex17}")
	o.force(map[string]any{"vpcId": vpcID, "ownerId": account, "arn": o.arn("ec2", "security-group/"+o.rec.ID)})
	return nil
}

// removeSecurityGroup refuses while something uses the group.
func removeSecurityGroup(o *op) error {
	id := o.rec.ID
	used, err := o.tx.where(typeSecurityGroupRule, func(r *record) bool {
		return r.str("sourceSecurityGroupId") == id && r.str("securityGroupId") != id
	})
	if err != nil {
		return err
	}
	for typ, k := range o.kinds {
		if k.securityGroups == nil {
			continue
		}
		found, err := o.tx.where(typ, func(r *record) bool { return r.ID != id && slices.Contains(k.securityGroups(r), id) })
		if err != nil {
			return err
		}
		used = append(used, found...)
	}
	if len(used) > 0 {
		return awsErrorf("DependencyViolation", "resource %s has a dependent object", id)
	}
	rules, err := o.tx.where(typeSecurityGroupRule, func(r *record) bool { return r.str("securityGroupId") == id })
	if err != nil {
		return err
	}
	for _, r := range rules {
		if err := o.tx.remove(r); err != nil {
			return err
		}
	}
	return nil
}

func createSecurityGroupRule(o *op) error {
	for _, key := range []string{"securityGroupId", "sourceSecurityGroupId"} {
		if id := o.in.Text(key); id != "" {
			if err := o.needSecurityGroup(id, "InvalidGroup.NotFound", "The security group '%s' does not exist"); err != nil {
				return err
			}
		}
	}
	same := func(r *record) bool {
		for _, key := range []string{"securityGroupId", "type", "fromPort", "toPort", "protocol", "sourceSecurityGroupId", "self", "cidrBlocks", "ipv6CidrBlocks"} {
			if fmt.Sprint(r.Inputs[key]) != fmt.Sprint(o.in[key]) {
				return false
			}
		}
		return true
	}
	others, err := o.tx.where(typeSecurityGroupRule, same)
	if err != nil {
		return err
	}
	if len(others) > 0 {
		return awsErrorf("InvalidPermission.Duplicate", "the specified rule already exists")
	}
	o.force(map[string]any{"securityGroupRuleId": o.expand("sgr-{hex17}")})
	return nil
}

func securityGroupGone(o *op) (bool, error) {
	sg, err := o.inRegion(typeSecurityGroup, o.rec.str("securityGroupId"))
	if err == nil && sg == nil {
		return true, o.tx.remove(o.rec)
	}
	return false, err
}

// ruleImport is what the real provider imports a rule by: group, direction, protocol, ports and sources.
func ruleImport(r *record) string {
	protocol := r.str("protocol")
	if protocol == "-1" {
		protocol = "all"
	}
	sources := append(r.Outputs.Texts("cidrBlocks"), r.Outputs.Texts("ipv6CidrBlocks")...)
	if s := r.str("sourceSecurityGroupId"); s != "" {
		sources = append(sources, s)
	}
	if r.Outputs.Bool("self") {
		sources = append(sources, "self")
	}
	return strings.Join(append([]string{
		r.str("securityGroupId"), r.str("type"), protocol, r.str("fromPort"), r.str("toPort"),
	}, sources...), "_")
}

// filtered lists the region's records of a type that the arguments pick: those given, by name, and "filters" as in
// EC2's APIs.
func (l *lookup) filtered(typ string, arguments ...string) ([]*record, error) {
	all, err := l.tx.regional(typ, l.region)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(r *record) bool {
		for _, a := range arguments {
			if want := l.args.Text(a); l.args[a] != nil && want != r.Outputs.Text(a) && !(a == "id" && want == r.ID) {
				return true
			}
		}
		for k, v := range l.args.Object("tags") {
			if r.tags()[k] != value.Text(v) {
				return true
			}
		}
		for _, f := range l.args.List("filters") {
			if !matchesFilter(r, value.ObjectOf(f).Text("name"), value.ObjectOf(f).Texts("values")) {
				return true
			}
		}
		return false
	}), nil
}

// matchesFilter tells whether a record matches one of EC2's filters.
func matchesFilter(r *record, name string, values []string) bool {
	var have string
	switch name {
	case "vpc-id":
		have = r.str("vpcId")
		if r.Type == typeVPC {
			have = r.ID
		}
	case "default-for-az", "defaultForAz":
		have = value.Text(r.Outputs.Bool("defaultForAz"))
	case "is-default", "isDefault":
		have = value.Text(r.Outputs.Bool("default"))
	case "availability-zone", "availabilityZone":
		have = r.str("availabilityZone")
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
		have = r.tags()[key]
	}
	return slices.Contains(values, have)
}

func getVPC(l *lookup) (value.Object, error) {
	records, err := l.filtered(typeVPC, "id", "default", "cidrBlock", "state")
	if err != nil {
		return nil, err
	}
	return single(records, "EC2 VPC")
}

func getSubnet(l *lookup) (value.Object, error) {
	records, err := l.filtered(typeSubnet, "id", "vpcId", "availabilityZone", "cidrBlock", "defaultForAz", "state")
	if err != nil {
		return nil, err
	}
	return single(records, "EC2 Subnet")
}

func getSubnets(l *lookup) (value.Object, error) {
	records, err := l.filtered(typeSubnet)
	ids := []any{}
	for _, r := range records {
		ids = append(ids, r.ID)
	}
	return map[string]any{"id": l.region, "ids": ids}, err
}

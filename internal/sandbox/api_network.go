package sandbox

import (
	"net/http"
	"slices"
	"strings"
)

func ec2Action(name string) action {
	return map[string]action{
		"DescribeSecurityGroups":     describeSecurityGroups,
		"DescribeSecurityGroupRules": describeSecurityGroupRules,
		"DescribeVpcs":               describeVPCs,
		"DescribeSubnets":            describeSubnets,
	}[name]
}

// network lists the region's records of a type that a call asks for by ids or filters. AWS says code and message (one
// verb) about an id that does not exist.
func (c *call) network(typ, ids, code, message string) ([]*record, error) {
	all, err := c.tx.regional(typ, c.region)
	if err != nil {
		return nil, err
	}
	wanted := c.members(ids)
	for _, id := range wanted {
		if !slices.ContainsFunc(all, func(r *record) bool { return r.ID == id }) {
			return nil, awsErrorf(code, message, id)
		}
	}
	return slices.DeleteFunc(all, func(r *record) bool {
		for name, values := range c.filters() {
			if !matchesFilter(r, name, values) {
				return true
			}
		}
		return !matches(wanted, r.ID)
	}), nil
}

func describeSecurityGroups(c *call) (any, error) {
	records, err := c.network(typeSecurityGroup, "GroupId", "InvalidGroup.NotFound", "The security group '%s' does not exist")
	if err != nil {
		return nil, err
	}
	return []node{many("securityGroupInfo", "item", records, func(r *record) []node {
		return []node{
			leaf("ownerId", account), leaf("groupId", r.ID), leaf("groupName", r.Name), leaf("groupDescription", r.str("description")),
			leaf("vpcId", r.str("vpcId")), tagNodes("tagSet", "item", "key", "value", r.tags()),
		}
	})}, nil
}

func describeSecurityGroupRules(c *call) (any, error) {
	groups := c.filters()["group-id"]
	records, err := c.here(typeSecurityGroupRule, func(r *record) bool { return matches(groups, r.str("securityGroupId")) })
	if err != nil {
		return nil, err
	}
	var items []node
	add := func(r *record, source ...node) {
		items = append(items, el("item", append([]node{
			leaf("securityGroupRuleId", r.str("securityGroupRuleId")), leaf("groupId", r.str("securityGroupId")), leaf("groupOwnerId", account),
			leaf("isEgress", r.str("type") == "egress"), leaf("ipProtocol", r.str("protocol")),
			leaf("fromPort", r.Outputs["fromPort"]), leaf("toPort", r.Outputs["toPort"]), leaf("description", r.str("description")),
		}, source...)...))
	}
	for _, r := range records {
		for _, cidr := range texts(r.Outputs["cidrBlocks"]) {
			add(r, leaf("cidrIpv4", cidr))
		}
		for _, cidr := range texts(r.Outputs["ipv6CidrBlocks"]) {
			add(r, leaf("cidrIpv6", cidr))
		}
		source := r.str("sourceSecurityGroupId")
		if truth(r.Outputs["self"]) {
			source = r.str("securityGroupId")
		}
		if source != "" {
			add(r, el("referencedGroupInfo", leaf("groupId", source), leaf("userId", account)))
		}
	}
	return []node{el("securityGroupRuleSet", items...)}, nil
}

func describeVPCs(c *call) (any, error) {
	records, err := c.network(typeVPC, "VpcId", "InvalidVpcID.NotFound", "The vpc ID '%s' does not exist")
	if err != nil {
		return nil, err
	}
	return []node{many("vpcSet", "item", records, func(r *record) []node {
		return []node{
			leaf("vpcId", r.ID), leaf("state", "available"), leaf("cidrBlock", r.str("cidrBlock")),
			leaf("isDefault", truth(r.Outputs["default"])), tagNodes("tagSet", "item", "key", "value", r.tags()),
		}
	})}, nil
}

func describeSubnets(c *call) (any, error) {
	records, err := c.network(typeSubnet, "SubnetId", "InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist")
	if err != nil {
		return nil, err
	}
	return []node{many("subnetSet", "item", records, func(r *record) []node {
		return []node{
			leaf("subnetId", r.ID), leaf("state", "available"), leaf("vpcId", r.str("vpcId")), leaf("cidrBlock", r.str("cidrBlock")),
			leaf("availabilityZone", r.str("availabilityZone")), leaf("defaultForAz", truth(r.Outputs["defaultForAz"])),
			tagNodes("tagSet", "item", "key", "value", r.tags()),
		}
	})}, nil
}

func balancingAction(name string) action {
	return map[string]action{
		"DescribeLoadBalancers": describeBalancers,
		"DescribeListeners":     describeListeners,
		"DescribeRules":         describeRules,
		"DescribeTargetGroups":  describeTargetGroups,
		"DescribeTags":          describeBalancingTags,
	}[name]
}

// balancing lists records by ARNs and names. AWS says code about one that does not exist.
func (c *call) balancing(typ, arns, names, code, what string) ([]*record, error) {
	wanted := c.members(arns)
	wantedNames := c.members(names)
	records, err := c.here(typ, func(r *record) bool { return matches(wanted, r.ID) && matches(wantedNames, r.Name) })
	if err == nil && len(records) < max(len(wanted), len(wantedNames)) {
		err = awsErrorf(code, "One or more %s not found", what)
	}
	return records, err
}

func describeBalancers(c *call) (any, error) {
	records, err := c.balancing(typeBalancer, "LoadBalancerArns", "Names", "LoadBalancerNotFound", "load balancers")
	if err != nil {
		return nil, err
	}
	return []node{many("LoadBalancers", "member", records, func(r *record) []node {
		scheme := "internet-facing"
		if truth(r.Outputs["internal"]) {
			scheme = "internal"
		}
		return []node{
			leaf("LoadBalancerArn", r.ID), leaf("LoadBalancerName", r.Name), leaf("DNSName", r.str("dnsName")), leaf("Scheme", scheme),
			leaf("CanonicalHostedZoneId", balancerZone), leaf("VpcId", defaultVPC), leaf("Type", r.str("loadBalancerType")),
			leaf("CreatedTime", r.Created), el("State", leaf("Code", r.Status)),
			members("SecurityGroups", "member", texts(r.Outputs["securityGroups"])),
		}
	})}, nil
}

func describeListeners(c *call) (any, error) {
	records, err := c.balancing(typeListener, "ListenerArns", "", "ListenerNotFound", "listeners")
	if err != nil {
		return nil, err
	}
	lb := c.form.Get("LoadBalancerArn")
	records = slices.DeleteFunc(records, func(r *record) bool { return lb != "" && r.str("loadBalancerArn") != lb })
	return []node{many("Listeners", "member", records, func(r *record) []node {
		return []node{
			leaf("ListenerArn", r.ID), leaf("LoadBalancerArn", r.str("loadBalancerArn")), leaf("Port", r.Outputs["port"]),
			leaf("Protocol", r.str("protocol")), leaf("SslPolicy", r.str("sslPolicy")),
		}
	})}, nil
}

func describeRules(c *call) (any, error) {
	records, err := c.balancing(typeListenerRule, "RuleArns", "", "RuleNotFound", "rules")
	if err != nil {
		return nil, err
	}
	listener := c.form.Get("ListenerArn")
	records = slices.DeleteFunc(records, func(r *record) bool { return listener != "" && r.str("listenerArn") != listener })
	return []node{many("Rules", "member", records, func(r *record) []node {
		var hosts []string
		for _, condition := range list(r.Outputs["conditions"]) {
			hosts = append(hosts, texts(object(object(condition)["hostHeader"])["values"])...)
		}
		return []node{
			leaf("RuleArn", r.ID), leaf("Priority", r.Outputs["priority"]), leaf("IsDefault", false),
			el("Conditions", el("member", leaf("Field", "host-header"), members("Values", "member", hosts))),
		}
	})}, nil
}

func describeTargetGroups(c *call) (any, error) {
	records, err := c.balancing(typeTargetGroup, "TargetGroupArns", "Names", "TargetGroupNotFound", "target groups")
	if err != nil {
		return nil, err
	}
	return []node{many("TargetGroups", "member", records, func(r *record) []node {
		return []node{
			leaf("TargetGroupArn", r.ID), leaf("TargetGroupName", r.Name), leaf("Port", r.Outputs["port"]),
			leaf("Protocol", r.str("protocol")), leaf("VpcId", r.str("vpcId")), leaf("TargetType", r.str("targetType")),
		}
	})}, nil
}

func describeBalancingTags(c *call) (any, error) {
	var items []node
	for _, arn := range c.members("ResourceArns") {
		var owner *record
		for _, typ := range []string{typeBalancer, typeListener, typeListenerRule, typeTargetGroup} {
			r, err := c.tx.get(typ, arn)
			if err != nil {
				return nil, err
			}
			if r != nil {
				owner = r
			}
		}
		if owner == nil {
			return nil, awsErrorf("LoadBalancerNotFound", "One or more load balancers not found")
		}
		items = append(items, el("member", leaf("ResourceArn", arn), tagNodes("Tags", "member", "Key", "Value", owner.tags())))
	}
	return []node{el("TagDescriptions", items...)}, nil
}

// route53Operation is the operation that a request's method and path ask for.
func route53Operation(r *http.Request) string {
	path := strings.TrimPrefix(r.URL.Path, "/2013-04-01/")
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case r.Method != http.MethodGet:
		return r.Method + " " + path
	case parts[0] == "hostedzonesbyname":
		return "ListHostedZonesByName"
	case parts[0] == "hostedzone" && len(parts) == 1:
		return "ListHostedZones"
	case parts[0] == "hostedzone" && len(parts) == 2:
		return "GetHostedZone"
	case parts[0] == "hostedzone" && len(parts) == 3 && parts[2] == "rrset":
		return "ListResourceRecordSets"
	}
	return "GET " + path
}

func route53Action(name string) action {
	return map[string]action{
		"ListHostedZonesByName":  listZones,
		"ListHostedZones":        listZones,
		"GetHostedZone":          getHostedZone,
		"ListResourceRecordSets": listRecords,
	}[name]
}

func zoneNodes(r *record) []node {
	return []node{
		leaf("Id", "/hostedzone/"+r.ID), leaf("Name", r.Name+"."), leaf("CallerReference", "sandbox"),
		el("Config", leaf("Comment", r.str("comment")), leaf("PrivateZone", false)), leaf("ResourceRecordSetCount", 2.0),
	}
}

func listZones(c *call) (any, error) {
	name := strings.TrimSuffix(c.form.Get("dnsname"), ".")
	if name != "" {
		if _, err := c.tx.zoneByName(name); err != nil {
			return nil, err
		}
	}
	zones, err := c.tx.where(typeZone, func(r *record) bool { return name == "" || r.Name >= name })
	if err != nil {
		return nil, err
	}
	return []node{
		many("HostedZones", "HostedZone", zones, zoneNodes), leaf("DNSName", c.form.Get("dnsname")),
		leaf("IsTruncated", false), leaf("MaxItems", "100"),
	}, nil
}

func (c *call) hostedZone() (*record, error) {
	id := strings.Split(strings.TrimPrefix(c.path, "/2013-04-01/hostedzone/"), "/")[0]
	z, err := c.tx.zone(id)
	if err == nil && z == nil {
		err = awsErrorf("NoSuchHostedZone", "No hosted zone found with ID: %s", id).with(http.StatusNotFound)
	}
	return z, err
}

func getHostedZone(c *call) (any, error) {
	z, err := c.hostedZone()
	if err != nil {
		return nil, err
	}
	return []node{el("HostedZone", zoneNodes(z)...), el("DelegationSet", members("NameServers", "NameServer", texts(z.Outputs["nameServers"])))}, nil
}

// dnsOrder is the order in which Route 53 lists names: by their labels from the last.
func dnsOrder(name string) string {
	labels := strings.Split(strings.TrimSuffix(name, "."), ".")
	slices.Reverse(labels)
	return strings.Join(labels, ".")
}

func listRecords(c *call) (any, error) {
	z, err := c.hostedZone()
	if err != nil {
		return nil, err
	}
	from, kind := strings.ToLower(c.form.Get("name")), c.form.Get("type")
	records, err := c.tx.where(typeRecord, func(r *record) bool {
		if r.str("zoneId") != z.ID {
			return false
		}
		at, start := dnsOrder(r.Name), dnsOrder(strings.ReplaceAll(from, `\052`, "*"))
		return from == "" || at > start || at == start && r.str("type") >= kind
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(records, func(a, b *record) int {
		return strings.Compare(dnsOrder(a.Name)+" "+a.str("type"), dnsOrder(b.Name)+" "+b.str("type"))
	})
	rest, token := page(records, "", c.form.Get("maxitems"))
	out := []node{many("ResourceRecordSets", "ResourceRecordSet", rest, recordNodes), leaf("IsTruncated", token != ""), leaf("MaxItems", "300")}
	if token != "" {
		next := records[len(rest)]
		out = append(out, leaf("NextRecordName", strings.ReplaceAll(next.Name, "*", `\052`)+"."), leaf("NextRecordType", next.str("type")))
	}
	return out, nil
}

func recordNodes(r *record) []node {
	// Route 53 writes characters other than letters, digits, hyphens and dots as octal codes.
	out := []node{leaf("Name", strings.ReplaceAll(r.Name, "*", `\052`)+"."), leaf("Type", r.str("type")), leaf("SetIdentifier", r.str("setIdentifier"))}
	for _, a := range list(r.Outputs["aliases"]) {
		m := object(a)
		return append(out, el("AliasTarget", leaf("HostedZoneId", m["zoneId"]), leaf("DNSName", text(m["name"])+"."), leaf("EvaluateTargetHealth", truth(m["evaluateTargetHealth"]))))
	}
	return append(out, leaf("TTL", r.Outputs["ttl"]), many("ResourceRecords", "ResourceRecord", texts(r.Outputs["records"]), func(v string) []node {
		return []node{leaf("Value", v)}
	}))
}

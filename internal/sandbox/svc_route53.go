package sandbox

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// The resource types of Route 53.
const (
	typeRecord = "aws:route53/record:Record"
	typeZone   = "aws:route53/zone:Zone"
)

func route53Service() service {
	return service{
		kinds: map[string]kind{
			typeZone: {
				title: "Route 53 Hosted Zone", id: "Z{id20}", anywhere: true,
				rules:    []rule{{property: "name", also: validDNSName, want: "labels of 1 to 63 letters, digits, hyphens or underscores"}},
				onCreate: createZone, onRemove: removeZone,
			},
			typeRecord: {
				title: "Route 53 Record", anywhere: true,
				rules: []rule{
					{property: "type", allowed: []string{"A", "AAAA", "CAA", "CNAME", "DNSKEY", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SPF", "SRV", "SSHFP", "SVCB", "TLSA", "TXT"}},
					{property: "name", also: validDNSName, want: "labels of 1 to 63 letters, digits, hyphens, underscores or a *"}, {property: "ttl", max: 2147483647},
				},
				combinations: []combination{
					exclusive("records", "aliases"), exclusive("ttl", "aliases"), either("records", "aliases"),
					{"ttl", func(given func(string) bool) string {
						if given("records") && !given("ttl") {
							return `"ttl": all of records, ttl must be specified`
						}
						return ""
					}},
				},
				onCreate: createRecord, onUpdate: updateRecord,
			},
		},
		functions: map[string]function{"aws:route53/getZone:getZone": getZone},
	}
}

var labelPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(\*|[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)$`)
})

func validDNSName(s string) bool {
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > 253 {
		return s == ""
	}
	return !slices.ContainsFunc(strings.Split(s, "."), func(l string) bool { return !labelPattern().MatchString(l) })
}

// builtinZone is the public hosted zone that the sandbox has for a domain without being asked: each domain name of two
// labels or more has one, under an id made from its name. A zone made by a program, of the same name or of a parent,
// does not change that.
func builtinZone(domain string) *record {
	domain = strings.TrimSuffix(domain, ".")
	if strings.Count(domain, ".") == 0 {
		return nil
	}
	id := "Z" + strings.ToUpper(digest(domain)[:20])
	return &record{Type: typeZone, ID: id, Name: domain, Outputs: map[string]any{
		"name": domain, "zoneId": id, "comment": "the sandbox's zone for " + domain, "privateZone": false,
		"arn": "arn:aws:route53:::hostedzone/" + id, "nameServers": value.ListOf("ns-1.sandbox.invalid", "ns-2.sandbox.invalid"),
		"primaryNameServer": "ns-1.sandbox.invalid",
	}}
}

// zone finds a hosted zone by its id. A built-in zone is known once it was looked up by name, which stored it.
func (t *tx) zone(id string) (*record, error) {
	return t.get(typeZone, strings.TrimPrefix(id, "/hostedzone/"))
}

// zoneByName finds a hosted zone by its domain: one that a program made, else the built-in one, which is stored then
// so that it is found by its id too. nil for a name that no zone can have.
func (t *tx) zoneByName(domain string) (*record, error) {
	domain = strings.TrimSuffix(domain, ".")
	zones, err := t.where(typeZone, func(r *record) bool { return strings.TrimSuffix(r.Name, ".") == domain })
	if err != nil {
		return nil, err
	}
	if len(zones) > 0 {
		return zones[0], nil
	}
	z := builtinZone(domain)
	if z == nil {
		return nil, nil
	}
	z.Inputs = map[string]any{"name": domain}
	z.Created, z.Updated, z.Status = t.now, t.now, "builtin"
	return z, t.put(z)
}

func createZone(o *op) error {
	o.rec.Name = strings.TrimSuffix(o.in.Text("name"), ".")
	o.rec.ID = o.expand("Z{id20}")
	o.force(map[string]any{
		"name": o.rec.Name, "zoneId": o.rec.ID, "arn": "arn:aws:route53:::hostedzone/" + o.rec.ID,
		"nameServers": value.ListOf("ns-1.sandbox.invalid", "ns-2.sandbox.invalid"), "primaryNameServer": "ns-1.sandbox.invalid",
	})
	o.set(map[string]any{"comment": "Managed by Pulumi"})
	return nil
}

func removeZone(o *op) error {
	records, err := o.tx.where(typeRecord, func(r *record) bool { return r.str("zoneId") == o.rec.ID })
	if err != nil {
		return err
	}
	if len(records) > 0 && !o.in.Bool("forceDestroy") {
		return awsErrorf("HostedZoneNotEmpty", "The specified hosted zone contains non-required resource record sets and so cannot be deleted.")
	}
	for _, r := range records {
		if err := o.tx.remove(r); err != nil {
			return err
		}
	}
	return nil
}

// recordName is a record's full name: below its zone, in lower case, without the dot at the end.
func recordName(name, zone string) string {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if name == "" {
		return zone
	}
	if name == zone || strings.HasSuffix(name, "."+zone) {
		return name
	}
	return name + "." + zone
}

func createRecord(o *op) error {
	zone, err := o.tx.zone(o.in.Text("zoneId"))
	if err != nil {
		return err
	}
	if zone == nil {
		return awsErrorf("NoSuchHostedZone", "No hosted zone found with ID: %s", o.in.Text("zoneId")).with(404)
	}
	fqdn := recordName(o.in.Text("name"), zone.Name)
	o.rec.ID = strings.Join([]string{zone.ID, fqdn, o.in.Text("type")}, "_")
	if set := o.in.Text("setIdentifier"); set != "" {
		o.rec.ID += "_" + set
	}
	o.rec.Name = fqdn
	other, err := o.tx.get(typeRecord, o.rec.ID)
	if err != nil {
		return err
	}
	if other != nil && !o.in.Bool("allowOverwrite") {
		return awsErrorf("InvalidChangeBatch", "[Tried to create resource record set [name='%s.', type='%s'] but it already exists]", fqdn, o.in.Text("type"))
	}
	if err := o.checkRecordConflict(zone, fqdn); err != nil {
		return err
	}
	o.force(map[string]any{"fqdn": fqdn, "name": strings.ToLower(strings.TrimSuffix(o.in.Text("name"), "."))})
	o.rec.Status = "INSYNC"
	return nil
}

// checkRecordConflict refuses a CNAME beside other records, and values where there is an alias or neither.
func (o *op) checkRecordConflict(zone *record, fqdn string) error {
	typ := o.in.Text("type")
	if len(o.in.List("records")) == 0 && len(o.in.List("aliases")) == 0 {
		return awsErrorf("InvalidInput", "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found none in Change with [Action=CREATE, Name=%s., Type=%s]", fqdn, typ)
	}
	if typ == "CNAME" && fqdn == zone.Name {
		return awsErrorf("InvalidChangeBatch", "[RRSet of type CNAME with DNS name %s. is not permitted at apex in zone %s.]", fqdn, zone.Name)
	}
	others, err := o.tx.where(typeRecord, func(r *record) bool { return r.str("zoneId") == zone.ID && r.Name == fqdn && r.ID != o.rec.ID })
	if err != nil {
		return err
	}
	if slices.ContainsFunc(others, func(r *record) bool { return (typ == "CNAME") != (r.str("type") == "CNAME") }) {
		return awsErrorf("InvalidChangeBatch", "[RRSet of type %s with DNS name %s. is not permitted because a conflicting RRSet of type %s with the same DNS name already exists in zone %s.]", typ, fqdn, others[0].str("type"), zone.Name)
	}
	return nil
}

func updateRecord(o *op) error {
	zone, err := o.tx.zone(o.in.Text("zoneId"))
	if err != nil {
		return err
	}
	if zone == nil {
		return awsErrorf("NoSuchHostedZone", "No hosted zone found with ID: %s", o.in.Text("zoneId")).with(404)
	}
	return o.checkRecordConflict(zone, o.rec.Name)
}

func getZone(l *lookup) (value.Object, error) {
	if l.args.Bool("privateZone") {
		return nil, fmt.Errorf("no matching Route 53 Hosted Zone found")
	}
	var z *record
	var err error
	if id := l.args.Text("zoneId"); id != "" {
		z, err = l.tx.zone(id)
	} else {
		z, err = l.tx.zoneByName(l.args.Text("name"))
	}
	if err != nil {
		return nil, err
	}
	if z == nil {
		return nil, fmt.Errorf("no matching Route 53 Hosted Zone found")
	}
	out := found(z)
	out["privateZone"], out["callerReference"] = false, "sandbox"
	return out, nil
}

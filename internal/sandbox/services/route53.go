package services

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// Resource types of Route 53.
const (
	TypeRecord = "aws:route53/record:Record"
	TypeZone   = "aws:route53/zone:Zone"
)

func route53Service() cloud.Service {
	return cloud.Service{
		Kinds: map[string]cloud.Kind{
			TypeZone: {
				Title: "Route 53 Hosted Zone", ID: "Z{id20}", Global: true,
				Rules:    []cloud.Rule{{Property: "name", Valid: validDNSName, Message: "labels of 1 to 63 letters, digits, hyphens or underscores"}},
				OnCreate: createZone, OnRemove: removeZone,
			},
			TypeRecord: {
				Title: "Route 53 Record", Global: true,
				Rules: []cloud.Rule{
					{Property: "type", Allowed: []string{"A", "AAAA", "CAA", "CNAME", "DNSKEY", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SPF", "SRV", "SSHFP", "SVCB", "TLSA", "TXT"}},
					{Property: "name", Valid: validDNSName, Message: "labels of 1 to 63 letters, digits, hyphens, underscores or a *"}, {Property: "ttl", Max: 2147483647},
				},
				Combinations: []cloud.Combination{
					cloud.Exclusive("records", "aliases"), cloud.Exclusive("ttl", "aliases"), cloud.OneOf("records", "records", "aliases"),
					{Property: "ttl", Check: func(given func(string) bool) string {
						if given("records") && !given("ttl") {
							return `"ttl": all of records, ttl must be specified`
						}
						return ""
					}},
				},
				OnCreate: createRecord, OnUpdate: updateRecord,
			},
		},
		Functions: map[string]cloud.Function{"aws:route53/getZone:getZone": getZone},
	}
}

var labelPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(\*|[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)$`)
})

// validDNSName reports whether s is a name that Route 53 takes. A label may be a wildcard.
func validDNSName(s string) bool {
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > 253 {
		return s == ""
	}
	return !slices.ContainsFunc(strings.Split(s, "."), func(l string) bool { return !labelPattern().MatchString(l) })
}

// builtinZone returns the public hosted zone of a domain, which exists although nobody created it. Its id depends on the
// domain alone. A domain of one label has none: nil.
func builtinZone(domain string) *cloud.Record {
	domain = strings.TrimSuffix(domain, ".")
	if strings.Count(domain, ".") == 0 {
		return nil
	}
	id := "Z" + strings.ToUpper(Digest(domain)[:20])
	return &cloud.Record{Type: TypeZone, ID: id, Name: domain, Outputs: map[string]any{
		"name": domain, "zoneId": id, "comment": "the sandbox's zone for " + domain, "privateZone": false,
		"arn": "arn:aws:route53:::hostedzone/" + id, "nameServers": value.ListOf("ns-1.sandbox.invalid", "ns-2.sandbox.invalid"),
		"primaryNameServer": "ns-1.sandbox.invalid",
	}}
}

// ZoneByID returns a hosted zone by its id, nil if there is none. A built-in zone is found after ZoneByName has stored it.
func ZoneByID(t *cloud.Tx, id string) (*cloud.Record, error) {
	return t.Get(TypeZone, strings.TrimPrefix(id, "/hostedzone/"))
}

// ZoneByName returns the hosted zone of a domain: a zone that a program created, or the built-in one. It stores the built-in
// zone. It returns nil if no zone can have the name.
func ZoneByName(t *cloud.Tx, domain string) (*cloud.Record, error) {
	domain = strings.TrimSuffix(domain, ".")
	zones, err := t.Where(TypeZone, func(r *cloud.Record) bool { return strings.TrimSuffix(r.Name, ".") == domain })
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
	z.Created, z.Updated, z.Status = t.Now, t.Now, "builtin"
	return z, t.Put(z)
}

func createZone(o *cloud.Operation) error {
	o.Record.Name = strings.TrimSuffix(o.Inputs.Text("name"), ".")
	o.Record.ID = o.Expand("Z{id20}")
	o.SetOutputs(map[string]any{
		"name": o.Record.Name, "zoneId": o.Record.ID, "arn": "arn:aws:route53:::hostedzone/" + o.Record.ID,
		"nameServers": value.ListOf("ns-1.sandbox.invalid", "ns-2.sandbox.invalid"), "primaryNameServer": "ns-1.sandbox.invalid",
	})
	o.SetDefaults(map[string]any{"comment": "Managed by Pulumi"})
	return nil
}

func removeZone(o *cloud.Operation) error {
	records, err := o.Tx.Where(TypeRecord, func(r *cloud.Record) bool { return r.Text("zoneId") == o.Record.ID })
	if err != nil {
		return err
	}
	if len(records) > 0 && !o.Inputs.Bool("forceDestroy") {
		return cloud.Errorf("HostedZoneNotEmpty", "The specified hosted zone contains non-required resource record sets and so cannot be deleted.")
	}
	for _, r := range records {
		if err := o.Tx.Remove(r); err != nil {
			return err
		}
	}
	return nil
}

// recordName returns a record's full name: below its zone, in lower case, without the final dot.
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

func createRecord(o *cloud.Operation) error {
	zone, err := ZoneByID(o.Tx, o.Inputs.Text("zoneId"))
	if err != nil {
		return err
	}
	if zone == nil {
		return cloud.Errorf("NoSuchHostedZone", "No hosted zone found with ID: %s", o.Inputs.Text("zoneId")).WithStatus(404)
	}
	fqdn := recordName(o.Inputs.Text("name"), zone.Name)
	o.Record.ID = strings.Join([]string{zone.ID, fqdn, o.Inputs.Text("type")}, "_")
	if set := o.Inputs.Text("setIdentifier"); set != "" {
		o.Record.ID += "_" + set
	}
	o.Record.Name = fqdn
	other, err := o.Tx.Get(TypeRecord, o.Record.ID)
	if err != nil {
		return err
	}
	if other != nil && !o.Inputs.Bool("allowOverwrite") {
		return cloud.Errorf("InvalidChangeBatch", "[Tried to create resource record set [name='%s.', type='%s'] but it already exists]", fqdn, o.Inputs.Text("type"))
	}
	if err := checkRecordConflict(o, zone, fqdn); err != nil {
		return err
	}
	o.SetOutputs(map[string]any{"fqdn": fqdn, "name": strings.ToLower(strings.TrimSuffix(o.Inputs.Text("name"), "."))})
	o.Record.Status = "INSYNC"
	return nil
}

// checkRecordConflict refuses a record without a value, a CNAME beside other records, and a CNAME for the zone itself.
func checkRecordConflict(o *cloud.Operation, zone *cloud.Record, fqdn string) error {
	typ := o.Inputs.Text("type")
	if len(o.Inputs.List("records")) == 0 && len(o.Inputs.List("aliases")) == 0 {
		return cloud.Errorf("InvalidInput", "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found none in Change with [Action=CREATE, Name=%s., Type=%s]", fqdn, typ)
	}
	if typ == "CNAME" && fqdn == zone.Name {
		return cloud.Errorf("InvalidChangeBatch", "[RRSet of type CNAME with DNS name %s. is not permitted at apex in zone %s.]", fqdn, zone.Name)
	}
	others, err := o.Tx.Where(TypeRecord, func(r *cloud.Record) bool {
		return r.Text("zoneId") == zone.ID && r.Name == fqdn && r.ID != o.Record.ID
	})
	if err != nil {
		return err
	}
	if slices.ContainsFunc(others, func(r *cloud.Record) bool { return (typ == "CNAME") != (r.Text("type") == "CNAME") }) {
		return cloud.Errorf("InvalidChangeBatch", "[RRSet of type %s with DNS name %s. is not permitted because a conflicting RRSet of type %s with the same DNS name already exists in zone %s.]", typ, fqdn, others[0].Text("type"), zone.Name)
	}
	return nil
}

func updateRecord(o *cloud.Operation) error {
	zone, err := ZoneByID(o.Tx, o.Inputs.Text("zoneId"))
	if err != nil {
		return err
	}
	if zone == nil {
		return cloud.Errorf("NoSuchHostedZone", "No hosted zone found with ID: %s", o.Inputs.Text("zoneId")).WithStatus(404)
	}
	return checkRecordConflict(o, zone, o.Record.Name)
}

func getZone(l *cloud.Lookup) (value.Object, error) {
	if l.Args.Bool("privateZone") {
		return nil, fmt.Errorf("no matching Route 53 Hosted Zone found")
	}
	var z *cloud.Record
	var err error
	if id := l.Args.Text("zoneId"); id != "" {
		z, err = ZoneByID(l.Tx, id)
	} else {
		z, err = ZoneByName(l.Tx, l.Args.Text("name"))
	}
	if err != nil {
		return nil, err
	}
	if z == nil {
		return nil, fmt.Errorf("no matching Route 53 Hosted Zone found")
	}
	out := resultOf(z)
	out["privateZone"], out["callerReference"] = false, "sandbox"
	return out, nil
}

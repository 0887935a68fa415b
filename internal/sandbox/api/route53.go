package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/services"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// route53Operation returns the operation that a request's method and path ask for.
func route53Operation(r *http.Request) string {
	path := strings.TrimPrefix(r.URL.Path, "/2013-04-01/")
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case r.Method != http.MethodGet:
		return r.Method + " " + path
	case parts[0] == "tags" && len(parts) == 3 && parts[1] == "hostedzone":
		return "ListTagsForResource"
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

func route53() service {
	return service{protocol: "rest", namespace: "https://route53.amazonaws.com/doc/2013-04-01/", operation: route53Operation, actions: map[string]action{
		"ListHostedZonesByName":  listZones,
		"ListHostedZones":        listZones,
		"GetHostedZone":          getHostedZone,
		"ListResourceRecordSets": listRecords,
		"ListTagsForResource":    listZoneTags,
	}}
}

func zoneNodes(r *cloud.Record) []node {
	return []node{
		leaf("Id", "/hostedzone/"+r.ID), leaf("Name", r.Name+"."), leaf("CallerReference", "sandbox"),
		element("Config", leaf("Comment", r.Text("comment")), leaf("PrivateZone", false)), leaf("ResourceRecordSetCount", 2.0),
	}
}

func listZones(c *call) (any, error) {
	name := strings.TrimSuffix(c.form.Get("dnsname"), ".")
	if name != "" {
		if _, err := services.ZoneByName(c.Tx, name); err != nil {
			return nil, err
		}
	}
	zones, err := c.Tx.Where(services.TypeZone, func(r *cloud.Record) bool { return name == "" || r.Name >= name })
	if err != nil {
		return nil, err
	}
	return []node{
		elements("HostedZones", "HostedZone", zones, zoneNodes), leaf("DNSName", c.form.Get("dnsname")),
		leaf("IsTruncated", false), leaf("MaxItems", "100"),
	}, nil
}

// findZone returns the hosted zone in the path, or AWS's error if there is none.
func (c *call) findZone() (*cloud.Record, error) {
	id := strings.Split(strings.TrimPrefix(c.path, "/2013-04-01/hostedzone/"), "/")[0]
	z, err := services.ZoneByID(c.Tx, id)
	if err == nil && z == nil {
		err = cloud.Errorf("NoSuchHostedZone", "No hosted zone found with ID: %s", id).WithStatus(http.StatusNotFound)
	}
	return z, err
}

func getHostedZone(c *call) (any, error) {
	z, err := c.findZone()
	if err != nil {
		return nil, err
	}
	return []node{element("HostedZone", zoneNodes(z)...), element("DelegationSet", textElements("NameServers", "NameServer", z.Outputs.Texts("nameServers")))}, nil
}

func listZoneTags(c *call) (any, error) {
	id := strings.TrimPrefix(c.path, "/2013-04-01/tags/hostedzone/")
	z, err := services.ZoneByID(c.Tx, id)
	if err == nil && z == nil {
		err = cloud.Errorf("NoSuchHostedZone", "No hosted zone found with ID: %s", id).WithStatus(http.StatusNotFound)
	}
	if err != nil {
		return nil, err
	}
	return []node{element("ResourceTagSet", leaf("ResourceType", "hostedzone"), leaf("ResourceId", z.ID), tagNodes("Tags", "Tag", "Key", "Value", z.Tags()))}, nil
}

// dnsOrder returns a text by which names sort as Route 53 lists them: by their labels, the last one first.
func dnsOrder(name string) string {
	labels := strings.Split(strings.TrimSuffix(name, "."), ".")
	slices.Reverse(labels)
	return strings.Join(labels, ".")
}

func listRecords(c *call) (any, error) {
	z, err := c.findZone()
	if err != nil {
		return nil, err
	}
	from, kind := strings.ToLower(c.form.Get("name")), c.form.Get("type")
	records, err := c.Tx.Where(services.TypeRecord, func(r *cloud.Record) bool {
		if r.Text("zoneId") != z.ID {
			return false
		}
		at, start := dnsOrder(r.Name), dnsOrder(strings.ReplaceAll(from, `\052`, "*"))
		return from == "" || at > start || at == start && r.Text("type") >= kind
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(records, func(a, b *cloud.Record) int {
		return strings.Compare(dnsOrder(a.Name)+" "+a.Text("type"), dnsOrder(b.Name)+" "+b.Text("type"))
	})
	rest, token := paginate(records, "", c.form.Get("maxitems"))
	out := []node{elements("ResourceRecordSets", "ResourceRecordSet", rest, recordNodes), leaf("IsTruncated", token != ""), leaf("MaxItems", "300")}
	if token != "" {
		next := records[len(rest)]
		out = append(out, leaf("NextRecordName", strings.ReplaceAll(next.Name, "*", `\052`)+"."), leaf("NextRecordType", next.Text("type")))
	}
	return out, nil
}

func recordNodes(r *cloud.Record) []node {
	// Route 53 writes characters other than letters, digits, hyphens and dots as octal codes.
	out := []node{leaf("Name", strings.ReplaceAll(r.Name, "*", `\052`)+"."), leaf("Type", r.Text("type")), leaf("SetIdentifier", r.Text("setIdentifier"))}
	for _, a := range r.Outputs.List("aliases") {
		m := value.ObjectOf(a)
		return append(out, element("AliasTarget", leaf("HostedZoneId", m["zoneId"]), leaf("DNSName", m.Text("name")+"."), leaf("EvaluateTargetHealth", m.Bool("evaluateTargetHealth"))))
	}
	return append(out, leaf("TTL", r.Outputs["ttl"]), elements("ResourceRecords", "ResourceRecord", r.Outputs.Texts("records"), func(v string) []node {
		return []node{leaf("Value", v)}
	}))
}

package sandbox

import (
	"fmt"
	"slices"
	"strings"
)

// builtinZone is the public hosted zone that the sandbox has for a domain without being asked: each domain name of two
// labels or more has one, under an id made from its name. A zone made by a program, of the same name or of a parent,
// does not change that.
func builtinZone(domain string) *record {
	domain = strings.TrimSuffix(domain, ".")
	if strings.Count(domain, ".") == 0 {
		return nil
	}
	id := "Z" + strings.ToUpper(hashed(domain)[:20])
	return &record{Type: typeZone, ID: id, Name: domain, Outputs: map[string]any{
		"name": domain, "zoneId": id, "comment": "the sandbox's zone for " + domain, "privateZone": false,
		"arn": "arn:aws:route53:::hostedzone/" + id, "nameServers": anys("ns-1.sandbox.invalid", "ns-2.sandbox.invalid"),
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
	o.rec.Name = strings.TrimSuffix(text(o.in["name"]), ".")
	o.rec.ID = "Z" + randomID(20)
	o.force(map[string]any{
		"name": o.rec.Name, "zoneId": o.rec.ID, "arn": "arn:aws:route53:::hostedzone/" + o.rec.ID,
		"nameServers": anys("ns-1.sandbox.invalid", "ns-2.sandbox.invalid"), "primaryNameServer": "ns-1.sandbox.invalid",
	})
	o.set(map[string]any{"comment": "Managed by Pulumi"})
	return nil
}

func removeZone(o *op) error {
	records, err := o.tx.where(typeRecord, func(r *record) bool { return r.str("zoneId") == o.rec.ID })
	if err != nil {
		return err
	}
	if len(records) > 0 && !truth(o.in["forceDestroy"]) {
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
	zone, err := o.tx.zone(text(o.in["zoneId"]))
	if err != nil {
		return err
	}
	if zone == nil {
		return awsErrorf("NoSuchHostedZone", "No hosted zone found with ID: %s", text(o.in["zoneId"])).with(404)
	}
	fqdn := recordName(text(o.in["name"]), zone.Name)
	o.rec.ID = strings.Join([]string{zone.ID, fqdn, text(o.in["type"])}, "_")
	if set := text(o.in["setIdentifier"]); set != "" {
		o.rec.ID += "_" + set
	}
	o.rec.Name = fqdn
	other, err := o.tx.get(typeRecord, o.rec.ID)
	if err != nil {
		return err
	}
	if other != nil && !truth(o.in["allowOverwrite"]) {
		return awsErrorf("InvalidChangeBatch", "[Tried to create resource record set [name='%s.', type='%s'] but it already exists]", fqdn, text(o.in["type"]))
	}
	if err := o.checkRecordConflict(zone, fqdn); err != nil {
		return err
	}
	o.force(map[string]any{"fqdn": fqdn, "name": strings.ToLower(strings.TrimSuffix(text(o.in["name"]), "."))})
	o.rec.Status = "INSYNC"
	return nil
}

// checkRecordConflict refuses a CNAME beside other records, and values where there is an alias or neither.
func (o *op) checkRecordConflict(zone *record, fqdn string) error {
	typ := text(o.in["type"])
	if len(list(o.in["records"])) == 0 && len(list(o.in["aliases"])) == 0 {
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
	zone, err := o.tx.zone(text(o.in["zoneId"]))
	if err != nil {
		return err
	}
	if zone == nil {
		return awsErrorf("NoSuchHostedZone", "No hosted zone found with ID: %s", text(o.in["zoneId"])).with(404)
	}
	return o.checkRecordConflict(zone, o.rec.Name)
}

func createCertificate(o *op) error {
	domains := append([]string{text(o.in["domainName"])}, texts(o.in["subjectAlternativeNames"])...)
	arn := o.rec.str("arn")
	var options []any
	seen := map[string]bool{}
	for _, d := range domains {
		if seen[d] {
			continue
		}
		seen[d] = true
		bare := strings.TrimPrefix(d, "*.")
		// A name and its wildcard are validated by one record.
		name := fmt.Sprintf("_%s.%s.", hashed(bare), bare)
		options = append(options, map[string]any{
			"domainName": d, "resourceRecordName": name, "resourceRecordType": "CNAME",
			"resourceRecordValue": fmt.Sprintf("_%s.validations.sandbox.invalid.", hashed(bare+account)),
		})
	}
	method := text(o.in["validationMethod"])
	if method != "EMAIL" {
		o.force(map[string]any{"domainValidationOptions": options})
	}
	o.rec.Status = "PENDING_VALIDATION"
	if text(o.in["privateKey"]) != "" {
		o.rec.Status = "ISSUED"
	}
	o.rec.Name = text(o.in["domainName"])
	o.force(map[string]any{"status": o.rec.Status, "type": "AMAZON_ISSUED", "arn": arn, "subjectAlternativeNames": anys(domains...)})
	o.set(map[string]any{"keyAlgorithm": "RSA_2048"})
	return nil
}

func removeCertificate(o *op) error {
	used, err := o.tx.where(typeListener, func(r *record) bool { return r.str("certificateArn") == o.rec.ID })
	if err != nil || len(used) == 0 {
		return err
	}
	return awsErrorf("ResourceInUseException", "Certificate %s in account %s is in use.", o.rec.ID, account)
}

// createValidation waits until the certificate is issued. It never is while a validation record is missing.
func createValidation(o *op) error {
	cert, err := o.tx.get(typeCertificate, text(o.in["certificateArn"]))
	if err != nil {
		return err
	}
	if cert == nil {
		return awsErrorf("ResourceNotFoundException", "Could not find certificate %s.", text(o.in["certificateArn"]))
	}
	for _, option := range list(cert.Outputs["domainValidationOptions"]) {
		name := strings.TrimSuffix(text(object(option)["resourceRecordName"]), ".")
		records, err := o.tx.where(typeRecord, func(r *record) bool { return r.Name == name && r.str("type") == "CNAME" })
		if err != nil {
			return err
		}
		if len(records) == 0 && cert.Status != "ISSUED" {
			o.rec.Status = "pending"
			o.rec.Next = []change{{At: never, Status: "ISSUED"}}
			return nil
		}
	}
	at := o.later("pending", o.waits.Certificate, "ISSUED", "")
	if cert.Status != "ISSUED" {
		cert.Next = []change{{At: at, Status: "ISSUED"}}
		if !at.After(o.tx.now) {
			cert.settle(o.tx.now)
		}
		cert.Outputs["status"] = "ISSUED"
		return o.tx.put(cert)
	}
	return nil
}

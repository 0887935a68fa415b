package aws

import (
	"context"
	"strconv"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	route53types "github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// TypeRecord is the type token of a DNS record.
const TypeRecord = "aws:route53/record:Record"

var route53Types = []Type{{
	Token: TypeRecord, Noun: "DNS record", pace: quick,
	describe: (*Client).describeRecord, find: (*Client).findRecord,
}}

// describeRecord lists one record from the name on: Route 53 returns the record or the next one.
func (c *Client) describeRecord(ctx context.Context, r Resource) (answer, error) {
	zone, name, kind := r.text("zoneId"), r.text("fqdn", "name"), r.text("type")
	if zone == "" || name == "" || kind == "" {
		return answer{}, missing("zoneId", "name", "type")
	}
	in := &route53.ListResourceRecordSetsInput{
		HostedZoneId: &zone, StartRecordName: &name, StartRecordType: route53types.RRType(kind), MaxItems: awssdk.Int32(1),
	}
	set := r.text("setIdentifier")
	if set != "" {
		in.StartRecordIdentifier = &set
	}
	out, err := c.route53().ListResourceRecordSets(ctx, in)
	if err != nil {
		return goneIf("NoSuchHostedZone"), err
	}
	for _, s := range out.ResourceRecordSets {
		if dnsName(awssdk.ToString(s.Name)) == dnsName(name) && string(s.Type) == kind && awssdk.ToString(s.SetIdentifier) == set {
			return existsIf(true), nil
		}
	}
	return existsIf(false), nil
}

// findRecord finds a record, which has no tags, by its target: with the target in the inputs it is ours.
func (c *Client) findRecord(ctx context.Context, r Resource) (Found, []string, error) {
	zone, name, kind := r.text("zoneId"), r.text("name"), r.text("type")
	out, err := c.route53().ListResourceRecordSets(ctx, &route53.ListResourceRecordSetsInput{
		HostedZoneId: &zone, StartRecordName: &name, StartRecordType: route53types.RRType(kind), MaxItems: awssdk.Int32(1),
	})
	if err != nil {
		return Found{}, []string{"NoSuchHostedZone"}, err
	}
	for _, s := range out.ResourceRecordSets {
		if dnsName(awssdk.ToString(s.Name)) == dnsName(name) && string(s.Type) == kind && sameTarget(s, r.Inputs) {
			return Found{ID: zone + "_" + strings.TrimSuffix(name, ".") + "_" + kind, Untagged: true}, nil, nil
		}
	}
	return Found{}, nil, nil
}

// sameTarget reports whether a record has the target in a resource's inputs.
func sameTarget(s route53types.ResourceRecordSet, inputs map[string]any) bool {
	if aliases, _ := inputs["aliases"].([]any); len(aliases) == 1 && s.AliasTarget != nil {
		alias, _ := aliases[0].(map[string]any)
		want, _ := alias["name"].(string)
		return dnsName(strings.TrimPrefix(awssdk.ToString(s.AliasTarget.DNSName), "dualstack.")) == dnsName(strings.TrimPrefix(want, "dualstack."))
	}
	records, _ := inputs["records"].([]any)
	if len(records) == 0 || len(records) != len(s.ResourceRecords) {
		return false
	}
	for i, want := range records {
		if text, _ := want.(string); dnsName(text) != dnsName(awssdk.ToString(s.ResourceRecords[i].Value)) {
			return false
		}
	}
	return true
}

// dnsName returns a name of Route 53 in a form to compare: lower case, without a dot at the end and without escapes such as
// \052 for an asterisk.
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html
func dnsName(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return strings.ToLower(strings.TrimSuffix(b.String(), "."))
}

package api

import (
	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/services"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

func acm() service {
	return service{protocol: "json", actions: map[string]action{
		"DescribeCertificate": func(c *call) (any, error) {
			r, err := c.findCertificate()
			if err != nil {
				return nil, err
			}
			var options []map[string]any
			for _, o := range r.Outputs.List("domainValidationOptions") {
				m := value.ObjectOf(o)
				options = append(options, map[string]any{
					"DomainName": m["domainName"], "ValidationMethod": "DNS", "ValidationStatus": map[bool]string{true: "SUCCESS", false: "PENDING_VALIDATION"}[r.Status == "ISSUED"],
					"ResourceRecord": map[string]any{"Name": m["resourceRecordName"], "Type": m["resourceRecordType"], "Value": m["resourceRecordValue"]},
				})
			}
			return map[string]any{"Certificate": map[string]any{
				"CertificateArn": r.ID, "DomainName": r.Name, "SubjectAlternativeNames": r.Outputs["subjectAlternativeNames"],
				"Status": r.Status, "Type": "AMAZON_ISSUED", "CreatedAt": epoch(r.Created), "DomainValidationOptions": options,
			}}, nil
		},
		"ListCertificates": func(c *call) (any, error) {
			statuses := c.body.Texts("CertificateStatuses")
			records, err := c.inRegion(services.TypeCertificate, func(r *cloud.Record) bool { return matches(statuses, r.Status) })
			out := []map[string]any{}
			for _, r := range records {
				out = append(out, map[string]any{"CertificateArn": r.ID, "DomainName": r.Name, "Status": r.Status})
			}
			return map[string]any{"CertificateSummaryList": out}, err
		},
		"ListTagsForCertificate": func(c *call) (any, error) {
			r, err := c.findCertificate()
			if err != nil {
				return nil, err
			}
			return map[string]any{"Tags": tagList(r.Tags())}, nil
		},
	}}
}

// findCertificate returns the certificate that a call names, or AWS's error if there is none.
func (c *call) findCertificate() (*cloud.Record, error) {
	arn := c.body.Text("CertificateArn")
	r, err := c.Tx.Get(services.TypeCertificate, arn)
	if err == nil && r == nil {
		err = cloud.Errorf("ResourceNotFoundException", "Could not find certificate %s.", arn)
	}
	return r, err
}

package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// The resource types of Certificate Manager.
const (
	typeCertificate           = "aws:acm/certificate:Certificate"
	typeCertificateValidation = "aws:acm/certificateValidation:CertificateValidation"
)

func acmService() service {
	return service{
		kinds: map[string]kind{
			typeCertificate: {
				title: "ACM Certificate", id: "{arn}", arn: "acm:{region}:{account}:certificate/{uuid}",
				rules: []rule{
					{property: "validationMethod", allowed: []string{"DNS", "EMAIL", "NONE"}},
					{property: "domainName", max: 253, also: validDNSName, want: "a domain name"},
				},
				combinations: []combination{either("domainName", "privateKey")},
				onCreate:     createCertificate, onRemove: removeCertificate,
			},
			typeCertificateValidation: {
				title: "ACM Certificate Validation", id: "{now}", timeout: 75 * time.Minute, onlyWait: true, onCreate: createValidation,
			},
		},
		functions: map[string]function{"aws:acm/getCertificate:getCertificate": getCertificate},
	}
}

func createCertificate(o *op) error {
	domains := append([]string{o.in.Text("domainName")}, o.in.Texts("subjectAlternativeNames")...)
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
		name := fmt.Sprintf("_%s.%s.", digest(bare), bare)
		options = append(options, map[string]any{
			"domainName": d, "resourceRecordName": name, "resourceRecordType": "CNAME",
			"resourceRecordValue": fmt.Sprintf("_%s.validations.sandbox.invalid.", digest(bare+account)),
		})
	}
	method := o.in.Text("validationMethod")
	if method != "EMAIL" {
		o.force(map[string]any{"domainValidationOptions": options})
	}
	o.rec.Status = "PENDING_VALIDATION"
	if o.in.Text("privateKey") != "" {
		o.rec.Status = "ISSUED"
	}
	o.rec.Name = o.in.Text("domainName")
	o.force(map[string]any{"status": o.rec.Status, "type": "AMAZON_ISSUED", "arn": arn, "subjectAlternativeNames": value.ListOf(domains...)})
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
	cert, err := o.tx.get(typeCertificate, o.in.Text("certificateArn"))
	if err != nil {
		return err
	}
	if cert == nil {
		return awsErrorf("ResourceNotFoundException", "Could not find certificate %s.", o.in.Text("certificateArn"))
	}
	for _, option := range cert.Outputs.List("domainValidationOptions") {
		name := strings.TrimSuffix(value.ObjectOf(option).Text("resourceRecordName"), ".")
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

func getCertificate(l *lookup) (value.Object, error) {
	statuses := l.args.Texts("statuses")
	if len(statuses) == 0 {
		statuses = []string{"ISSUED"}
	}
	records, err := l.tx.where(typeCertificate, func(r *record) bool {
		return r.Region == l.region && r.Name == l.args.Text("domain") && slices.Contains(statuses, r.Status)
	})
	if err != nil {
		return nil, err
	}
	if len(records) > 1 && l.args.Bool("mostRecent") {
		slices.SortFunc(records, func(a, b *record) int { return b.Created.Compare(a.Created) })
		records = records[:1]
	}
	out, err := single(records, "ACM Certificate")
	if out != nil {
		out["domain"] = records[0].Name
	}
	return out, err
}

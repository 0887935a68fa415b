package services

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// Resource types of Certificate Manager.
const (
	TypeCertificate           = "aws:acm/certificate:Certificate"
	TypeCertificateValidation = "aws:acm/certificateValidation:CertificateValidation"
)

func acmService() cloud.Service {
	return cloud.Service{
		Kinds: map[string]cloud.Kind{
			TypeCertificate: {
				Title: "ACM Certificate", ID: "{arn}", ARN: "acm:{region}:{account}:certificate/{uuid}",
				Rules: []cloud.Rule{
					{Property: "validationMethod", Allowed: []string{"DNS", "EMAIL", "NONE"}},
					{Property: "domainName", Max: 253, Valid: validDNSName, Message: "a domain name"},
				},
				Combinations: []cloud.Combination{cloud.OneOf("domainName", "domainName", "privateKey")},
				OnCreate:     createCertificate, OnRemove: removeCertificate,
			},
			TypeCertificateValidation: {
				Title: "ACM Certificate Validation", ID: "{now}", Timeout: 75 * time.Minute, OnlyWait: true, OnCreate: createValidation,
			},
		},
		Functions: map[string]cloud.Function{"aws:acm/getCertificate:getCertificate": getCertificate},
	}
}

func createCertificate(o *cloud.Operation) error {
	domains := append([]string{o.Inputs.Text("domainName")}, o.Inputs.Texts("subjectAlternativeNames")...)
	arn := o.Record.Text("arn")
	var options []any
	seen := map[string]bool{}
	for _, d := range domains {
		if seen[d] {
			continue
		}
		seen[d] = true
		bare := strings.TrimPrefix(d, "*.")
		// One record validates a name and its wildcard.
		name := fmt.Sprintf("_%s.%s.", Digest(bare), bare)
		options = append(options, map[string]any{
			"domainName": d, "resourceRecordName": name, "resourceRecordType": "CNAME",
			"resourceRecordValue": fmt.Sprintf("_%s.validations.sandbox.invalid.", Digest(bare+cloud.Account)),
		})
	}
	method := o.Inputs.Text("validationMethod")
	if method != "EMAIL" {
		o.SetOutputs(map[string]any{"domainValidationOptions": options})
	}
	o.Record.Status = "PENDING_VALIDATION"
	if o.Inputs.Text("privateKey") != "" {
		o.Record.Status = "ISSUED"
	}
	o.Record.Name = o.Inputs.Text("domainName")
	o.SetOutputs(map[string]any{"status": o.Record.Status, "type": "AMAZON_ISSUED", "arn": arn, "subjectAlternativeNames": value.ListOf(domains...)})
	o.SetDefaults(map[string]any{"keyAlgorithm": "RSA_2048"})
	return nil
}

func removeCertificate(o *cloud.Operation) error {
	used, err := o.Tx.Where(TypeListener, func(r *cloud.Record) bool { return r.Text("certificateArn") == o.Record.ID })
	if err != nil || len(used) == 0 {
		return err
	}
	return cloud.Errorf("ResourceInUseException", "Certificate %s in account %s is in use.", o.Record.ID, cloud.Account)
}

// createValidation issues the certificate after a wait. It waits for ever if a validation record is missing.
func createValidation(o *cloud.Operation) error {
	cert, err := o.Tx.Get(TypeCertificate, o.Inputs.Text("certificateArn"))
	if err != nil {
		return err
	}
	if cert == nil {
		return cloud.Errorf("ResourceNotFoundException", "Could not find certificate %s.", o.Inputs.Text("certificateArn"))
	}
	for _, option := range cert.Outputs.List("domainValidationOptions") {
		name := strings.TrimSuffix(value.ObjectOf(option).Text("resourceRecordName"), ".")
		records, err := o.Tx.Where(TypeRecord, func(r *cloud.Record) bool { return r.Name == name && r.Text("type") == "CNAME" })
		if err != nil {
			return err
		}
		if len(records) == 0 && cert.Status != "ISSUED" {
			o.Record.Status = "pending"
			o.Record.Next = []cloud.Change{{At: cloud.Never(), Status: "ISSUED"}}
			return nil
		}
	}
	at := o.Schedule("pending", o.Waits.Certificate, "ISSUED", "")
	if cert.Status != "ISSUED" {
		cert.Next = []cloud.Change{{At: at, Status: "ISSUED"}}
		if !at.After(o.Tx.Now) {
			cert.ApplyDue(o.Tx.Now)
		}
		cert.Outputs["status"] = "ISSUED"
		return o.Tx.Put(cert)
	}
	return nil
}

func getCertificate(l *cloud.Lookup) (value.Object, error) {
	statuses := l.Args.Texts("statuses")
	if len(statuses) == 0 {
		statuses = []string{"ISSUED"}
	}
	records, err := l.Tx.Where(TypeCertificate, func(r *cloud.Record) bool {
		return r.Region == l.Region && r.Name == l.Args.Text("domain") && slices.Contains(statuses, r.Status)
	})
	if err != nil {
		return nil, err
	}
	if len(records) > 1 && l.Args.Bool("mostRecent") {
		slices.SortFunc(records, func(a, b *cloud.Record) int { return b.Created.Compare(a.Created) })
		records = records[:1]
	}
	out, err := onlyOne(records, "ACM Certificate")
	if out != nil {
		out["domain"] = records[0].Name
	}
	return out, err
}

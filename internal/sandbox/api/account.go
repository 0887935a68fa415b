package api

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/platforms"
	"github.com/branchenv/branchenv/internal/sandbox/schema"
	"github.com/branchenv/branchenv/internal/sandbox/services"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

func stsAction(name string) action {
	return map[string]action{
		"GetCallerIdentity": func(*call) (any, error) {
			return []node{leaf("Arn", "arn:aws:iam::"+cloud.Account+":user/sandbox"), leaf("UserId", "AIDASANDBOX"), leaf("Account", cloud.Account)}, nil
		},
	}[name]
}

func iamAction(name string) action {
	return map[string]action{
		"GetRole":                  getRole,
		"GetRolePolicy":            getRolePolicy,
		"ListAttachedRolePolicies": listAttachedRolePolicies,
		"ListRolePolicies":         listRolePolicies,
		"GetInstanceProfile":       getInstanceProfile,
		"GetPolicy":                getPolicy,
	}[name]
}

func (c *call) findRole() (*cloud.Record, error) {
	name := c.form.Get("RoleName")
	role, err := c.Tx.Get(services.TypeRole, name)
	if err == nil && role == nil {
		err = cloud.Errorf("NoSuchEntity", "The role with name %s cannot be found.", name).WithStatus(404)
	}
	return role, err
}

func roleNodes(r *cloud.Record) []node {
	return []node{
		leaf("RoleName", r.Name), leaf("RoleId", r.Text("uniqueId")), leaf("Arn", r.Text("arn")), leaf("Path", r.Text("path")),
		leaf("CreateDate", r.Created), leaf("AssumeRolePolicyDocument", url.QueryEscape(r.Text("assumeRolePolicy"))),
		tagNodes("Tags", "member", "Key", "Value", r.Tags()),
	}
}

func getRole(c *call) (any, error) {
	role, err := c.findRole()
	if err != nil {
		return nil, err
	}
	return []node{element("Role", roleNodes(role)...)}, nil
}

func getRolePolicy(c *call) (any, error) {
	role, err := c.findRole()
	if err != nil {
		return nil, err
	}
	name := c.form.Get("PolicyName")
	p, err := c.Tx.Get(services.TypeRolePolicy, role.Name+":"+name)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, cloud.Errorf("NoSuchEntity", "The role policy with name %s cannot be found.", name).WithStatus(404)
	}
	return []node{leaf("RoleName", role.Name), leaf("PolicyName", name), leaf("PolicyDocument", url.QueryEscape(p.Text("policy")))}, nil
}

func listRolePolicies(c *call) (any, error) {
	role, err := c.findRole()
	if err != nil {
		return nil, err
	}
	found, err := c.Tx.Where(services.TypeRolePolicy, func(r *cloud.Record) bool { return r.Text("role") == role.Name })
	var names []string
	for _, r := range found {
		names = append(names, r.Name)
	}
	return []node{textElements("PolicyNames", "member", names), leaf("IsTruncated", false)}, err
}

func listAttachedRolePolicies(c *call) (any, error) {
	role, err := c.findRole()
	if err != nil {
		return nil, err
	}
	found, err := c.Tx.Where(services.TypeRoleAttachment, func(r *cloud.Record) bool { return r.Text("role") == role.Name })
	if err != nil {
		return nil, err
	}
	return []node{elements("AttachedPolicies", "member", found, func(r *cloud.Record) []node {
		arn := r.Text("policyArn")
		return []node{leaf("PolicyName", arn[strings.LastIndex(arn, "/")+1:]), leaf("PolicyArn", arn)}
	}), leaf("IsTruncated", false)}, nil
}

func getInstanceProfile(c *call) (any, error) {
	name := c.form.Get("InstanceProfileName")
	p, err := c.Tx.Get(services.TypeInstanceProfile, name)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, cloud.Errorf("NoSuchEntity", "Instance Profile %s cannot be found.", name).WithStatus(404)
	}
	var roles []*cloud.Record
	if role, err := c.Tx.Get(services.TypeRole, p.Text("role")); err != nil {
		return nil, err
	} else if role != nil {
		roles = append(roles, role)
	}
	return []node{element("InstanceProfile",
		leaf("InstanceProfileName", p.Name), leaf("InstanceProfileId", p.Text("uniqueId")), leaf("Arn", p.Text("arn")), leaf("Path", p.Text("path")),
		leaf("CreateDate", p.Created), elements("Roles", "member", roles, roleNodes), tagNodes("Tags", "member", "Key", "Value", p.Tags()),
	)}, nil
}

func getPolicy(c *call) (any, error) {
	arn := c.form.Get("PolicyArn")
	p, err := c.Tx.Get(services.TypePolicy, arn)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, cloud.Errorf("NoSuchEntity", "Policy %s was not found.", arn).WithStatus(404)
	}
	return []node{element("Policy", leaf("PolicyName", p.Name), leaf("PolicyId", p.Text("policyId")), leaf("Arn", arn), leaf("Path", p.Text("path")))}, nil
}

// tagList is tags as the JSON protocols have them.
func tagList(tags map[string]string) []map[string]string {
	out := []map[string]string{}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, map[string]string{"Key": k, "Value": tags[k]})
	}
	return out
}

func secretsAction(name string) action {
	return map[string]action{
		"DescribeSecret": func(c *call) (any, error) {
			r, err := c.findSecret()
			if err != nil {
				return nil, err
			}
			versions, err := c.Tx.Where(services.TypeSecretVersion, func(v *cloud.Record) bool { return v.Text("secretId") == r.ID })
			if err != nil {
				return nil, err
			}
			stages := map[string]any{}
			for _, v := range versions {
				stages[v.Text("versionId")] = v.Outputs["versionStages"]
			}
			return map[string]any{
				"ARN": r.ID, "Name": r.Name, "Description": r.Text("description"), "CreatedDate": epoch(r.Created),
				"Tags": tagList(r.Tags()), "VersionIdsToStages": stages,
			}, nil
		},
		"GetSecretValue": func(c *call) (any, error) {
			r, err := c.findSecret()
			if err != nil {
				return nil, err
			}
			v, err := services.CurrentSecretVersion(c.Tx, r)
			if err != nil {
				return nil, err
			}
			if v == nil {
				return nil, cloud.Errorf("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT")
			}
			return map[string]any{
				"ARN": r.ID, "Name": r.Name, "VersionId": v.Text("versionId"), "SecretString": v.Text("secretString"),
				"VersionStages": v.Outputs["versionStages"], "CreatedDate": epoch(v.Created),
			}, nil
		},
	}[name]
}

func (c *call) findSecret() (*cloud.Record, error) {
	r, err := services.FindSecret(c.Tx, c.body.Text("SecretId"), c.Region)
	if err == nil && r == nil {
		err = cloud.Errorf("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	}
	return r, err
}

func acmAction(name string) action {
	return map[string]action{
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
	}[name]
}

func (c *call) findCertificate() (*cloud.Record, error) {
	arn := c.body.Text("CertificateArn")
	r, err := c.Tx.Get(services.TypeCertificate, arn)
	if err == nil && r == nil {
		err = cloud.Errorf("ResourceNotFoundException", "Could not find certificate %s.", arn)
	}
	return r, err
}

func logsAction(name string) action {
	return map[string]action{
		"DescribeLogGroups": func(c *call) (any, error) {
			prefix := c.body.Text("logGroupNamePrefix")
			records, err := c.inRegion(services.TypeLogGroup, func(r *cloud.Record) bool { return strings.HasPrefix(r.Name, prefix) })
			out := []map[string]any{}
			for _, r := range records {
				group := map[string]any{"logGroupName": r.Name, "arn": r.Text("arn") + ":*", "creationTime": r.Created.UnixMilli(), "storedBytes": 0}
				if days := r.Outputs.Int("retentionInDays"); days > 0 {
					group["retentionInDays"] = days
				}
				out = append(out, group)
			}
			return map[string]any{"logGroups": out}, err
		},
		// The app of a simulated environment writes no logs; its events stand in for them.
		"FilterLogEvents": func(c *call) (any, error) {
			group := c.body.Text("logGroupName")
			parts := strings.Split(strings.TrimPrefix(group, "/aws/elasticbeanstalk/"), "/")
			envs, err := c.inRegion(platforms.TypeEnvironment, func(r *cloud.Record) bool { return r.Name == parts[0] })
			if err != nil {
				return nil, err
			}
			known, err := c.inRegion(services.TypeLogGroup, func(r *cloud.Record) bool { return r.Name == group })
			if err != nil {
				return nil, err
			}
			if len(envs) == 0 && len(known) == 0 {
				return nil, cloud.Errorf("ResourceNotFoundException", "The specified log group does not exist.")
			}
			out := []map[string]any{}
			for _, r := range envs {
				for _, e := range slices.Backward(r.EventsUntil(c.Tx.Now)) {
					out = append(out, map[string]any{
						"eventId": fmt.Sprint(e.At.UnixNano()), "timestamp": e.At.UnixMilli(), "message": e.Message, "logStreamName": r.ID,
					})
				}
			}
			return map[string]any{"events": out}, nil
		},
	}[name]
}

func taggingAction(name string) action {
	return map[string]action{"GetResources": getResources}[name]
}

// getResources lists everything with tags that match. Like AWS, it knows a thing as long as its record is there.
func getResources(c *call) (any, error) {
	out := []map[string]any{}
	for _, typ := range schema.Types() {
		records, err := c.Tx.Where(typ, func(r *cloud.Record) bool {
			return (r.Region == c.Region || c.Kinds[typ].Global) && len(r.Tags()) > 0 && r.Text("arn") != "" &&
				!c.Kinds[typ].IsGone(r) && matchesTags(r.Tags(), c.body.List("TagFilters"))
		})
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			out = append(out, map[string]any{"ResourceARN": r.Text("arn"), "Tags": tagList(r.Tags())})
		}
	}
	out, token := paginate(out, c.body.Text("PaginationToken"), c.body.Text("ResourcesPerPage"))
	return map[string]any{"ResourceTagMappingList": out, "PaginationToken": token}, nil
}

func matchesTags(tags map[string]string, filters []any) bool {
	for _, f := range filters {
		have, found := tags[value.ObjectOf(f).Text("Key")]
		if !found || !matches(value.ObjectOf(f).Texts("Values"), have) {
			return false
		}
	}
	return true
}

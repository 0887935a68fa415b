package sandbox

import (
	"encoding/json"
	"strings"
)

// The resource types of IAM.
const (
	typeInstanceProfile = "aws:iam/instanceProfile:InstanceProfile"
	typePolicy          = "aws:iam/policy:Policy"
	typeRole            = "aws:iam/role:Role"
	typeRolePolicy      = "aws:iam/rolePolicy:RolePolicy"
	typeRoleAttachment  = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
)

func iamService() service {
	name := func(limit float64) rule {
		return rule{property: "name", min: 1, max: limit, pattern: `^[\w+=,.@-]+$`, want: "only letters, digits and _ + = , . @ -"}
	}
	return service{kinds: map[string]kind{
		typeRole: {
			title: "IAM Role", naming: naming{property: "name", max: 64}, arn: "iam::{account}:role/{name}", anywhere: true,
			taken: "EntityAlreadyExists: Role with name {name} already exists.",
			rules: []rule{
				name(64), policyRule("assumeRolePolicy"), {property: "maxSessionDuration", min: 3600, max: 43200},
				{property: "path", max: 512, pattern: `^/(.*/)?$`, want: "a path that begins and ends with /"},
			},
			onCreate: createRole, onRemove: removeRole,
		},
		typeInstanceProfile: {
			title: "IAM Instance Profile", naming: naming{property: "name", max: 128}, arn: "iam::{account}:instance-profile/{name}", anywhere: true,
			taken:    "EntityAlreadyExists: Instance Profile {name} already exists.",
			rules:    []rule{name(128)},
			onCreate: createInstanceProfile, onUpdate: needRole,
		},
		typePolicy: {
			title: "IAM Policy", naming: naming{property: "name", max: 128}, id: "{arn}", arn: "iam::{account}:policy/{name}", anywhere: true,
			taken:    "EntityAlreadyExists: A policy called {name} already exists. Duplicate names are not allowed.",
			rules:    []rule{name(128), policyRule("policy")},
			onCreate: createPolicy, onRemove: removePolicy,
		},
		typeRolePolicy: {
			title: "IAM Role Policy", naming: naming{property: "name"}, id: "{role}:{name}", anywhere: true,
			rules:    []rule{name(128), policyRule("policy")},
			onCreate: needRole, onRead: roleGone,
		},
		typeRoleAttachment: {
			title: "IAM Role Policy Attachment", id: "{role}-{now}", imports: []string{"{role}/{policyArn}"}, anywhere: true,
			rules:    []rule{{property: "policyArn", pattern: `^arn:aws[\w-]*:`, want: "an ARN"}},
			onCreate: createRoleAttachment, onRead: roleGone,
		},
		"aws:iam/openIdConnectProvider:OpenIdConnectProvider": {id: "{arn}", onCreate: createOIDC, anywhere: true},
	}}
}

// policyRule demands that a property is JSON.
func policyRule(property string) rule {
	return rule{property: property, also: func(s string) bool { return json.Valid([]byte(s)) }, want: "contains an invalid JSON policy"}
}

func createRole(o *op) error {
	if err := checkPolicyDocument(o.in.Text("assumeRolePolicy"), "assumeRolePolicy"); err != nil {
		return err
	}
	o.force(map[string]any{
		"uniqueId": o.expand("AROA{id17}"), "createDate": o.tx.now.UTC().Format("2006-01-02T15:04:05Z"),
	})
	o.set(map[string]any{"path": "/", "maxSessionDuration": 3600.0})
	return nil
}

// checkPolicyDocument is AWS's answer to a policy that is not JSON.
func checkPolicyDocument(document, what string) error {
	var parsed map[string]any
	if err := json.Unmarshal([]byte(document), &parsed); err != nil || parsed["Statement"] == nil {
		return awsErrorf("MalformedPolicyDocument", "The policy is not in the valid JSON format: %s", what)
	}
	return nil
}

func (o *op) role(name string) (*record, error) {
	role, err := o.tx.find(typeRole, name)
	if err == nil && role == nil {
		err = awsErrorf("NoSuchEntity", "The role with name %s cannot be found.", name).with(404)
	}
	return role, err
}

func needRole(o *op) error {
	if name := o.in.Text("role"); name != "" {
		if _, err := o.role(name); err != nil {
			return err
		}
	}
	return nil
}

func roleGone(o *op) (bool, error) {
	role, err := o.tx.find(typeRole, o.rec.str("role"))
	if err == nil && role == nil {
		return true, o.tx.remove(o.rec)
	}
	return false, err
}

func removeRole(o *op) error {
	profiles, err := o.tx.where(typeInstanceProfile, func(r *record) bool { return r.str("role") == o.rec.Name })
	if err != nil {
		return err
	}
	if len(profiles) > 0 && !o.in.Bool("forceDetachPolicies") {
		return awsErrorf("DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.").with(409)
	}
	for _, dependent := range []struct{ typ, message string }{
		{typeRoleAttachment, "Cannot delete entity, must detach all policies first."},
		{typeRolePolicy, "Cannot delete entity, must delete policies first."},
	} {
		found, err := o.tx.where(dependent.typ, func(r *record) bool { return r.str("role") == o.rec.Name })
		if err != nil {
			return err
		}
		if len(found) > 0 && !o.in.Bool("forceDetachPolicies") {
			return awsErrorf("DeleteConflict", "%s", dependent.message).with(409)
		}
		for _, r := range found {
			if err := o.tx.remove(r); err != nil {
				return err
			}
		}
	}
	return nil
}

func createInstanceProfile(o *op) error {
	if err := needRole(o); err != nil {
		return err
	}
	o.force(map[string]any{"uniqueId": o.expand("AIPA{id17}"), "createDate": o.tx.now.UTC().Format("2006-01-02T15:04:05Z")})
	o.set(map[string]any{"path": "/"})
	return nil
}

func createPolicy(o *op) error {
	if err := checkPolicyDocument(o.in.Text("policy"), "policy"); err != nil {
		return err
	}
	o.force(map[string]any{"policyId": o.expand("ANPA{id17}"), "attachmentCount": 0.0})
	o.set(map[string]any{"path": "/"})
	return nil
}

func removePolicy(o *op) error {
	used, err := o.tx.where(typeRoleAttachment, func(r *record) bool { return r.str("policyArn") == o.rec.ID })
	if err != nil || len(used) == 0 {
		return err
	}
	return awsErrorf("DeleteConflict", "Cannot delete a policy attached to entities.").with(409)
}

func createRoleAttachment(o *op) error {
	if _, err := o.role(o.in.Text("role")); err != nil {
		return err
	}
	arn := o.in.Text("policyArn")
	if strings.HasPrefix(arn, "arn:aws:iam::aws:policy/") { // AWS's own policies all exist
		return nil
	}
	policy, err := o.tx.get(typePolicy, arn)
	if err == nil && policy == nil {
		err = awsErrorf("NoSuchEntity", "Policy %s does not exist or is not attachable.", arn).with(404)
	}
	return err
}

func createOIDC(o *op) error {
	host := strings.TrimPrefix(o.in.Text("url"), "https://")
	o.rec.ID = "arn:aws:iam::" + account + ":oidc-provider/" + host
	o.force(map[string]any{"arn": o.rec.ID, "url": host})
	if other, err := o.tx.get(o.rec.Type, o.rec.ID); err != nil || other != nil {
		if err == nil {
			err = awsErrorf("EntityAlreadyExists", "Provider with url https://%s already exists.", host).with(409)
		}
		return err
	}
	return nil
}

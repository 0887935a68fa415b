package services

import (
	"encoding/json"
	"strings"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
)

// Resource types of IAM.
const (
	TypeInstanceProfile = "aws:iam/instanceProfile:InstanceProfile"
	TypePolicy          = "aws:iam/policy:Policy"
	TypeRole            = "aws:iam/role:Role"
	TypeRolePolicy      = "aws:iam/rolePolicy:RolePolicy"
	TypeRoleAttachment  = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
)

func iamService() cloud.Service {
	name := func(limit float64) cloud.Rule {
		return cloud.Rule{Property: "name", Min: 1, Max: limit, Pattern: `^[\w+=,.@-]+$`, Message: "only letters, digits and _ + = , . @ -"}
	}
	return cloud.Service{Kinds: map[string]cloud.Kind{
		TypeRole: {
			Title: "IAM Role", Naming: cloud.Naming{Property: "name", MaxLength: 64}, ARN: "iam::{account}:role/{name}", Global: true,
			NameTaken: "EntityAlreadyExists: Role with name {name} already exists.",
			Rules: []cloud.Rule{
				name(64), policyRule("assumeRolePolicy"), {Property: "maxSessionDuration", Min: 3600, Max: 43200},
				{Property: "path", Max: 512, Pattern: `^/(.*/)?$`, Message: "a path that begins and ends with /"},
			},
			OnCreate: createRole, OnRemove: removeRole,
		},
		TypeInstanceProfile: {
			Title: "IAM Instance Profile", Naming: cloud.Naming{Property: "name", MaxLength: 128}, ARN: "iam::{account}:instance-profile/{name}", Global: true,
			NameTaken: "EntityAlreadyExists: Instance Profile {name} already exists.",
			Rules:     []cloud.Rule{name(128)},
			OnCreate:  createInstanceProfile, OnUpdate: requireRole,
		},
		TypePolicy: {
			Title: "IAM Policy", Naming: cloud.Naming{Property: "name", MaxLength: 128}, ID: "{arn}", ARN: "iam::{account}:policy/{name}", Global: true,
			NameTaken: "EntityAlreadyExists: A policy called {name} already exists. Duplicate names are not allowed.",
			Rules:     []cloud.Rule{name(128), policyRule("policy")},
			OnCreate:  createPolicy, OnRemove: removePolicy,
		},
		TypeRolePolicy: {
			Title: "IAM Role Policy", Naming: cloud.Naming{Property: "name"}, ID: "{role}:{name}", Global: true,
			Rules:    []cloud.Rule{name(128), policyRule("policy")},
			OnCreate: requireRole, OnRead: readRolePart,
		},
		TypeRoleAttachment: {
			Title: "IAM Role Policy Attachment", ID: "{role}-{now}", ImportTemplates: []string{"{role}/{policyArn}"}, Global: true,
			Rules:    []cloud.Rule{{Property: "policyArn", Pattern: `^arn:aws[\w-]*:`, Message: "an ARN"}},
			OnCreate: createRoleAttachment, OnRead: readRolePart,
		},
		"aws:iam/openIdConnectProvider:OpenIdConnectProvider": {ID: "{arn}", OnCreate: createOIDC, Global: true},
	}}
}

// policyRule requires that an input is JSON.
func policyRule(property string) cloud.Rule {
	return cloud.Rule{Property: property, Valid: func(s string) bool { return json.Valid([]byte(s)) }, Message: "contains an invalid JSON policy"}
}

func createRole(o *cloud.Operation) error {
	if err := checkPolicyDocument(o.Inputs.Text("assumeRolePolicy"), "assumeRolePolicy"); err != nil {
		return err
	}
	o.SetOutputs(map[string]any{
		"uniqueId": o.Expand("AROA{id17}"), "createDate": o.Tx.Now.UTC().Format("2006-01-02T15:04:05Z"),
	})
	o.SetDefaults(map[string]any{"path": "/", "maxSessionDuration": 3600.0})
	return nil
}

// checkPolicyDocument returns an error if a policy is not JSON or has no statement.
func checkPolicyDocument(document, what string) error {
	var parsed map[string]any
	if err := json.Unmarshal([]byte(document), &parsed); err != nil || parsed["Statement"] == nil {
		return cloud.Errorf("MalformedPolicyDocument", "The policy is not in the valid JSON format: %s", what)
	}
	return nil
}

// findRole returns a role, or AWS's error if there is none.
func findRole(o *cloud.Operation, name string) (*cloud.Record, error) {
	role, err := o.Tx.Find(TypeRole, name)
	if err == nil && role == nil {
		err = cloud.Errorf("NoSuchEntity", "The role with name %s cannot be found.", name).WithStatus(404)
	}
	return role, err
}

// requireRole returns an error if the role that the inputs name does not exist.
func requireRole(o *cloud.Operation) error {
	if name := o.Inputs.Text("role"); name != "" {
		if _, err := findRole(o, name); err != nil {
			return err
		}
	}
	return nil
}

// readRolePart removes the record of a policy whose role is gone.
func readRolePart(o *cloud.Operation) (bool, error) {
	role, err := o.Tx.Find(TypeRole, o.Record.Text("role"))
	if err == nil && role == nil {
		return true, o.Tx.Remove(o.Record)
	}
	return false, err
}

func removeRole(o *cloud.Operation) error {
	profiles, err := o.Tx.Where(TypeInstanceProfile, func(r *cloud.Record) bool { return r.Text("role") == o.Record.Name })
	if err != nil {
		return err
	}
	if len(profiles) > 0 && !o.Inputs.Bool("forceDetachPolicies") {
		return cloud.Errorf("DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.").WithStatus(409)
	}
	for _, dependent := range []struct{ typ, message string }{
		{TypeRoleAttachment, "Cannot delete entity, must detach all policies first."},
		{TypeRolePolicy, "Cannot delete entity, must delete policies first."},
	} {
		found, err := o.Tx.Where(dependent.typ, func(r *cloud.Record) bool { return r.Text("role") == o.Record.Name })
		if err != nil {
			return err
		}
		if len(found) > 0 && !o.Inputs.Bool("forceDetachPolicies") {
			return cloud.Errorf("DeleteConflict", "%s", dependent.message).WithStatus(409)
		}
		for _, r := range found {
			if err := o.Tx.Remove(r); err != nil {
				return err
			}
		}
	}
	return nil
}

func createInstanceProfile(o *cloud.Operation) error {
	if err := requireRole(o); err != nil {
		return err
	}
	o.SetOutputs(map[string]any{"uniqueId": o.Expand("AIPA{id17}"), "createDate": o.Tx.Now.UTC().Format("2006-01-02T15:04:05Z")})
	o.SetDefaults(map[string]any{"path": "/"})
	return nil
}

func createPolicy(o *cloud.Operation) error {
	if err := checkPolicyDocument(o.Inputs.Text("policy"), "policy"); err != nil {
		return err
	}
	o.SetOutputs(map[string]any{"policyId": o.Expand("ANPA{id17}"), "attachmentCount": 0.0})
	o.SetDefaults(map[string]any{"path": "/"})
	return nil
}

func removePolicy(o *cloud.Operation) error {
	used, err := o.Tx.Where(TypeRoleAttachment, func(r *cloud.Record) bool { return r.Text("policyArn") == o.Record.ID })
	if err != nil || len(used) == 0 {
		return err
	}
	return cloud.Errorf("DeleteConflict", "Cannot delete a policy attached to entities.").WithStatus(409)
}

func createRoleAttachment(o *cloud.Operation) error {
	if _, err := findRole(o, o.Inputs.Text("role")); err != nil {
		return err
	}
	arn := o.Inputs.Text("policyArn")
	if strings.HasPrefix(arn, "arn:aws:iam::aws:policy/") { // all policies of AWS itself exist
		return nil
	}
	policy, err := o.Tx.Get(TypePolicy, arn)
	if err == nil && policy == nil {
		err = cloud.Errorf("NoSuchEntity", "Policy %s does not exist or is not attachable.", arn).WithStatus(404)
	}
	return err
}

func createOIDC(o *cloud.Operation) error {
	host := strings.TrimPrefix(o.Inputs.Text("url"), "https://")
	o.Record.ID = "arn:aws:iam::" + cloud.Account + ":oidc-provider/" + host
	o.SetOutputs(map[string]any{"arn": o.Record.ID, "url": host})
	if other, err := o.Tx.Get(o.Record.Type, o.Record.ID); err != nil || other != nil {
		if err == nil {
			err = cloud.Errorf("EntityAlreadyExists", "Provider with url https://%s already exists.", host).WithStatus(409)
		}
		return err
	}
	return nil
}

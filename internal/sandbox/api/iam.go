package api

import (
	"net/url"
	"strings"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/services"
)

func iam() service {
	return service{protocol: "query", namespace: "https://iam.amazonaws.com/doc/2010-05-08/", actions: map[string]action{
		"GetRole":                  getRole,
		"GetRolePolicy":            getRolePolicy,
		"ListAttachedRolePolicies": listAttachedRolePolicies,
		"ListRolePolicies":         listRolePolicies,
		"GetInstanceProfile":       getInstanceProfile,
		"GetPolicy":                getPolicy,
	}}
}

// findRole returns the role that a call names, or AWS's error if there is none.
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

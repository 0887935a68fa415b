package sandbox

import (
	"encoding/json"
	"strings"
)

func createRole(o *op) error {
	if err := checkPolicyDocument(o.in.Text("assumeRolePolicy"), "assumeRolePolicy"); err != nil {
		return err
	}
	o.force(map[string]any{
		"uniqueId": "AROA" + randomID(17), "createDate": o.tx.now.UTC().Format("2006-01-02T15:04:05Z"),
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
	o.force(map[string]any{"uniqueId": "AIPA" + randomID(17), "createDate": o.tx.now.UTC().Format("2006-01-02T15:04:05Z")})
	o.set(map[string]any{"path": "/"})
	return nil
}

func createPolicy(o *op) error {
	if err := checkPolicyDocument(o.in.Text("policy"), "policy"); err != nil {
		return err
	}
	o.force(map[string]any{"policyId": "ANPA" + randomID(17), "attachmentCount": 0.0})
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

package api

import (
	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/services"
)

func secretsManager() service {
	return service{protocol: "json", actions: map[string]action{
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
	}}
}

// findSecret returns the secret that a call names, or AWS's error if there is none.
func (c *call) findSecret() (*cloud.Record, error) {
	r, err := services.FindSecret(c.Tx, c.body.Text("SecretId"), c.Region)
	if err == nil && r == nil {
		err = cloud.Errorf("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	}
	return r, err
}

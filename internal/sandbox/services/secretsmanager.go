package services

import (
	"strconv"
	"strings"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// Resource types of Secrets Manager.
const (
	TypeSecret        = "aws:secretsmanager/secret:Secret"
	TypeSecretVersion = "aws:secretsmanager/secretVersion:SecretVersion"
)

func secretsManagerService() cloud.Service {
	recovery := []string{"0"} // immediately, or after 7 to 30 days
	for days := 7; days <= 30; days++ {
		recovery = append(recovery, strconv.Itoa(days))
	}
	return cloud.Service{Kinds: map[string]cloud.Kind{
		TypeSecret: {
			Title: "Secrets Manager Secret", Naming: cloud.Naming{Property: "name"}, ID: "{arn}", ARN: "secretsmanager:{region}:{account}:secret:{name}-{base6}",
			Rules: []cloud.Rule{
				{Property: "name", Min: 1, Max: 512, Pattern: `^[\w/+=.@!-]+$`, Message: "only letters, digits and / _ + = . @ - !"},
				{Property: "recoveryWindowInDays", Allowed: recovery},
			},
			Combinations: []cloud.Combination{cloud.Exclusive("name", "namePrefix")},
			OnCreate:     createSecret, OnRemove: removeSecret,
			Gone: func(r *cloud.Record) bool { return r.Status == "deleted" },
		},
		TypeSecretVersion: {
			Title: "Secrets Manager Secret Version", ID: "{arn}|{versionId}",
			Combinations: []cloud.Combination{cloud.Exclusive("secretString", "secretBinary")},
			OnCreate:     createSecretVersion, OnUpdate: createSecretVersion, OnRead: readSecretVersion,
		},
	}}
}

func createSecret(o *cloud.Operation) error {
	name := o.Inputs.Text("name")
	if name == "" {
		name = o.Record.Name
	}
	others, err := o.Tx.Where(TypeSecret, func(r *cloud.Record) bool { return r.Name == name && r.Region == o.Region })
	if err != nil {
		return err
	}
	if len(others) > 0 {
		if others[0].Status == "deleted" {
			return cloud.Errorf("InvalidRequestException", "You can't create this secret because a secret with this name is already scheduled for deletion.")
		}
		return cloud.Errorf("ResourceExistsException", "The operation failed because the secret %s already exists.", name)
	}
	o.SetDefaults(map[string]any{"recoveryWindowInDays": 30.0, "forceOverwriteReplicaSecret": false})
	return nil
}

// removeSecret schedules the deletion for the end of the recovery window. The name stays taken until then.
func removeSecret(o *cloud.Operation) error {
	versions, err := o.Tx.Where(TypeSecretVersion, func(r *cloud.Record) bool { return r.Text("secretId") == o.Record.ID })
	if err != nil {
		return err
	}
	for _, v := range versions {
		if err := o.Tx.Remove(v); err != nil {
			return err
		}
	}
	if days := o.Record.Outputs.Int("recoveryWindowInDays"); days > 0 {
		o.Record.Status = "deleted"
		o.Record.Next = []cloud.Change{{At: o.Tx.Now.AddDate(0, 0, days), Gone: true}}
	}
	return nil
}

// FindSecret returns a secret by its ARN or name, nil if there is none. A secret that is scheduled for deletion does not
// count.
func FindSecret(t *cloud.Tx, ref, region string) (*cloud.Record, error) {
	found, err := t.Where(TypeSecret, func(r *cloud.Record) bool {
		return (r.ID == ref || r.Name == ref && r.Region == region) && r.Status != "deleted"
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

func createSecretVersion(o *cloud.Operation) error {
	secret, err := FindSecret(o.Tx, o.Inputs.Text("secretId"), o.Region)
	if err != nil {
		return err
	}
	if secret == nil {
		return cloud.Errorf("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	}
	if o.Record.ID == "" {
		o.SetOutputs(map[string]any{"versionId": o.Expand("{uuid}")})
	}
	o.SetOutputs(map[string]any{"arn": secret.ID, "secretId": secret.ID})
	o.SetDefaults(map[string]any{"versionStages": value.ListOf("AWSCURRENT")})
	o.Record.Name = secret.Name
	// The stage AWSCURRENT moves from the version that had it.
	others, err := o.Tx.Where(TypeSecretVersion, func(r *cloud.Record) bool { return r.Text("secretId") == secret.ID && r.ID != o.Record.ID })
	if err != nil {
		return err
	}
	for _, other := range others {
		other.Outputs["versionStages"] = value.ListOf("AWSPREVIOUS")
		if err := o.Tx.Put(other); err != nil {
			return err
		}
	}
	return nil
}

// CurrentSecretVersion returns the secret's version with the stage AWSCURRENT, nil if it has none.
func CurrentSecretVersion(t *cloud.Tx, secret *cloud.Record) (*cloud.Record, error) {
	found, err := t.Where(TypeSecretVersion, func(r *cloud.Record) bool {
		return r.Text("secretId") == secret.ID && strings.Contains(strings.Join(r.Outputs.Texts("versionStages"), " "), "AWSCURRENT")
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// readSecretVersion removes the record of a version whose secret is gone.
func readSecretVersion(o *cloud.Operation) (bool, error) {
	secret, err := FindSecret(o.Tx, o.Record.Text("secretId"), o.Record.Region)
	if err == nil && secret == nil {
		return true, o.Tx.Remove(o.Record)
	}
	return false, err
}

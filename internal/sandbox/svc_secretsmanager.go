package sandbox

import (
	"strconv"
	"strings"

	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// The resource types of Secrets Manager.
const (
	typeSecret        = "aws:secretsmanager/secret:Secret"
	typeSecretVersion = "aws:secretsmanager/secretVersion:SecretVersion"
)

func secretsManagerService() service {
	recovery := []string{"0"} // at once, or in 7 to 30 days
	for days := 7; days <= 30; days++ {
		recovery = append(recovery, strconv.Itoa(days))
	}
	return service{kinds: map[string]kind{
		typeSecret: {
			title: "Secrets Manager Secret", naming: naming{property: "name"}, id: "{arn}", arn: "secretsmanager:{region}:{account}:secret:{name}-{base6}",
			rules: []rule{
				{property: "name", min: 1, max: 512, pattern: `^[\w/+=.@!-]+$`, want: "only letters, digits and / _ + = . @ - !"},
				{property: "recoveryWindowInDays", allowed: recovery},
			},
			combinations: []combination{exclusive("name", "namePrefix")},
			onCreate:     createSecret, onRemove: removeSecret,
			gone: func(r *record) bool { return r.Status == "deleted" },
		},
		typeSecretVersion: {
			title: "Secrets Manager Secret Version", id: "{arn}|{versionId}",
			combinations: []combination{exclusive("secretString", "secretBinary")},
			onCreate:     createSecretVersion, onUpdate: createSecretVersion, onRead: secretGone,
		},
	}}
}

func createSecret(o *op) error {
	name := o.in.Text("name")
	if name == "" {
		name = o.rec.Name
	}
	others, err := o.tx.where(typeSecret, func(r *record) bool { return r.Name == name && r.Region == o.region })
	if err != nil {
		return err
	}
	if len(others) > 0 {
		if others[0].Status == "deleted" {
			return awsErrorf("InvalidRequestException", "You can't create this secret because a secret with this name is already scheduled for deletion.")
		}
		return awsErrorf("ResourceExistsException", "The operation failed because the secret %s already exists.", name)
	}
	o.set(map[string]any{"recoveryWindowInDays": 30.0, "forceOverwriteReplicaSecret": false})
	return nil
}

// removeSecret schedules the deletion, unless the recovery window is 0: a name stays taken for that long.
func removeSecret(o *op) error {
	versions, err := o.tx.where(typeSecretVersion, func(r *record) bool { return r.str("secretId") == o.rec.ID })
	if err != nil {
		return err
	}
	for _, v := range versions {
		if err := o.tx.remove(v); err != nil {
			return err
		}
	}
	if days := o.rec.Outputs.Int("recoveryWindowInDays"); days > 0 {
		o.rec.Status = "deleted"
		o.rec.Next = []change{{At: o.tx.now.AddDate(0, 0, days), Gone: true}}
	}
	return nil
}

// secret finds a secret by ARN or name, unless it is scheduled for deletion.
func (t *tx) secret(ref, region string) (*record, error) {
	found, err := t.where(typeSecret, func(r *record) bool {
		return (r.ID == ref || r.Name == ref && r.Region == region) && r.Status != "deleted"
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

func createSecretVersion(o *op) error {
	secret, err := o.tx.secret(o.in.Text("secretId"), o.region)
	if err != nil {
		return err
	}
	if secret == nil {
		return awsErrorf("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	}
	if o.rec.ID == "" {
		o.force(map[string]any{"versionId": o.expand("{uuid}")})
	}
	o.force(map[string]any{"arn": secret.ID, "secretId": secret.ID})
	o.set(map[string]any{"versionStages": value.ListOf("AWSCURRENT")})
	o.rec.Name = secret.Name
	// The stage moves from the version that had it.
	others, err := o.tx.where(typeSecretVersion, func(r *record) bool { return r.str("secretId") == secret.ID && r.ID != o.rec.ID })
	if err != nil {
		return err
	}
	for _, other := range others {
		other.Outputs["versionStages"] = value.ListOf("AWSPREVIOUS")
		if err := o.tx.put(other); err != nil {
			return err
		}
	}
	return nil
}

// currentVersion is the secret's version with the stage AWSCURRENT; nil if it has none.
func (t *tx) currentVersion(secret *record) (*record, error) {
	found, err := t.where(typeSecretVersion, func(r *record) bool {
		return r.str("secretId") == secret.ID && strings.Contains(strings.Join(r.Outputs.Texts("versionStages"), " "), "AWSCURRENT")
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

func secretGone(o *op) (bool, error) {
	secret, err := o.tx.secret(o.rec.str("secretId"), o.rec.Region)
	if err == nil && secret == nil {
		return true, o.tx.remove(o.rec)
	}
	return false, err
}

package program

import (
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/branchenv/branchenv/components"
	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/stacks/names"
)

// The environment variables that branchenv sets for the app, in addition to those of the settings: config.ReservedVariables.
const (
	varBranch           = "BRANCH_NAME"
	varKind             = "ENVIRONMENT_KIND"
	varURL              = "ENVIRONMENT_URL"
	varRegion           = "AWS_REGION"
	varBucket           = "ASSETS_BUCKET"
	varDatabaseHost     = "DATABASE_HOST"
	varDatabasePort     = "DATABASE_PORT"
	varDatabaseName     = "DATABASE_NAME"
	varDatabaseUser     = "DATABASE_USER"
	varDatabaseInstance = "DATABASE_INSTANCE"
	// varDatabasePassword is the password, if it never changes.
	varDatabasePassword = "DATABASE_PASSWORD"
	// varDatabaseCredentials is the ARN of the secret with user and password. RDS changes it every 7 days, and Beanstalk reads
	// secrets only when an instance starts. So the app itself reads the secret whenever it connects.
	varDatabaseCredentials = "DATABASE_CREDENTIALS_ARN" // #nosec G101 -- the name of a variable
)

// setAppVariables sets the variables and secrets of the settings, and the variables that are known before any resource is
// created.
func (e *environment) setAppVariables() error {
	own := slices.Concat(slices.Collect(maps.Keys(e.spec.Settings.Environment)), slices.Collect(maps.Keys(e.spec.Settings.Secrets)))
	slices.Sort(own)
	reserved := config.ReservedVariables()
	own = slices.DeleteFunc(own, func(name string) bool { return !slices.Contains(reserved, name) })
	if len(own) > 0 {
		return fault.Usagef("the settings set %s, which branchenv itself tells the app", strings.Join(own, ", ")).
			WithHint("use another name; the reserved ones are %s", strings.Join(reserved, ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(e.spec.Settings.Secrets)) {
		if arn := e.spec.Settings.Secrets[name]; !config.MayRead(e.spec.Project, e.spec.Settings.Application, arn) {
			prefix := config.SecretPrefix(e.spec.Project, e.spec.Settings.Application)
			return fault.Usagef("the instances of %s may not read the secret %s: %s", e.stage.Name, name, arn).
				WithHint("give it a name that begins with %s in Secrets Manager, or with /%s in SSM", prefix, prefix)
		}
	}
	e.variables, e.secrets = map[string]pulumi.StringInput{}, map[string]pulumi.StringInput{}
	for name, value := range e.spec.Settings.Environment {
		e.variables[name] = pulumi.String(value)
	}
	for name, arn := range e.spec.Settings.Secrets {
		e.secrets[name] = pulumi.String(arn)
	}
	e.variables[varBranch] = pulumi.String(e.spec.Branch)
	e.variables[varKind] = pulumi.String(e.spec.Kind)
	e.variables[varURL] = pulumi.String(e.spec.url())
	e.variables[varRegion] = pulumi.String(e.spec.Region)
	return nil
}

// setDatabaseVariables sets the variables of the database, and lets the app read its credentials.
func (e *environment) setDatabaseVariables(d *components.BranchDatabase) error {
	e.variables[varDatabaseHost] = d.Address
	e.variables[varDatabasePort] = pulumi.Sprintf("%d", d.Port)
	e.variables[varDatabaseName] = d.Name
	e.variables[varDatabaseUser] = d.Username
	e.variables[varDatabaseInstance] = d.Identifier
	if !e.spec.Settings.Protected {
		e.secrets[varDatabasePassword] = d.SecretARN
		return nil
	}
	e.variables[varDatabaseCredentials] = d.SecretARN
	_, err := components.NewSecretAccess(e.ctx, "database-password", components.SecretAccessArgs{
		Name: names.DatabaseName(e.spec.Project, e.spec.Stack), Role: pulumi.String(e.stage.RoleName), Secret: d.SecretARN,
	})
	return err
}

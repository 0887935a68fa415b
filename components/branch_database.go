package components

import (
	"crypto/rand"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/rds"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/secretsmanager"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/branchenv/branchenv/internal/engines"
)

// BranchDatabaseArgs are the arguments of NewBranchDatabase.
type BranchDatabaseArgs struct {
	// Name is the RDS identifier: at most 63 lower-case letters, digits and single hyphens, a letter first, no hyphen
	// last.
	Name string
	// SecurityGroup is the AWS name of the database's security group.
	SecurityGroup string
	// SecretName is the name of the password's secret in Secrets Manager. Unused if Protected.
	SecretName string
	// Engine is postgres or mysql.
	Engine string
	// Version is the engine's version: 16, 16.4, 8.4, 8.0.36. RDS chooses the parts that are left out.
	Version string
	// Class is the instance class, for instance db.t4g.micro.
	Class string
	// Storage is the size of the gp3 volume in GiB, 20 to 65536.
	Storage int
	// MultiAZ keeps a standby in a second zone.
	MultiAZ bool
	// BackupDays is the number of days for which automatic backups are kept, 0 (none) to 35.
	BackupDays int
	// Username is the master user: letters, digits and underscores, a letter first.
	Username string
	// Database is the name of the database in the instance: letters, digits and underscores, a letter first.
	Database string
	// SubnetGroup is the name of the DB subnet group.
	SubnetGroup pulumi.StringInput
	// VPC is the VPC of the subnet group.
	VPC pulumi.StringInput
	// Clients is the security group whose members may connect.
	Clients pulumi.StringInput
	// Protected: AWS refuses to delete the database, a deletion leaves a final snapshot and the backups, and RDS manages and
	// rotates the password. Otherwise a deletion leaves nothing, and the password is in a secret of its own.
	Protected bool
	// FinalSnapshot is the identifier of a Protected database's final snapshot. No snapshot may have it yet.
	FinalSnapshot string
	// Snapshot is the identifier or ARN of a snapshot with which a new database starts. The snapshot's user and database names
	// then replace Username and Database. It has no effect on an existing database. Empty: a new database is empty.
	Snapshot string
	// Timeout is the longest wait for RDS. 0: the provider's default, 40 to 80 minutes.
	Timeout time.Duration
}

// BranchDatabase is an RDS instance of Postgres or MySQL. It is encrypted and not reachable from the internet; only the members
// of one security group can connect, to the engine's port. Postgres accepts only TLS connections.
//
// It sets no Protect option. With Protected, AWS refuses the deletion. Pass pulumi.Protect(true) if Pulumi shall refuse it, too,
// before it touches anything else.
type BranchDatabase struct {
	pulumi.ResourceState

	Identifier pulumi.StringOutput `pulumi:"identifier"`
	Address    pulumi.StringOutput `pulumi:"address"` // host name
	Port       pulumi.IntOutput    `pulumi:"port"`
	Name       pulumi.StringOutput `pulumi:"name"` // of the database in the instance
	Username   pulumi.StringOutput `pulumi:"username"`
	// SecretARN is the ARN of the secret in Secrets Manager. Its value is the password. For a protected database it is RDS's
	// JSON object with the keys username and password.
	SecretARN       pulumi.StringOutput `pulumi:"secretArn"`
	SecurityGroupID pulumi.StringOutput `pulumi:"securityGroupId"`
}

var databaseIdentifier = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

func (a *BranchDatabaseArgs) validate(name string) error {
	var wrong mistakes
	identifier := func(what, s string, most int) {
		wrong.check(len(s) <= most && databaseIdentifier.MatchString(s),
			"%s %q is not 1 to %d lower-case letters, digits and single hyphens, a letter first", what, s, most)
	}
	identifier("identifier", a.Name, 63)
	wrong.checkGroupName(a.SecurityGroup)
	if a.Protected {
		identifier("final snapshot", a.FinalSnapshot, 255)
	} else {
		wrong.check(a.SecretName != "", "the name of the password's secret is missing")
	}
	e, known := engines.Of(a.Engine)
	wrong.check(known, "engine %q is neither postgres nor mysql", a.Engine)
	if known {
		for _, mistake := range []string{e.CheckVersion(a.Version), e.CheckUsername(a.Username), e.CheckDatabase(a.Database)} {
			wrong.check(mistake == "", "%s", mistake)
		}
	}
	wrong.check(strings.HasPrefix(a.Class, "db."), "instance class %q does not begin with db.", a.Class)
	wrong.check(a.Storage >= 20 && a.Storage <= 65536, "storage of %d GiB is not between 20 and 65536", a.Storage)
	wrong.check(a.BackupDays >= 0 && a.BackupDays <= 35, "backups are kept for 0 to 35 days, not %d", a.BackupDays)
	wrong.check(a.SubnetGroup != nil, "the subnet group is missing")
	wrong.check(a.VPC != nil, "the VPC is missing")
	wrong.check(a.Clients != nil, "the clients' security group is missing")
	wrong.check(a.Timeout >= 0, "a timeout of %s is negative", a.Timeout)
	return wrong.err("BranchDatabase", name)
}

// NewBranchDatabase registers a BranchDatabase.
func NewBranchDatabase(ctx *pulumi.Context, name string, args BranchDatabaseArgs, opts ...pulumi.ResourceOption) (*BranchDatabase, error) {
	if err := args.validate(name); err != nil {
		return nil, err
	}
	c := &BranchDatabase{}
	if err := ctx.RegisterComponentResource("branchenv:index:BranchDatabase", name, c, opts...); err != nil {
		return nil, err
	}
	engine, _ := engines.Of(args.Engine)
	group, err := newSecurityGroup(ctx, name, args.SecurityGroup, "Database", args.VPC, c)
	if err != nil {
		return nil, err
	}
	if _, err := allowIn(ctx, name+"-in", group.ID(), engine.Port, args.Clients, c); err != nil {
		return nil, err
	}
	parameters, err := c.parameters(ctx, name, args, engine)
	if err != nil {
		return nil, err
	}
	var password *secretsmanager.SecretVersion
	if !args.Protected {
		if password, err = c.password(ctx, name, args); err != nil {
			return nil, err
		}
	}
	instance, err := c.instance(ctx, name, args, group.ID(), parameters, password)
	if err != nil {
		return nil, err
	}
	c.Identifier, c.Address, c.Port = instance.Identifier, instance.Address, instance.Port
	c.Name, c.Username, c.SecurityGroupID = instance.DbName, instance.Username, group.ID().ToStringOutput()
	if password != nil {
		c.SecretARN = password.Arn
	} else {
		c.SecretARN = first(ctx, instance.MasterUserSecrets, "secret with the master password of database "+args.Name,
			func(s rds.InstanceMasterUserSecret) *string { return s.SecretArn })
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{
		"identifier": c.Identifier, "address": c.Address, "port": c.Port, "name": c.Name, "username": c.Username,
		"secretArn": c.SecretARN, "securityGroupId": c.SecurityGroupID,
	})
}

// parameters returns the name of the parameter group. The default group is also passed by name: an instance restored from a
// snapshot would otherwise get the snapshot's. Postgres requires TLS by default from version 15 on; older versions need an own
// group. Source: user guide of RDS, "Requiring an SSL connection to a PostgreSQL DB instance".
func (c *BranchDatabase) parameters(ctx *pulumi.Context, name string, args BranchDatabaseArgs, engine engines.Engine) (pulumi.StringInput, error) {
	family := args.Engine + engine.Family(args.Version)
	major, err := strconv.Atoi(strings.TrimPrefix(family, "postgres"))
	if err != nil || major >= 15 { // MySQL, or a Postgres that demands TLS
		return pulumi.String("default." + family), nil
	}
	group, err := rds.NewParameterGroup(ctx, name, &rds.ParameterGroupArgs{
		Name: pulumi.String(args.Name + "-" + family), Family: pulumi.String(family),
		Description: pulumi.String("TLS connections only"),
		Parameters: rds.ParameterGroupParameterArray{rds.ParameterGroupParameterArgs{
			Name: pulumi.String("rds.force_ssl"), Value: pulumi.String("1"),
		}},
	}, pulumi.Parent(c),
		// A group of another family has another name, and the instance uses the old group until its update.
		pulumi.DeleteBeforeReplace(false))
	if err != nil {
		return nil, err
	}
	return group.Name, nil
}

// password registers the secret with the master password. Every run of the program draws a new password, and Pulumi ignores
// all but the first. The instance gets the secret's value, so neither a preview nor a repeated run changes the password.
func (c *BranchDatabase) password(ctx *pulumi.Context, name string, args BranchDatabaseArgs) (*secretsmanager.SecretVersion, error) {
	secret, err := secretsmanager.NewSecret(ctx, name, &secretsmanager.SecretArgs{
		Name: pulumi.String(args.SecretName), Description: pulumi.String("Master password of database " + args.Name),
		// 0 deletes at once. Otherwise the name would stay taken for at least a week after the environment was destroyed.
		RecoveryWindowInDays: pulumi.Int(0),
	}, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	return secretsmanager.NewSecretVersion(ctx, name, &secretsmanager.SecretVersionArgs{
		SecretId: secret.ID(), SecretString: pulumi.ToSecret(pulumi.String(randomPassword())).(pulumi.StringOutput),
	}, pulumi.Parent(c), pulumi.IgnoreChanges([]string{"secretString"}))
}

// instance registers the RDS instance. password is nil if RDS manages the password.
func (c *BranchDatabase) instance(ctx *pulumi.Context, name string, args BranchDatabaseArgs, group pulumi.StringInput, parameters pulumi.StringInput, password *secretsmanager.SecretVersion) (*rds.Instance, error) {
	instance := &rds.InstanceArgs{
		Identifier:                 pulumi.String(args.Name),
		Engine:                     pulumi.String(args.Engine),
		EngineVersion:              pulumi.String(args.Version),
		InstanceClass:              pulumi.String(args.Class),
		AllocatedStorage:           pulumi.Int(args.Storage),
		StorageType:                pulumi.String("gp3"),
		StorageEncrypted:           pulumi.Bool(true),
		MultiAz:                    pulumi.Bool(args.MultiAZ),
		PubliclyAccessible:         pulumi.Bool(false),
		DbSubnetGroupName:          args.SubnetGroup.ToStringOutput(),
		VpcSecurityGroupIds:        pulumi.StringArray{group},
		ParameterGroupName:         parameters.ToStringOutput(),
		BackupRetentionPeriod:      pulumi.Int(args.BackupDays),
		DeleteAutomatedBackups:     pulumi.Bool(!args.Protected),
		CopyTagsToSnapshot:         pulumi.Bool(true),
		DeletionProtection:         pulumi.Bool(args.Protected),
		SkipFinalSnapshot:          pulumi.Bool(!args.Protected),
		ApplyImmediately:           pulumi.Bool(true), // so that changes are done when `up` ends
		AutoMinorVersionUpgrade:    pulumi.Bool(true),
		PerformanceInsightsEnabled: pulumi.Bool(false), // the small classes have none
	}
	ignored := []string{"snapshotIdentifier"}
	if args.Snapshot != "" {
		// These come from the snapshot. Other values would replace the database on the next update.
		instance.SnapshotIdentifier = pulumi.String(args.Snapshot)
		ignored = append(ignored, "username", "dbName", "storageEncrypted")
	} else {
		instance.Username, instance.DbName = pulumi.String(args.Username), pulumi.String(args.Database)
	}
	if password != nil {
		instance.Password = password.SecretString
	} else {
		instance.ManageMasterUserPassword = pulumi.Bool(true)
		instance.FinalSnapshotIdentifier = pulumi.String(args.FinalSnapshot)
	}
	options := []pulumi.ResourceOption{
		pulumi.Parent(c), pulumi.IgnoreChanges(ignored),
		// The identifier is given, so the old instance must be deleted first.
		pulumi.DeleteBeforeReplace(true),
	}
	if args.Timeout > 0 {
		t := args.Timeout.String()
		options = append(options, pulumi.Timeouts(&pulumi.CustomTimeouts{Create: t, Update: t, Delete: t}))
	}
	return rds.NewInstance(ctx, name, instance, options...)
}

const (
	passwordLength = 32
	// passwordRunes are 64 characters that both engines, RDS and a URL accept unchanged. RDS refuses / @ " and spaces.
	passwordRunes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
)

// randomPassword returns a random password of 192 bits.
func randomPassword() string {
	password := make([]byte, passwordLength)
	_, _ = rand.Read(password) // never fails
	for i, b := range password {
		password[i] = passwordRunes[int(b)%len(passwordRunes)]
	}
	return string(password)
}

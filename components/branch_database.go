package components

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/rds"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/secretsmanager"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/branchenv/branchenv/internal/engines"
)

// BranchDatabaseArgs say what a BranchDatabase is like.
type BranchDatabaseArgs struct {
	// Name is the RDS identifier: at most 63 lower-case letters, digits and single hyphens, a letter first, no hyphen
	// last.
	Name string
	// SecurityGroup is the AWS name of the database's security group.
	SecurityGroup string
	// SecretName is the name in Secrets Manager of the secret with the password; unused where Protected.
	SecretName string
	// Engine is postgres or mysql.
	Engine string
	// Version is the engine's version: 16, 16.4, 8.4, 8.0.36. RDS picks what is left open.
	Version string
	// Class is the instance class, for instance db.t4g.micro.
	Class string
	// Storage is the size of the gp3 volume in GiB, 20 to 65536.
	Storage int
	// MultiAZ keeps a standby in a second zone.
	MultiAZ bool
	// BackupDays is for how many days automatic backups are kept, 0 (none) to 35.
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
	// Protected databases cannot be deleted in AWS, leave a final snapshot and their backups behind, and have a password
	// that RDS manages and rotates. Others go without a trace, and have a password of their own in Secrets Manager.
	Protected bool
	// FinalSnapshot is the identifier of the final snapshot of a Protected database, one that no snapshot has yet.
	FinalSnapshot string
	// Snapshot is the identifier or ARN of the snapshot that a new database starts from; its user and database names
	// then count, not Username and Database. It is only looked at when the database is created. Empty: an empty database.
	Snapshot string
	// Timeout bounds each wait for RDS. 0: the provider's default, 40 to 80 minutes.
	Timeout time.Duration
}

// BranchDatabase is one RDS instance of Postgres or MySQL: encrypted, not reachable from the internet, open to the
// members of one security group on the engine's port only. Postgres takes TLS connections only.
//
// It sets no Protect option: with Protected, AWS refuses the deletion. Pass pulumi.Protect(true) to have Pulumi refuse
// it as well, before anything else is touched.
type BranchDatabase struct {
	pulumi.ResourceState

	Identifier pulumi.StringOutput `pulumi:"identifier"`
	Address    pulumi.StringOutput `pulumi:"address"` // host name
	Port       pulumi.IntOutput    `pulumi:"port"`
	Name       pulumi.StringOutput `pulumi:"name"` // of the database in the instance
	Username   pulumi.StringOutput `pulumi:"username"`
	// SecretARN is the secret in Secrets Manager. Its value is the password where the database is not protected, and
	// else RDS's JSON object with the keys username and password.
	SecretARN       pulumi.StringOutput `pulumi:"secretArn"`
	SecurityGroupID pulumi.StringOutput `pulumi:"securityGroupId"`
}

var databaseIdentifier = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

func (a *BranchDatabaseArgs) validate(name string) error {
	var f faults
	identifier := func(what, s string, most int) {
		f.check(len(s) <= most && databaseIdentifier.MatchString(s),
			"%s %q is not 1 to %d lower-case letters, digits and single hyphens, a letter first", what, s, most)
	}
	identifier("identifier", a.Name, 63)
	f.checkGroupName(a.SecurityGroup)
	if a.Protected {
		identifier("final snapshot", a.FinalSnapshot, 255)
	} else {
		f.check(a.SecretName != "", "the name of the password's secret is missing")
	}
	e, known := engines.Of(a.Engine)
	f.check(known, "engine %q is neither postgres nor mysql", a.Engine)
	if known {
		for _, wrong := range []string{e.CheckVersion(a.Version), e.CheckUsername(a.Username), e.CheckDatabase(a.Database)} {
			f.check(wrong == "", "%s", wrong)
		}
	}
	f.check(strings.HasPrefix(a.Class, "db."), "instance class %q does not begin with db.", a.Class)
	f.check(a.Storage >= 20 && a.Storage <= 65536, "storage of %d GiB is not between 20 and 65536", a.Storage)
	f.check(a.BackupDays >= 0 && a.BackupDays <= 35, "backups are kept for 0 to 35 days, not %d", a.BackupDays)
	f.check(a.SubnetGroup != nil, "the subnet group is missing")
	f.check(a.VPC != nil, "the VPC is missing")
	f.check(a.Clients != nil, "the clients' security group is missing")
	f.check(a.Timeout >= 0, "a timeout of %s is negative", a.Timeout)
	return f.err("BranchDatabase", name)
}

// NewBranchDatabase makes a BranchDatabase.
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

// parameters is the name of the parameter group. It is always passed, the default one too, because an instance that is
// restored from a snapshot would fall back to it. Postgres demands TLS by default from version 15 on; before that it
// takes a group of our own. Source: user guide of RDS, "Requiring an SSL connection to a PostgreSQL DB instance".
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
		// Another family has another name, and the instance uses the old group until it is changed.
		pulumi.DeleteBeforeReplace(false))
	if err != nil {
		return nil, err
	}
	return group.Name, nil
}

// password is the secret that holds the master password. A new one is drawn in every run of the program, and all but
// the first are ignored; the instance takes what the secret holds, so that a run that repeats one that ended between
// the two, or a preview, does not change it.
func (c *BranchDatabase) password(ctx *pulumi.Context, name string, args BranchDatabaseArgs) (*secretsmanager.SecretVersion, error) {
	secret, err := secretsmanager.NewSecret(ctx, name, &secretsmanager.SecretArgs{
		Name: pulumi.String(args.SecretName), Description: pulumi.String("Master password of database " + args.Name),
		// At once, or the name would stay taken for a week or more after the environment went.
		RecoveryWindowInDays: pulumi.Int(0),
	}, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	drawn, err := randomPassword()
	if err != nil {
		return nil, err
	}
	return secretsmanager.NewSecretVersion(ctx, name, &secretsmanager.SecretVersionArgs{
		SecretId: secret.ID(), SecretString: pulumi.ToSecret(pulumi.String(drawn)).(pulumi.StringOutput),
	}, pulumi.Parent(c), pulumi.IgnoreChanges([]string{"secretString"}))
}

// instance is the RDS instance. password is nil where RDS manages it.
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
		ApplyImmediately:           pulumi.Bool(true), // what `up` says is done, is done
		AutoMinorVersionUpgrade:    pulumi.Bool(true),
		PerformanceInsightsEnabled: pulumi.Bool(false), // the small classes have none
	}
	ignored := []string{"snapshotIdentifier"}
	if args.Snapshot != "" {
		// These come from the snapshot, and giving others would replace the database on the next update.
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
		// The identifier is given, so a replacement can only follow the deletion.
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
	// passwordRunes are what both engines, RDS (which refuses / @ " and spaces) and a URL take as they are.
	passwordRunes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
)

// randomPassword draws a password of 192 bits.
func randomPassword() (string, error) {
	var b strings.Builder
	for range passwordLength {
		i, err := rand.Int(rand.Reader, big.NewInt(int64(len(passwordRunes))))
		if err != nil {
			return "", fmt.Errorf("draw a password: %w", err)
		}
		b.WriteByte(passwordRunes[i.Int64()])
	}
	return b.String(), nil
}

package components_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/branchenv/branchenv/components"
	"github.com/branchenv/branchenv/internal/pulumitest"
)

// run runs a program against a recorder that computes what the components read.
func run(program pulumi.RunFunc) (*pulumitest.Recorder, error) {
	r := &pulumitest.Recorder{Computed: map[string]map[string]any{
		"aws:s3/bucketV2:BucketV2/*": {"arn": "arn:aws:s3:::shop-login-x1y2z3"},
		"aws:elasticbeanstalk/environment:Environment/*": {
			"endpointUrl": "awseb.elb.amazonaws.com", "cname": "login.elasticbeanstalk.com",
			"loadBalancers": []any{"arn:aws:elasticloadbalancing:eu-central-1:1:loadbalancer/app/awseb/1"},
		},
		"aws:rds/instance:Instance/*": {
			"address":           "shop-login.rds.amazonaws.com",
			"masterUserSecrets": []any{map[string]any{"secretArn": "arn:aws:secretsmanager:eu-central-1:1:secret:rds!db-1"}},
		},
		"aws:secretsmanager/secretVersion:SecretVersion/*": {"arn": "arn:aws:secretsmanager:eu-central-1:1:secret:login"},
		"aws:acm/certificate:Certificate/*": {
			"arn": "arn:aws:acm:eu-central-1:1:certificate/1",
			"domainValidationOptions": []any{map[string]any{
				"domainName": "*.preview.example.com", "resourceRecordName": "_a.preview.example.com",
				"resourceRecordType": "CNAME", "resourceRecordValue": "_b.acm-validations.aws",
			}},
		},
		"aws:route53/record:Record/*":        {"fqdn": "login.preview.example.com"},
		"aws:lb/loadBalancer:LoadBalancer/*": {"arn": "arn:aws:elasticloadbalancing:eu-central-1:1:loadbalancer/app/shop-shared/1", "dnsName": "shared.elb.amazonaws.com", "zoneId": "Z215"},
		"aws:iam/role:Role/*":                {"arn": "arn:aws:iam::1:role/made"},
	}}
	return r, r.Run("shop", "login", nil, program)
}

// record runs a program that must succeed.
func record(t *testing.T, program pulumi.RunFunc) *pulumitest.Recorder {
	t.Helper()
	r, err := run(program)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func bucketArgs() components.AssetsBucketArgs {
	return components.AssetsBucketArgs{Name: "shop-login-x1y2z3", NoncurrentDays: 30}
}

func databaseArgs() components.BranchDatabaseArgs {
	return components.BranchDatabaseArgs{
		Name: "shop-login", SecurityGroup: "shop-login-database", SecretName: "branchenv/shop/staging/login/database",
		Engine: "postgres", Version: "16", Class: "db.t4g.micro", Storage: 20, Username: "app", Database: "app",
		SubnetGroup: pulumi.String("shop-databases"), VPC: pulumi.String("vpc-1"), Clients: pulumi.String("sg-app"),
		FinalSnapshot: "shop-login-final-x1y2z3", Timeout: 30 * time.Minute,
	}
}

func envArgs() components.BeanstalkEnvArgs {
	return components.BeanstalkEnvArgs{
		Name: "shop-login", Application: pulumi.String("shop-staging"),
		SolutionStack: pulumi.String("64bit Amazon Linux 2023 v4.3.0 running Docker"),
		Version: components.AppVersion{
			Image: "registry.example.com/shop:1a2b3c", ContainerPort: 8080, Bucket: pulumi.String("shop-versions-a1b2c3"), KeyPrefix: "login/",
		},
		Balancer: components.BalancerShared, Host: "login.preview.example.com",
		Shared: components.BalancerRef{
			ARN:     pulumi.String("arn:aws:elasticloadbalancing:eu-central-1:1:loadbalancer/app/shop-shared/1"),
			DNSName: pulumi.String("shared.elb.amazonaws.com"), ZoneID: pulumi.String("Z215"), SecurityGroup: pulumi.String("sg-balancer"),
		},
		Certificate: pulumi.String("arn:aws:acm:eu-central-1:1:certificate/1"), BalancerZone: pulumi.String("Z215"),
		BalancerGroup: "shop-login-balancer", InstanceType: "t3.micro", MinInstances: 1, MaxInstances: 1,
		DeploymentPolicy: "AllAtOnce", BatchSize: 50, HealthPath: "/health", LogDays: 7,
		Variables: map[string]pulumi.StringInput{"BRANCH_NAME": pulumi.String("login"), "UNSET": pulumi.String("")},
		Secrets:   map[string]pulumi.StringInput{"API_KEY": pulumi.String("arn:aws:secretsmanager:eu-central-1:1:secret:k-AbCd12")},
		VPC:       pulumi.String("vpc-1"), Subnets: pulumi.ToStringArray([]string{"subnet-1", "subnet-2"}),
		SecurityGroup: pulumi.String("sg-app"), ServiceRole: pulumi.String("arn:aws:iam::1:role/service"),
		InstanceProfile: pulumi.String("shop-staging"), Timeout: 30 * time.Minute,
	}
}

// graphs are whole resource graphs, one for each mode of a component.
func graphs() map[string]pulumi.RunFunc {
	bucket := func(change func(*components.AssetsBucketArgs)) pulumi.RunFunc {
		return func(ctx *pulumi.Context) error {
			args := bucketArgs()
			change(&args)
			_, err := components.NewAssetsBucket(ctx, "assets", args)
			return err
		}
	}
	database := func(change func(*components.BranchDatabaseArgs)) pulumi.RunFunc {
		return func(ctx *pulumi.Context) error {
			args := databaseArgs()
			change(&args)
			_, err := components.NewBranchDatabase(ctx, "database", args)
			return err
		}
	}
	env := func(change func(*components.BeanstalkEnvArgs)) pulumi.RunFunc {
		return func(ctx *pulumi.Context) error {
			args := envArgs()
			change(&args)
			_, err := components.NewBeanstalkEnv(ctx, "environment", args)
			return err
		}
	}
	dns := func(args components.BranchDNSArgs) pulumi.RunFunc {
		args.Host, args.ZoneID = "login.preview.example.com", pulumi.String("Z1")
		return func(ctx *pulumi.Context) error {
			_, err := components.NewBranchDNS(ctx, "dns", args)
			return err
		}
	}
	return map[string]pulumi.RunFunc{
		"bucket": bucket(func(*components.AssetsBucketArgs) {}),
		"bucket-protected": bucket(func(a *components.AssetsBucketArgs) {
			a.Protected, a.Writer, a.CORSOrigins = true, pulumi.String("arn:aws:iam::1:role/app"), []string{"https://example.com"}
		}),
		"database-postgres":  database(func(*components.BranchDatabaseArgs) {}),
		"database-old":       database(func(a *components.BranchDatabaseArgs) { a.Version = "14.9" }),
		"database-mysql":     database(func(a *components.BranchDatabaseArgs) { a.Engine, a.Version = "mysql", "8.4" }),
		"database-snapshot":  database(func(a *components.BranchDatabaseArgs) { a.Snapshot = "rds:shop-staging-2026-01-01" }),
		"database-protected": database(func(a *components.BranchDatabaseArgs) { a.Protected, a.MultiAZ, a.BackupDays = true, true, 14 }),
		"env-shared":         env(func(*components.BeanstalkEnvArgs) {}),
		"env-own": env(func(a *components.BeanstalkEnvArgs) {
			a.Balancer, a.MinInstances, a.MaxInstances, a.DeploymentPolicy = components.BalancerOwn, 2, 4, "RollingWithAdditionalBatch"
			a.ManagedUpdates, a.KeepLogs = true, true
		}),
		"env-none": env(func(a *components.BeanstalkEnvArgs) {
			a.Balancer, a.DeploymentPolicy, a.Spot, a.LogDays = components.BalancerNone, "Immutable", true, 0
		}),
		"env-bundle": env(func(a *components.BeanstalkEnvArgs) {
			a.Version.Image, a.Version.BundleKey, a.Version.Label = "", "login/app.zip", "build-17"
		}),
		"env-label":  env(func(a *components.BeanstalkEnvArgs) { a.Version = components.AppVersion{Label: "build-17"} }),
		"env-sample": env(func(a *components.BeanstalkEnvArgs) { a.Version = components.AppVersion{} }),
		"dns-alias": dns(components.BranchDNSArgs{IPv6: true, Target: components.DNSTarget{
			Alias: pulumi.String("shared.elb.amazonaws.com"), ZoneID: pulumi.String("Z215"),
		}}),
		"dns-cname": dns(components.BranchDNSArgs{Target: components.DNSTarget{CNAME: pulumi.String("login.elasticbeanstalk.com")}}),
		"shared":    sharedGraph,
	}
}

// sharedGraph registers one of each component that environments share.
func sharedGraph(ctx *pulumi.Context) error {
	if _, err := components.NewWildcardCertificate(ctx, "certificate", components.WildcardCertificateArgs{
		Domain: "preview.example.com", ZoneID: pulumi.String("Z1"),
	}); err != nil {
		return err
	}
	if _, err := components.NewSharedBalancer(ctx, "balancer", components.SharedBalancerArgs{
		Name: "shop-shared", SecurityGroup: "shop-shared-balancer", VPC: pulumi.String("vpc-1"),
		Subnets: pulumi.ToStringArray([]string{"subnet-1", "subnet-2"}), Certificate: pulumi.String("arn:aws:acm:eu-central-1:1:certificate/1"),
	}); err != nil {
		return err
	}
	if _, err := components.NewDatabaseSubnets(ctx, "databases", components.DatabaseSubnetsArgs{
		Name: "shop-databases", Subnets: pulumi.ToStringArray([]string{"subnet-1", "subnet-2"}),
	}); err != nil {
		return err
	}
	role, err := components.NewBeanstalkServiceRole(ctx, "service", components.BeanstalkServiceRoleArgs{
		Name: "shop-eu-central-1-service", Region: "eu-central-1",
	})
	if err != nil {
		return err
	}
	app, err := components.NewBeanstalkApplication(ctx, "staging", components.BeanstalkApplicationArgs{
		Name: "shop-staging", RoleName: "shop-eu-central-1-staging", Region: "eu-central-1", ServiceRole: role.ARN,
		MaxVersions: 200, Environments: "shop-", Secrets: "branchenv/shop/staging/", Bundles: pulumi.String("arn:aws:s3:::shop-versions-a1b2c3"),
	})
	if err != nil {
		return err
	}
	if _, err := components.NewAppGroup(ctx, "app", components.AppGroupArgs{Name: "shop-login-app", VPC: pulumi.String("vpc-1")}); err != nil {
		return err
	}
	_, err = components.NewSecretAccess(ctx, "password", components.SecretAccessArgs{
		Name: "shop-main", Role: app.RoleName, Secret: pulumi.String("arn:aws:secretsmanager:eu-central-1:1:secret:rds!db-1"),
	})
	return err
}

func TestGraphs(t *testing.T) {
	t.Parallel()
	for name, program := range graphs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pulumitest.Golden(t, name, record(t, program).Resources())
		})
	}
}

// TestTwice registers two of each component in one program: no two resources may have the same name.
func TestTwice(t *testing.T) {
	t.Parallel()
	r := record(t, func(ctx *pulumi.Context) error {
		for _, name := range []string{"login", "search"} {
			if _, err := components.NewAssetsBucket(ctx, name+"-assets", bucketArgs()); err != nil {
				return err
			}
			db, err := components.NewBranchDatabase(ctx, name+"-database", databaseArgs())
			if err != nil {
				return err
			}
			args := envArgs()
			args.Balancer = components.BalancerOwn
			args.Variables["DATABASE_HOST"] = db.Address
			env, err := components.NewBeanstalkEnv(ctx, name+"-environment", args)
			if err != nil {
				return err
			}
			if _, err := components.NewBranchDNS(ctx, name+"-dns", components.BranchDNSArgs{
				Host: name + ".preview.example.com", ZoneID: pulumi.String("Z1"), Target: env.Target,
			}); err != nil {
				return err
			}
		}
		return nil
	})
	seen := map[[2]string]bool{}
	for _, found := range r.Resources() {
		key := [2]string{found.Type, found.Name}
		if seen[key] {
			t.Errorf("two resources are %s %s", found.Type, found.Name)
		}
		seen[key] = true
		if !strings.HasPrefix(found.Name, "login-") && !strings.HasPrefix(found.Name, "search-") {
			t.Errorf("%s %s does not bear its component's name", found.Type, found.Name)
		}
		if strings.HasPrefix(found.Type, "aws:") && found.Parent == "" {
			t.Errorf("%s %s has no parent", found.Type, found.Name)
		}
	}
	if len(seen) < 40 {
		t.Errorf("only %d resources were registered", len(seen))
	}
}

// TestPasswordIsSecret follows the password through the whole graph: a value that is not marked as secret would be readable in
// the state.
func TestPasswordIsSecret(t *testing.T) {
	t.Parallel()
	r := record(t, graphs()["database-postgres"])
	version := r.Find(t, "aws:secretsmanager/secretVersion:SecretVersion", "database")
	instance := r.Find(t, "aws:rds/instance:Instance", "database")
	for what, value := range map[string]any{"secretString": version.Inputs["secretString"], "password": instance.Inputs["password"]} {
		if value != "[secret]" {
			t.Errorf("%s is %v, not a secret", what, value)
		}
	}
	if !instance.DependsOn("aws:secretsmanager/secretVersion:SecretVersion", "database") {
		t.Error("the instance's password is not the one that the secret holds")
	}
}

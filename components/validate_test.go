package components_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/branchenv/branchenv/components"
)

// TestMistakes gives each component wrong arguments, one at a time. The error names the mistake, and nothing is registered.
func TestMistakes(t *testing.T) {
	t.Parallel()
	for fault, program := range faultyPrograms() {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			r, err := run(program)
			if err == nil || !strings.Contains(err.Error(), fault) {
				t.Errorf("error %v does not tell: %s", err, fault)
			}
			if made := r.Resources(); len(made) > 0 {
				t.Errorf("%d resources were registered before the arguments were refused", len(made))
			}
		})
	}
}

// TestAllMistakes checks that all mistakes are named at once, in a stable order.
func TestAllMistakes(t *testing.T) {
	t.Parallel()
	_, err := run(func(ctx *pulumi.Context) error {
		args := envArgs()
		args.Name, args.HealthPath, args.Timeout = "x", "health", time.Second
		args.Variables["2B"], args.Variables["API_KEY"] = pulumi.String("b"), pulumi.String("k")
		_, err := components.NewBeanstalkEnv(ctx, "environment", args)
		return err
	})
	const want = `BeanstalkEnv environment: "2B" is not the name of an environment variable; ` +
		`API_KEY is both a variable and a secret; a timeout of 1s is shorter than a minute; ` +
		`environment "x" is not 4 to 40 letters, digits and hyphens, none at the edges; health path "health" does not begin with /`
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// faultyPrograms are programs by the mistake for which they are refused.
func faultyPrograms() map[string]pulumi.RunFunc {
	programs := map[string]pulumi.RunFunc{}
	bucket := func(fault string, change func(*components.AssetsBucketArgs)) {
		programs[fault] = func(ctx *pulumi.Context) error {
			args := bucketArgs()
			change(&args)
			_, err := components.NewAssetsBucket(ctx, "assets", args)
			return err
		}
	}
	bucket(`bucket name "Shop.Login"`, func(a *components.AssetsBucketArgs) { a.Name = "Shop.Login" })
	bucket("at least 1 day, not 0", func(a *components.AssetsBucketArgs) { a.NoncurrentDays = 0 })
	bucket("a CORS origin is empty", func(a *components.AssetsBucketArgs) { a.CORSOrigins = []string{""} })

	database := func(fault string, change func(*components.BranchDatabaseArgs)) {
		programs[fault] = func(ctx *pulumi.Context) error {
			args := databaseArgs()
			change(&args)
			_, err := components.NewBranchDatabase(ctx, "database", args)
			return err
		}
	}
	database(`identifier "a--b"`, func(a *components.BranchDatabaseArgs) { a.Name = "a--b" })
	database(`final snapshot ""`, func(a *components.BranchDatabaseArgs) { a.Protected, a.FinalSnapshot = true, "" })
	database("the name of the password's secret is missing", func(a *components.BranchDatabaseArgs) { a.SecretName = "" })
	database(`engine "oracle" is neither postgres nor mysql`, func(a *components.BranchDatabaseArgs) { a.Engine = "oracle" })
	database(`postgres has no version "latest"`, func(a *components.BranchDatabaseArgs) { a.Version = "latest" })
	database("a user of mysql has at most 16 characters, not 17", func(a *components.BranchDatabaseArgs) {
		a.Engine, a.Version, a.Username = "mysql", "8.4", strings.Repeat("a", 17)
	})
	database(`user "1app"`, func(a *components.BranchDatabaseArgs) { a.Username = "1app" })
	database(`database "my-app"`, func(a *components.BranchDatabaseArgs) { a.Database = "my-app" })
	database(`instance class "t4g.micro"`, func(a *components.BranchDatabaseArgs) { a.Class = "t4g.micro" })
	database("storage of 19 GiB", func(a *components.BranchDatabaseArgs) { a.Storage = 19 })
	database("0 to 35 days, not 36", func(a *components.BranchDatabaseArgs) { a.BackupDays = 36 })
	database("the subnet group is missing", func(a *components.BranchDatabaseArgs) { a.SubnetGroup = nil })
	database("the clients' security group is missing", func(a *components.BranchDatabaseArgs) { a.Clients = nil })
	database("must not begin with sg-", func(a *components.BranchDatabaseArgs) { a.SecurityGroup = "sg-login" })

	env := func(fault string, change func(*components.BeanstalkEnvArgs)) {
		programs[fault] = func(ctx *pulumi.Context) error {
			args := envArgs()
			change(&args)
			_, err := components.NewBeanstalkEnv(ctx, "environment", args)
			return err
		}
	}
	env(`environment "shop-"`, func(a *components.BeanstalkEnvArgs) { a.Name = "shop-" })
	env(`there is no balancer "classic"`, func(a *components.BeanstalkEnvArgs) { a.Balancer = "classic" })
	env(`host "login" is not a full host name`, func(a *components.BeanstalkEnvArgs) { a.Host = "login" })
	env("longer than the 128 characters", func(a *components.BeanstalkEnvArgs) { a.Host = strings.Repeat("a.", 63) + "example" })
	env("the shared balancer is missing or incomplete", func(a *components.BeanstalkEnvArgs) { a.Shared.ZoneID = nil })
	env("the own balancer's certificate is missing", func(a *components.BeanstalkEnvArgs) {
		a.Balancer, a.Certificate = components.BalancerOwn, nil
	})
	env("2 instances need a balancer", func(a *components.BeanstalkEnvArgs) { a.Balancer, a.MaxInstances = components.BalancerNone, 2 })
	env("deployment policy Rolling needs a balancer", func(a *components.BeanstalkEnvArgs) {
		a.Balancer, a.DeploymentPolicy = components.BalancerNone, "Rolling"
	})
	env("3 to 2 instances", func(a *components.BeanstalkEnvArgs) { a.MinInstances, a.MaxInstances = 3, 2 })
	env(`there is no deployment policy "Canary"`, func(a *components.BeanstalkEnvArgs) { a.DeploymentPolicy = "Canary" })
	env("a batch of 0 percent", func(a *components.BeanstalkEnvArgs) { a.DeploymentPolicy, a.BatchSize = "Rolling", 0 })
	env("for 8 days", func(a *components.BeanstalkEnvArgs) { a.LogDays = 8 })
	env("either an image or a bundle", func(a *components.BeanstalkEnvArgs) { a.Version.BundleKey = "login/app.zip" })
	env("at most 100 characters, not 101", func(a *components.BeanstalkEnvArgs) { a.Version.Label = strings.Repeat("a", 101) })
	env("has a space in it", func(a *components.BeanstalkEnvArgs) { a.Version.Image = "shop latest" })
	env("container port 0", func(a *components.BeanstalkEnvArgs) { a.Version.ContainerPort = 0 })
	env("the bucket of source bundles is missing", func(a *components.BeanstalkEnvArgs) { a.Version.Bucket = nil })
	env("the instance profile is missing", func(a *components.BeanstalkEnvArgs) { a.InstanceProfile = nil })

	dns := func(fault string, args components.BranchDNSArgs) {
		programs[fault] = func(ctx *pulumi.Context) error {
			_, err := components.NewBranchDNS(ctx, "dns", args)
			return err
		}
	}
	name := components.DNSTarget{CNAME: pulumi.String("login.elasticbeanstalk.com")}
	dns(`host "LOGIN.example.com"`, components.BranchDNSArgs{Host: "LOGIN.example.com", ZoneID: pulumi.String("Z1"), Target: name})
	dns("the hosted zone is missing", components.BranchDNSArgs{Host: "login.example.com", Target: name})
	dns("either a load balancer or a name", components.BranchDNSArgs{Host: "login.example.com", ZoneID: pulumi.String("Z1")})
	dns("IPv6 needs a load balancer", components.BranchDNSArgs{Host: "login.example.com", ZoneID: pulumi.String("Z1"), Target: name, IPv6: true})

	programs["do not begin with internal-"] = func(ctx *pulumi.Context) error {
		_, err := components.NewSharedBalancer(ctx, "balancer", components.SharedBalancerArgs{Name: "internal-shop"})
		return err
	}
	programs["2000 versions are not between 1 and 1000"] = func(ctx *pulumi.Context) error {
		_, err := components.NewBeanstalkApplication(ctx, "staging", components.BeanstalkApplicationArgs{MaxVersions: 2000})
		return err
	}
	programs[`"/branchenv/" is not a prefix`] = func(ctx *pulumi.Context) error {
		_, err := components.NewBeanstalkApplication(ctx, "staging", components.BeanstalkApplicationArgs{Secrets: "/branchenv/"})
		return err
	}
	programs[`role "a role"`] = func(ctx *pulumi.Context) error {
		_, err := components.NewBeanstalkServiceRole(ctx, "service", components.BeanstalkServiceRoleArgs{Name: "a role", Region: "eu-central-1"})
		return err
	}
	programs["not default"] = func(ctx *pulumi.Context) error {
		_, err := components.NewDatabaseSubnets(ctx, "databases", components.DatabaseSubnetsArgs{Name: "default"})
		return err
	}
	programs[`domain "example"`] = func(ctx *pulumi.Context) error {
		_, err := components.NewWildcardCertificate(ctx, "certificate", components.WildcardCertificateArgs{Domain: "example"})
		return err
	}
	programs["the VPC is missing"] = func(ctx *pulumi.Context) error {
		_, err := components.NewAppGroup(ctx, "app", components.AppGroupArgs{Name: "shop-login-app"})
		return err
	}
	programs["the secret is missing"] = func(ctx *pulumi.Context) error {
		_, err := components.NewSecretAccess(ctx, "password", components.SecretAccessArgs{Name: "shop-main", Role: pulumi.String("app")})
		return err
	}
	return programs
}

package components_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/branchenv/branchenv/components"
	"github.com/branchenv/branchenv/internal/pulumitest"
)

// preview runs a program without an engine. It prints each component that the program registers and, indented, its children.
func preview(program pulumi.RunFunc) {
	recorder, err := run(program)
	if err != nil {
		fmt.Println(err)
		return
	}
	resources := recorder.Resources()
	for _, component := range resources {
		if component.Parent != "" {
			continue
		}
		fmt.Println(kind(component), component.Name)
		for _, child := range resources {
			if child.Parent == component.Name {
				fmt.Println("  "+kind(child), child.Name)
			}
		}
	}
}

// kind is the last part of a resource's type token.
func kind(r pulumitest.Resource) string { return r.Type[strings.LastIndex(r.Type, ":")+1:] }

// One environment: a bucket, a database, a Beanstalk environment behind a shared load balancer, and its host name. Each
// component takes outputs of others as inputs, so Pulumi knows the order.
func Example() {
	preview(func(ctx *pulumi.Context) error {
		vpc, subnets := pulumi.String("vpc-1"), pulumi.ToStringArray([]string{"subnet-1", "subnet-2"})
		bucket, err := components.NewAssetsBucket(ctx, "assets", components.AssetsBucketArgs{Name: "shop-login-x1y2z3", NoncurrentDays: 30})
		if err != nil {
			return err
		}
		group, err := components.NewAppGroup(ctx, "app", components.AppGroupArgs{Name: "shop-login-app", VPC: vpc})
		if err != nil {
			return err
		}
		database, err := components.NewBranchDatabase(ctx, "database", components.BranchDatabaseArgs{
			Name: "shop-login", SecurityGroup: "shop-login-database", SecretName: "branchenv/shop/staging/login/database",
			Engine: "postgres", Version: "16", Class: "db.t4g.micro", Storage: 20, Username: "app", Database: "app",
			SubnetGroup: pulumi.String("shop-databases"), VPC: vpc, Clients: group.ID,
		})
		if err != nil {
			return err
		}
		environment, err := components.NewBeanstalkEnv(ctx, "environment", components.BeanstalkEnvArgs{
			Name: "shop-login", Application: pulumi.String("shop-staging"),
			SolutionStack: pulumi.String("64bit Amazon Linux 2023 v4.3.0 running Docker"),
			Balancer:      components.BalancerShared, Host: "login.preview.example.com",
			Shared: components.BalancerRef{
				ARN:     pulumi.String("arn:aws:elasticloadbalancing:eu-central-1:1:loadbalancer/app/shop-shared/1"),
				DNSName: pulumi.String("shared.elb.amazonaws.com"), ZoneID: pulumi.String("Z215"), SecurityGroup: pulumi.String("sg-balancer"),
			},
			InstanceType: "t3.micro", MinInstances: 1, MaxInstances: 1, DeploymentPolicy: "AllAtOnce", BatchSize: 50, HealthPath: "/",
			Variables: map[string]pulumi.StringInput{"ASSETS_BUCKET": bucket.Bucket, "DATABASE_HOST": database.Address},
			VPC:       vpc, Subnets: subnets, SecurityGroup: group.ID,
			ServiceRole: pulumi.String("arn:aws:iam::1:role/service"), InstanceProfile: pulumi.String("shop-staging"), Timeout: 30 * time.Minute,
		})
		if err != nil {
			return err
		}
		_, err = components.NewBranchDNS(ctx, "dns", components.BranchDNSArgs{
			Host: "login.preview.example.com", ZoneID: pulumi.String("Z1"), Target: environment.Target,
		})
		return err
	})
	// Output:
	// AppGroup app
	//   SecurityGroup app
	//   SecurityGroupRule app-out
	// AssetsBucket assets
	//   BucketLifecycleConfigurationV2 assets-lifecycle
	//   BucketOwnershipControls assets-ownership
	//   BucketPolicy assets-policy
	//   BucketPublicAccessBlock assets-public-access
	//   BucketServerSideEncryptionConfigurationV2 assets-encryption
	//   BucketV2 assets
	//   BucketVersioningV2 assets-versioning
	// BeanstalkEnv environment
	//   SecurityGroupRule environment-in
	//   Environment environment
	// BranchDNS dns
	//   Record dns
	// BranchDatabase database
	//   SecurityGroup database
	//   SecurityGroupRule database-in
	//   Instance database
	//   Secret database
	//   SecretVersion database
}

// A security group for the instances of an app. A database can open to it before there is a platform.
func ExampleNewAppGroup() {
	preview(func(ctx *pulumi.Context) error {
		_, err := components.NewAppGroup(ctx, "app", components.AppGroupArgs{Name: "shop-login-app", VPC: pulumi.String("vpc-1")})
		return err
	})
	// Output:
	// AppGroup app
	//   SecurityGroup app
	//   SecurityGroupRule app-out
}

// A bucket whose files a web page on another host may load. Old versions of a file go after 30 days.
func ExampleNewAssetsBucket() {
	preview(func(ctx *pulumi.Context) error {
		_, err := components.NewAssetsBucket(ctx, "assets", components.AssetsBucketArgs{
			Name: "shop-login-x1y2z3", NoncurrentDays: 30, CORSOrigins: []string{"https://example.com"},
		})
		return err
	})
	// Output:
	// AssetsBucket assets
	//   BucketCorsConfigurationV2 assets-cors
	//   BucketLifecycleConfigurationV2 assets-lifecycle
	//   BucketOwnershipControls assets-ownership
	//   BucketPolicy assets-policy
	//   BucketPublicAccessBlock assets-public-access
	//   BucketServerSideEncryptionConfigurationV2 assets-encryption
	//   BucketV2 assets
	//   BucketVersioningV2 assets-versioning
}

// Beanstalk's own role, and an application whose instances may read the secrets below branchenv/shop/staging/.
func ExampleNewBeanstalkApplication() {
	preview(func(ctx *pulumi.Context) error {
		role, err := components.NewBeanstalkServiceRole(ctx, "service", components.BeanstalkServiceRoleArgs{
			Name: "shop-service", Region: "eu-central-1",
		})
		if err != nil {
			return err
		}
		_, err = components.NewBeanstalkApplication(ctx, "staging", components.BeanstalkApplicationArgs{
			Name: "shop-staging", RoleName: "shop-staging", Region: "eu-central-1", ServiceRole: role.ARN, MaxVersions: 200,
			Environments: "shop-", Secrets: "branchenv/shop/staging/", Bundles: pulumi.String("arn:aws:s3:::shop-versions-a1b2c3"),
		})
		return err
	})
	// Output:
	// BeanstalkApplication staging
	//   Application staging
	//   InstanceProfile staging
	//   Role staging
	//   RolePolicy staging
	// BeanstalkServiceRole service
	//   Role service
	//   RolePolicyAttachment service-health
	//   RolePolicyAttachment service-updates
}

// A Beanstalk environment with a load balancer of its own, which answers on https and redirects http to it.
func ExampleNewBeanstalkEnv() {
	preview(func(ctx *pulumi.Context) error {
		_, err := components.NewBeanstalkEnv(ctx, "environment", components.BeanstalkEnvArgs{
			Name: "shop-production", Application: pulumi.String("shop-production"),
			SolutionStack: pulumi.String("64bit Amazon Linux 2023 v4.3.0 running Docker"),
			Version: components.AppVersion{
				Image: "registry.example.com/shop:1a2b3c", ContainerPort: 80, Bucket: pulumi.String("shop-versions-a1b2c3"), KeyPrefix: "production/",
			},
			Balancer: components.BalancerOwn, Certificate: pulumi.String("arn:aws:acm:eu-central-1:1:certificate/1"),
			BalancerZone: pulumi.String("Z215"), BalancerGroup: "shop-production-balancer",
			InstanceType: "t3.small", MinInstances: 2, MaxInstances: 4, DeploymentPolicy: "Rolling", BatchSize: 50, HealthPath: "/health",
			VPC: pulumi.String("vpc-1"), Subnets: pulumi.ToStringArray([]string{"subnet-1", "subnet-2"}),
			SecurityGroup: pulumi.String("sg-app"), ServiceRole: pulumi.String("arn:aws:iam::1:role/service"),
			InstanceProfile: pulumi.String("shop-production"), Timeout: 30 * time.Minute,
		})
		return err
	})
	// Output:
	// BeanstalkEnv environment
	//   SecurityGroup environment-balancer
	//   SecurityGroupRule environment-balancer-in-443
	//   SecurityGroupRule environment-balancer-in-80
	//   SecurityGroupRule environment-balancer-out
	//   SecurityGroupRule environment-in
	//   ApplicationVersion environment
	//   Environment environment
	//   Listener environment-redirect
	//   BucketObjectv2 environment-bundle
}

// The role in which Beanstalk itself works.
func ExampleNewBeanstalkServiceRole() {
	preview(func(ctx *pulumi.Context) error {
		role, err := components.NewBeanstalkServiceRole(ctx, "service", components.BeanstalkServiceRoleArgs{
			Name: "shop-service", Region: "eu-central-1",
		})
		if err != nil {
			return err
		}
		ctx.Export("serviceRole", role.ARN)
		return nil
	})
	// Output:
	// BeanstalkServiceRole service
	//   Role service
	//   RolePolicyAttachment service-health
	//   RolePolicyAttachment service-updates
}

// A database of one branch. Its password is drawn here and kept in Secrets Manager.
func ExampleNewBranchDatabase() {
	preview(func(ctx *pulumi.Context) error {
		database, err := components.NewBranchDatabase(ctx, "database", components.BranchDatabaseArgs{
			Name: "shop-login", SecurityGroup: "shop-login-database", SecretName: "branchenv/shop/staging/login/database",
			Engine: "postgres", Version: "16", Class: "db.t4g.micro", Storage: 20, Username: "app", Database: "app",
			SubnetGroup: pulumi.String("shop-databases"), VPC: pulumi.String("vpc-1"), Clients: pulumi.String("sg-app"),
		})
		if err != nil {
			return err
		}
		ctx.Export("address", database.Address)
		return nil
	})
	// Output:
	// BranchDatabase database
	//   SecurityGroup database
	//   SecurityGroupRule database-in
	//   Instance database
	//   Secret database
	//   SecretVersion database
}

// Settings that AWS would refuse are refused before anything is registered, all of them at once.
func ExampleNewBranchDatabase_refused() {
	preview(func(ctx *pulumi.Context) error {
		_, err := components.NewBranchDatabase(ctx, "database", components.BranchDatabaseArgs{
			Name: "shop-login", SecurityGroup: "shop-login-database", SecretName: "branchenv/shop/staging/login/database",
			Engine: "oracle", Version: "16", Class: "db.t4g.micro", Storage: 5, Username: "app", Database: "app",
			SubnetGroup: pulumi.String("shop-databases"), VPC: pulumi.String("vpc-1"), Clients: pulumi.String("sg-app"),
		})
		fmt.Println(err)
		return nil
	})
	// Output:
	// BranchDatabase database: engine "oracle" is neither postgres nor mysql; storage of 5 GiB is not between 20 and 65536
}

// A host name that leads to a load balancer, over IPv4 and IPv6.
func ExampleNewBranchDNS() {
	preview(func(ctx *pulumi.Context) error {
		_, err := components.NewBranchDNS(ctx, "dns", components.BranchDNSArgs{
			Host: "login.preview.example.com", ZoneID: pulumi.String("Z1"), IPv6: true,
			Target: components.DNSTarget{Alias: pulumi.String("shared.elb.amazonaws.com"), ZoneID: pulumi.String("Z215")},
		})
		return err
	})
	// Output:
	// BranchDNS dns
	//   Record dns
	//   Record dns-ipv6
}

// The subnets that RDS may place databases in.
func ExampleNewDatabaseSubnets() {
	preview(func(ctx *pulumi.Context) error {
		_, err := components.NewDatabaseSubnets(ctx, "databases", components.DatabaseSubnetsArgs{
			Name: "shop-databases", Subnets: pulumi.ToStringArray([]string{"subnet-1", "subnet-2"}),
		})
		return err
	})
	// Output:
	// DatabaseSubnets databases
	//   SubnetGroup databases
}

// A role may read one secret whose name no prefix covers, such as a password that RDS keeps.
func ExampleNewSecretAccess() {
	preview(func(ctx *pulumi.Context) error {
		_, err := components.NewSecretAccess(ctx, "password", components.SecretAccessArgs{
			Name: "shop-main", Role: pulumi.String("shop-production"),
			Secret: pulumi.String("arn:aws:secretsmanager:eu-central-1:1:secret:rds!db-1"),
		})
		return err
	})
	// Output:
	// SecretAccess password
	//   RolePolicy password
}

// A load balancer that many environments share. It answers on https and redirects http to it.
func ExampleNewSharedBalancer() {
	preview(func(ctx *pulumi.Context) error {
		_, err := components.NewSharedBalancer(ctx, "balancer", components.SharedBalancerArgs{
			Name: "shop-shared", SecurityGroup: "shop-shared-balancer", VPC: pulumi.String("vpc-1"),
			Subnets:     pulumi.ToStringArray([]string{"subnet-1", "subnet-2"}),
			Certificate: pulumi.String("arn:aws:acm:eu-central-1:1:certificate/1"),
		})
		return err
	})
	// Output:
	// SharedBalancer balancer
	//   SecurityGroup balancer
	//   SecurityGroupRule balancer-in-443
	//   SecurityGroupRule balancer-in-80
	//   SecurityGroupRule balancer-out
	//   Listener balancer-http
	//   Listener balancer-https
	//   LoadBalancer balancer
}

// A certificate for *.preview.example.com, with the DNS record that proves the domain's owner to AWS.
func ExampleNewWildcardCertificate() {
	preview(func(ctx *pulumi.Context) error {
		_, err := components.NewWildcardCertificate(ctx, "certificate", components.WildcardCertificateArgs{
			Domain: "preview.example.com", ZoneID: pulumi.String("Z1"),
		})
		return err
	})
	// Output:
	// WildcardCertificate certificate
	//   Certificate certificate
	//   CertificateValidation certificate
	//   Record certificate
}

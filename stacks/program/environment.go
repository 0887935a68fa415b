// Package program is branchenv's Pulumi program. It defines the resources of the application stack and of the environments.
//
// A program reads its specification from the stack's configuration and asks nobody else. Only the application stack looks
// things up in AWS. The manager and Pulumi's own commands run the same program.
package program

import (
	"maps"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/branchenv/branchenv/components"
	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/stacks/names"
)

// Run is branchenv's Pulumi program. The name of the stack decides whether it is the application stack or an environment.
func Run(ctx *pulumi.Context) error {
	if ctx.Stack() == names.ApplicationStack {
		return Application(ctx)
	}
	return Environment(ctx)
}

// environment is the data that the parts of one environment's program share.
type environment struct {
	ctx    *pulumi.Context
	spec   Spec
	shared Shared
	stage  application
	// group is the security group of the instances that run the app.
	group pulumi.StringInput
	// variables and secrets are the environment variables of the app, by name. The values of secrets are ARNs.
	variables, secrets map[string]pulumi.StringInput
	outputs            pulumi.Map // outputs of the stack
}

// platform is the part of an environment that runs the app.
type platform struct {
	target  components.DNSTarget // the target of the host name, known once the app is ready
	outputs pulumi.Map           // outputs of the stack about the platform
}

// Environment is the Pulumi program of one branch's environment. It reads a Spec from the stack's config, under
// the key "environment", and the outputs of the application stack. It reads nothing from AWS.
//
// The order of creation: bucket and database, then the platform, whose app uses both, and last the DNS record, so that the
// name only resolves once the app answers. A destroy uses the reverse order.
func Environment(ctx *pulumi.Context) error {
	return export(ctx, createEnvironment)
}

// export calls create, which creates the resources of a stack, and exports the outputs that it returns.
func export(ctx *pulumi.Context, create func(*pulumi.Context) (pulumi.Map, error)) error {
	outputs, err := create(ctx)
	for name, value := range outputs {
		ctx.Export(name, value)
	}
	return err
}

// createEnvironment creates all resources of an environment and returns the stack's outputs.
func createEnvironment(ctx *pulumi.Context) (pulumi.Map, error) {
	var spec Spec
	if err := readSpec(ctx, names.SpecKey, &spec); err != nil {
		return nil, err
	}
	if spec.Stack != ctx.Stack() {
		return nil, fault.Refusedf("the config of stack %s is that of stack %s", ctx.Stack(), spec.Stack)
	}
	s, err := readShared(ctx, spec.Project)
	if err != nil {
		return nil, err
	}
	stage, ok := s.Applications[spec.Settings.Application]
	if !ok {
		return nil, fault.Usagef("there is no Beanstalk application %q", spec.Settings.Application).
			WithHint("write application: production or application: staging")
	}
	e := &environment{ctx: ctx, spec: spec, shared: s, stage: stage, outputs: pulumi.Map{}}
	if err := e.setAppVariables(); err != nil {
		return nil, err
	}
	group, err := components.NewAppGroup(ctx, "app", components.AppGroupArgs{
		Name: names.SecurityGroupName(spec.Project, spec.Stack, "app"), VPC: pulumi.String(s.VPC),
	})
	if err != nil {
		return nil, err
	}
	e.group = group.ID
	if err := e.addBucket(); err != nil {
		return nil, err
	}
	if err := e.addDatabase(); err != nil {
		return nil, err
	}
	p, err := e.addPlatform()
	if err != nil {
		return nil, err
	}
	return e.outputs, e.publish(p)
}

// host returns the full host name of the environment.
func (s Spec) host() string { return s.Host + "." + s.Domain }

// url returns the address of the environment. Without a load balancer there is no certificate.
func (s Spec) url() string {
	if components.Balancer(s.Settings.Balancer) == components.BalancerNone {
		return "http://" + s.host()
	}
	return "https://" + s.host()
}

// addBucket creates the assets bucket, if the settings enable it.
func (e *environment) addBucket() error {
	name := ""
	if a := e.spec.Settings.Assets; a.Enabled {
		name = names.BucketName(e.spec.Project, e.spec.Stack, e.spec.BucketSuffix)
		bucket, err := components.NewAssetsBucket(e.ctx, "assets", components.AssetsBucketArgs{
			Name: name, Protected: e.spec.Settings.Protected, NoncurrentDays: a.NoncurrentDays,
			CORSOrigins: a.CORSOrigins, Writer: pulumi.String(e.stage.RoleARN),
		})
		if err != nil {
			return err
		}
		e.variables[varBucket] = bucket.Bucket
	}
	e.outputs["bucket"] = pulumi.String(name)
	return nil
}

// addDatabase creates the database, if the settings name an engine.
func (e *environment) addDatabase() error {
	d, name := e.spec.Settings.Database, ""
	if d.Engine != "none" {
		name = names.DatabaseName(e.spec.Project, e.spec.Stack)
		database, err := components.NewBranchDatabase(e.ctx, "database", components.BranchDatabaseArgs{
			Name: name, SecurityGroup: names.SecurityGroupName(e.spec.Project, e.spec.Stack, "database"),
			SecretName: config.SecretPrefix(e.spec.Project, e.spec.Settings.Application) + e.spec.Stack + "/database",
			Engine:     d.Engine, Version: d.Version, Class: d.Class, Storage: d.Storage, MultiAZ: d.MultiAZ,
			BackupDays: d.BackupDays, Username: d.Username, Database: d.Name,
			SubnetGroup: pulumi.String(e.shared.DatabaseSubnets), VPC: pulumi.String(e.shared.VPC), Clients: e.group,
			Protected: e.spec.Settings.Protected, FinalSnapshot: name + "-final-" + e.spec.BucketSuffix,
			Timeout: time.Duration(e.spec.Settings.Timeout),
		})
		if err != nil {
			return err
		}
		if err := e.setDatabaseVariables(database); err != nil {
			return err
		}
	}
	e.outputs["database"] = pulumi.String(name)
	return nil
}

// addPlatform creates the platform that runs the app. Only this function knows all kinds of platforms.
func (e *environment) addPlatform() (platform, error) {
	if e.spec.Settings.Platform != "beanstalk" {
		return platform{}, fault.Usagef("there is no platform %q", e.spec.Settings.Platform).WithHint("write platform: beanstalk")
	}
	return e.addBeanstalk()
}

// addBeanstalk creates a Beanstalk environment.
func (e *environment) addBeanstalk() (platform, error) {
	s := e.spec.Settings
	b := e.shared.Balancer
	logDays := 0
	if s.Logs.Stream {
		logDays = s.Logs.RetentionDays
	}
	env, err := components.NewBeanstalkEnv(e.ctx, "environment", components.BeanstalkEnvArgs{
		Name:          names.EnvironmentName(e.spec.Project, e.spec.Stack),
		Application:   pulumi.String(e.stage.Name),
		SolutionStack: pulumi.String(e.shared.SolutionStack),
		Version: components.AppVersion{
			Image: e.spec.Version.Image, ContainerPort: s.Health.Port, BundleKey: e.spec.Version.BundleKey,
			Label: e.spec.Version.Label, Bucket: pulumi.String(e.shared.VersionsBucket), KeyPrefix: names.BundlePrefix(e.spec.Stack),
		},
		Balancer: components.Balancer(s.Balancer),
		Host:     e.spec.host(),
		Shared: components.BalancerRef{
			ARN: pulumi.String(b.ARN), DNSName: pulumi.String(b.DNSName), ZoneID: pulumi.String(b.Zone),
			SecurityGroup: pulumi.String(b.SecurityGroup),
		},
		Certificate:      pulumi.String(e.shared.Certificate),
		BalancerZone:     pulumi.String(b.Zone),
		BalancerGroup:    names.SecurityGroupName(e.spec.Project, e.spec.Stack, "balancer"),
		InstanceType:     s.Instances.Type,
		MinInstances:     s.Instances.Min,
		MaxInstances:     s.Instances.Max,
		Spot:             s.Instances.Spot,
		DeploymentPolicy: s.Deployment.Policy,
		BatchSize:        s.Deployment.BatchSize,
		HealthPath:       s.Health.Path,
		LogDays:          logDays,
		KeepLogs:         s.Protected,
		ManagedUpdates:   s.Protected, // other environments live only for days
		Variables:        e.variables,
		Secrets:          e.secrets,
		VPC:              pulumi.String(e.shared.VPC),
		Subnets:          pulumi.ToStringArray(e.shared.Subnets),
		SecurityGroup:    e.group,
		ServiceRole:      pulumi.String(e.shared.ServiceRole),
		InstanceProfile:  pulumi.String(e.stage.InstanceProfile),
		Timeout:          time.Duration(s.Timeout),
	})
	if err != nil {
		return platform{}, err
	}
	return platform{target: env.Target, outputs: pulumi.Map{
		"environmentName": env.Name, "endpoint": env.Endpoint, "versionLabel": env.VersionLabel,
	}}, nil
}

// publish creates the DNS record and sets the stack's outputs.
func (e *environment) publish(p platform) error {
	dns, err := components.NewBranchDNS(e.ctx, "dns", components.BranchDNSArgs{
		Host: e.spec.host(), ZoneID: pulumi.String(e.shared.Zone), Target: p.target,
	})
	if err != nil {
		return err
	}
	maps.Copy(e.outputs, p.outputs)
	e.outputs["branch"] = pulumi.String(e.spec.Branch)
	e.outputs["kind"] = pulumi.String(e.spec.Kind)
	e.outputs["host"] = pulumi.String(e.spec.host())
	e.outputs["url"] = pulumi.String(e.spec.url())
	e.outputs["platform"] = pulumi.String(e.spec.Settings.Platform)
	e.outputs["version"] = pulumi.String(e.spec.Version.Name())
	e.outputs[outSpec] = outputAfter(dns.Host, e.spec)
	return nil
}

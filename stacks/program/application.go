package program

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/branchenv/branchenv/components"
	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/stacks/names"
)

// stages are the Beanstalk applications, by their names in the settings. config accepts no others.
var stages = [...]string{"production", "staging"}

const (
	// maxVersions is how many application versions each of the two applications keeps. An account may have 1000 in a
	// region.
	maxVersions = 200
	// versionDays is for how many days a source bundle that was overwritten or deleted is kept.
	versionDays = 30
)

// Shared holds the outputs of the application stack that environments use. The environment program itself looks up nothing
// in AWS.
type Shared struct {
	VPC             string                 `json:"vpc"`
	Subnets         []string               `json:"subnets"`
	DatabaseSubnets string                 `json:"databaseSubnets"` // DB subnet group
	Zone            string                 `json:"zone"`            // hosted zone of the domain
	Certificate     string                 `json:"certificate"`     // ARN, of *.domain
	SolutionStack   string                 `json:"solutionStack"`   // Beanstalk's name of the platform
	ServiceRole     string                 `json:"serviceRole"`     // ARN
	VersionsBucket  string                 `json:"versionsBucket"`
	Balancer        sharedBalancer         `json:"balancer"`
	Applications    map[string]application `json:"applications"` // by stage
}

// sharedOutputs are the names of the outputs in Shared.
var sharedOutputs = [...]string{
	"vpc", "subnets", "databaseSubnets", "zone", "certificate", "solutionStack", "serviceRole", "versionsBucket",
	"balancer", "applications",
}

type sharedBalancer struct {
	ARN           string `json:"arn"`
	DNSName       string `json:"dnsName"`
	Zone          string `json:"zone"` // of all application load balancers in the region
	SecurityGroup string `json:"securityGroup"`
}

type application struct {
	Name            string `json:"name"`
	InstanceProfile string `json:"instanceProfile"`
	RoleARN         string `json:"roleArn"` // of the instances
	RoleName        string `json:"roleName"`
}

// readShared reads the outputs of the project's application stack.
func readShared(ctx *pulumi.Context, project string) (Shared, error) {
	hint := fault.Command{"application", "up"}
	ref, err := pulumi.NewStackReference(ctx, fmt.Sprintf("%s/%s/%s", ctx.Organization(), project, names.ApplicationStack), nil)
	if err != nil {
		return Shared{}, fault.Usagef("read the application stack: %w", err).WithHint("%s", hint)
	}
	values := map[string]any{}
	for _, name := range sharedOutputs {
		output, err := ref.GetOutputDetails(name)
		if err != nil {
			return Shared{}, fault.Usagef("read the application stack, which environments share: %w", err).WithHint("%s", hint)
		}
		// A stack that was destroyed but not removed has no outputs, and reading them is no error.
		if output.Value == nil {
			return Shared{}, fault.Usagef("the application stack of %s, which environments share, has no output %s", project, name).WithHint("%s", hint)
		}
		values[name] = output.Value
	}
	text, err := json.Marshal(values)
	if err != nil {
		return Shared{}, fmt.Errorf("outputs of the application stack: %w", err)
	}
	var s Shared
	if err := json.Unmarshal(text, &s); err != nil {
		return Shared{}, fmt.Errorf("outputs of the application stack: %w", err)
	}
	return s, nil
}

// Application is the Pulumi program of the application stack, which holds the resources that environments share: the two
// Beanstalk applications, the bucket of their versions, roles, the DB subnet group, the wildcard certificate and the
// load balancer. It reads an ApplicationSpec from the stack's config, under the key "application".
//
// It looks up network, hosted zone and newest platform in AWS, once for all environments.
func Application(ctx *pulumi.Context) error { return export(ctx, makeApplication) }

// createApplication creates all resources of the application stack and returns its outputs, those of Shared.
func makeApplication(ctx *pulumi.Context) (pulumi.Map, error) {
	var spec ApplicationSpec
	if err := readSpec(ctx, names.ApplicationKey, &spec); err != nil {
		return nil, err
	}
	network, err := findNetwork(ctx, spec)
	if err != nil {
		return nil, err
	}
	zone, err := findZone(ctx, spec)
	if err != nil {
		return nil, err
	}
	platform, err := components.DockerPlatform(ctx)
	if err != nil {
		return nil, err
	}
	databases, err := components.NewDatabaseSubnets(ctx, "databases", components.DatabaseSubnetsArgs{
		Name: names.AWSName(spec.Project, names.ApplicationStack), Subnets: pulumi.ToStringArray(network.DatabaseSubnets),
	})
	if err != nil {
		return nil, err
	}
	outputs := pulumi.Map{
		"vpc": pulumi.String(network.VPC), "subnets": pulumi.ToStringArray(network.Subnets), "zone": pulumi.String(zone),
		"solutionStack": pulumi.String(platform), "databaseSubnets": databases.Name, OutDomain: pulumi.String(spec.Domain),
	}
	if err := addBalancer(ctx, spec, network, zone, outputs); err != nil {
		return nil, err
	}
	return outputs, addApplications(ctx, spec, outputs)
}

// addBalancer creates the load balancer, and its certificate unless the settings name one.
func addBalancer(ctx *pulumi.Context, spec ApplicationSpec, n network, zone string, outputs pulumi.Map) error {
	certificate := pulumi.String(spec.Certificate).ToStringOutput()
	if spec.Certificate == "" {
		made, err := components.NewWildcardCertificate(ctx, "certificate", components.WildcardCertificateArgs{
			Domain: spec.Domain, ZoneID: pulumi.String(zone),
		})
		if err != nil {
			return err
		}
		certificate = made.ARN
	}
	balancer, err := components.NewSharedBalancer(ctx, "balancer", components.SharedBalancerArgs{
		Name: names.AWSName(spec.Project, names.ApplicationStack), SecurityGroup: names.SecurityGroupName(spec.Project, names.ApplicationStack, "balancer"),
		VPC: pulumi.String(n.VPC), Subnets: pulumi.ToStringArray(n.Subnets), Certificate: certificate,
	})
	if err != nil {
		return err
	}
	outputs["certificate"] = certificate
	outputs["balancer"] = pulumi.Map{
		"arn": balancer.ARN, "dnsName": balancer.DNSName, "zone": balancer.ZoneID, "securityGroup": balancer.SecurityGroupID,
	}
	return nil
}

// addApplications creates the Beanstalk applications, their roles and the bucket of their versions.
func addApplications(ctx *pulumi.Context, spec ApplicationSpec, outputs pulumi.Map) error {
	bundles, err := components.NewAssetsBucket(ctx, "versions", components.AssetsBucketArgs{
		Name: names.BucketName(spec.Project, names.ApplicationStack, spec.BucketSuffix), NoncurrentDays: versionDays,
	})
	if err != nil {
		return err
	}
	// Names in IAM are shared by all regions of an account, so they include the region.
	role, err := components.NewBeanstalkServiceRole(ctx, "service", components.BeanstalkServiceRoleArgs{
		Name: names.AWSName(spec.Project, spec.Region+"-service"), Region: spec.Region,
	})
	if err != nil {
		return err
	}
	applications := pulumi.Map{}
	for _, stage := range stages {
		a, err := components.NewBeanstalkApplication(ctx, stage, components.BeanstalkApplicationArgs{
			Name: names.AWSName(spec.Project, stage), RoleName: names.AWSName(spec.Project, spec.Region+"-"+stage), Region: spec.Region,
			ServiceRole: role.ARN, MaxVersions: maxVersions, Environments: names.AWSName(spec.Project, ""),
			Secrets: config.SecretPrefix(spec.Project, stage), Bundles: bundles.ARN,
		})
		if err != nil {
			return err
		}
		applications[stage] = pulumi.Map{
			"name": a.Name, "instanceProfile": a.InstanceProfile, "roleArn": a.RoleARN, "roleName": a.RoleName,
		}
	}
	outputs["versionsBucket"], outputs["serviceRole"], outputs["applications"] = bundles.Bucket, role.ARN, applications
	return nil
}

// network is a VPC with its subnets; all fields are set.
type network struct {
	VPC                      string
	Subnets, DatabaseSubnets []string
}

// findNetwork returns the network of the settings, completed from AWS.
func findNetwork(ctx *pulumi.Context, spec ApplicationSpec) (network, error) {
	n := network{VPC: spec.Network.VPC, Subnets: spec.Network.Subnets, DatabaseSubnets: spec.Network.DatabaseSubnets}
	var err error
	switch {
	case n.VPC != "" && len(n.Subnets) == 0:
		return n, fault.Usagef("network names VPC %s but no subnets", n.VPC).
			WithHint("add network.subnets: at least two public subnets in different zones")
	case n.VPC == "" && len(n.Subnets) > 0:
		n.VPC, err = components.VPCOf(ctx, n.Subnets[0])
	case n.VPC == "":
		n.VPC, n.Subnets, err = components.DefaultNetwork(ctx)
		if errors.Is(err, components.ErrNotFound) {
			return n, fault.Usagef("region %s has no default VPC", spec.Region).
				WithHint("name a network in the settings (network: {vpc, subnets}), or run: aws ec2 create-default-vpc")
		}
	}
	if err != nil {
		return n, err
	}
	if len(n.DatabaseSubnets) == 0 {
		n.DatabaseSubnets = n.Subnets
	}
	for _, list := range [][]string{n.Subnets, n.DatabaseSubnets} {
		if len(slices.Compact(slices.Sorted(slices.Values(list)))) < 2 {
			return n, fault.Usagef("VPC %s gives %d subnets, and a load balancer and a database need two in different zones", n.VPC, len(list)).
				WithHint("name them in the settings: network.subnets and network.databaseSubnets")
		}
	}
	return n, nil
}

// findZone returns the hosted zone of the domain.
func findZone(ctx *pulumi.Context, spec ApplicationSpec) (string, error) {
	if spec.Zone != "" {
		return spec.Zone, nil
	}
	zone, err := components.ZoneOf(ctx, spec.Domain)
	if errors.Is(err, components.ErrNotFound) {
		return "", fault.Usagef("Route 53 has no public hosted zone for %s or a parent of it", spec.Domain).
			WithHint("create the zone, or give its id in the settings: zone")
	}
	return zone, err
}

// readSpec reads the JSON object that the manager wrote into the stack's config under key.
func readSpec(ctx *pulumi.Context, key string, spec any) error {
	text, ok := ctx.GetConfig(ctx.Project() + ":" + key)
	if !ok {
		return fault.Usagef("stack %s has no config %s:%s, which branchenv writes", ctx.Stack(), ctx.Project(), key).
			WithHint("make the stack with branchenv, then: pulumi config refresh --force --stack %s", ctx.Stack())
	}
	if err := json.Unmarshal([]byte(text), spec); err != nil {
		return fault.Failedf("config %s:%s of stack %s: %w", ctx.Project(), key, ctx.Stack(), err)
	}
	return nil
}

// Package config reads branchenv.yaml: it decodes the file strictly, reports every mistake at once with what to write
// instead, and resolves the settings of one branch or kind with the place where each value was written.
//
// Parse and Resolve are pure. Only Load, Init and CheckPulumiYAML know of files; nothing here knows AWS or Pulumi.
package config

import "time"

// File is a decoded settings file: the values of the project, and the layers from which Settings are resolved. Load and Parse
// create it and apply the defaults that are documented at each field.
type File struct {
	// Project is the Pulumi project's name and the first part of every AWS name. It has 1 to 11 characters: lower-case
	// letters, digits and single hyphens, a letter first, no hyphen last. It must not begin with sg-, internal-, sthree-
	// or amzn, which AWS refuses. Required.
	Project string `yaml:"project"`
	// Region is the AWS region of all resources, for instance eu-central-1. Required.
	Region string `yaml:"region"`
	// Domain is the parent of every environment's host name: a branch's address is https://<label>.<Domain>. Required.
	Domain string `yaml:"domain"`
	// Zone is the id of the Route 53 hosted zone that contains Domain. Empty: the application stack looks the zone up by
	// name, first Domain itself, then its parents.
	Zone string `yaml:"zone"`
	// Certificate is the ARN of an ACM certificate for *.Domain. Empty: the application stack creates one, validated by DNS.
	Certificate string `yaml:"certificate"`
	// Source is the repository whose branches get environments.
	Source Source `yaml:"source"`
	// Backend is the Pulumi backend's URL. Empty: file://.branchenv/state beside the settings file.
	Backend string `yaml:"backend"`
	// SecretsProvider is Pulumi's secrets provider, for instance awskms://alias/branchenv. Empty: a passphrase, or on Pulumi
	// Cloud the service's own.
	SecretsProvider string `yaml:"secretsProvider"`
	// Network is the network of instances and databases.
	Network Network `yaml:"network"`
	// Protected lists names and patterns (doublestar syntax) of branches and stacks that are never destroyed.
	Protected []string `yaml:"protected"`
	// Skip lists patterns of branches that get no environment. Default: ["**/*-no-infra", "gh-readonly-queue/**"]; the
	// second matches the branches of GitHub's merge queue.
	Skip []string `yaml:"skip"`
	// StripPrefixes lists prefixes of branch names. The first that matches is left out of the host label.
	// Default: feature/, feat/, bugfix/, fix/, hotfix/, chore/.
	StripPrefixes []string `yaml:"stripPrefixes"`
	// Tags are set on every AWS resource that can have tags, in addition to branchenv's own.
	Tags map[string]string `yaml:"tags"`
	// Reconcile bounds what a reconcile run may do.
	Reconcile Reconcile `yaml:"reconcile"`

	// Path is the settings file. Dir is its folder; relative paths in the settings refer to it.
	Path, Dir string `yaml:"-"`

	layers layers
}

// Source names the repository whose branches get environments. Exactly one field is set.
type Source struct {
	GitHub string `yaml:"github" json:"github,omitempty"` // owner/name
	Git    string `yaml:"git" json:"git,omitempty"`       // URL or path of a git remote
}

// Network names the VPC and subnets to use. All empty: the region's default VPC and its subnets.
type Network struct {
	VPC             string   `yaml:"vpc" json:"vpc,omitempty"`
	Subnets         []string `yaml:"subnets" json:"subnets,omitempty"`                 // instances and load balancer; at least two zones
	DatabaseSubnets []string `yaml:"databaseSubnets" json:"databaseSubnets,omitempty"` // default: Subnets
}

// Reconcile bounds what one reconcile run may do.
type Reconcile struct {
	MaxDestroy      int      `yaml:"maxDestroy" json:"maxDestroy"`           // most environments destroyed in one run; default 5
	MaxDestroyShare float64  `yaml:"maxDestroyShare" json:"maxDestroyShare"` // most of them as a share of all environments, 0 to 1; default 0.5
	MaxCreate       int      `yaml:"maxCreate" json:"maxCreate"`             // most environments created in one run; default 20
	Grace           Duration `yaml:"grace" json:"grace"`                     // an environment that changed within this time is not destroyed; default 10m
	Interval        Duration `yaml:"interval" json:"interval"`               // how often the run is scheduled; default 1h
	PingURL         string   `yaml:"pingUrl" json:"pingUrl,omitempty"`       // requested after each successful run
}

// Settings are the resolved settings of one environment. The defaults documented here are those of a kind that extends none
// of the built-in ones. See Default for production, staging and branch.
type Settings struct {
	// Protected: branchenv never destroys the environment, its database or its bucket. Default false.
	Protected bool `yaml:"protected" json:"protected"`
	// Create is auto (reconcile creates the environment when the branch appears) or manual (somebody runs up). Default manual.
	Create string `yaml:"create" json:"create"`
	// TTL is how long an environment without activity lives; 0 is for ever. Default 72h for the kind branch, else 0.
	TTL Duration `yaml:"ttl" json:"ttl"`
	// Image is a template for the container image; {sha} and {branch} are replaced. It is used if no version is given.
	Image string `yaml:"image" json:"image,omitempty"`
	// Application is the Beanstalk application of the environment: production or staging. Default staging.
	Application string `yaml:"application" json:"application"`
	// Platform is the service that runs the app. Only beanstalk so far, the default.
	Platform string `yaml:"platform" json:"platform"`
	// Timeout bounds each wait for AWS. Default 30m, at least 1m.
	Timeout Duration `yaml:"timeout" json:"timeout"`
	// Instances are the machines that run the app.
	Instances Instances `yaml:"instances" json:"instances"`
	// Balancer is shared (the application stack's load balancer), own, or none (one instance, plain HTTP). Default shared.
	Balancer string `yaml:"balancer" json:"balancer"`
	// Deployment is how a new version reaches the instances.
	Deployment Deployment `yaml:"deployment" json:"deployment"`
	// Health is the app's health check.
	Health Health `yaml:"health" json:"health"`
	// Logs are the settings of the instances' logs.
	Logs Logs `yaml:"logs" json:"logs"`
	// Environment holds the app's environment variables, by name.
	Environment map[string]string `yaml:"environment" json:"environment,omitempty"`
	// Secrets holds ARNs by the name of an environment variable. Beanstalk reads their values from Secrets Manager or SSM.
	Secrets map[string]string `yaml:"secrets" json:"secrets,omitempty"`
	// Database is the environment's own database.
	Database Database `yaml:"database" json:"database"`
	// Assets is the environment's own bucket.
	Assets Assets `yaml:"assets" json:"assets"`
}

// Instances are the machines that run the app.
type Instances struct {
	Type string `yaml:"type" json:"type"` // EC2 instance type; default t3.micro
	Min  int    `yaml:"min" json:"min"`   // default 1
	Max  int    `yaml:"max" json:"max"`   // default 1
	Spot bool   `yaml:"spot" json:"spot"` // spot instances; default false
}

// Deployment is how a new version reaches the instances.
type Deployment struct {
	Policy    string `yaml:"policy" json:"policy"`       // AllAtOnce, Rolling, RollingWithAdditionalBatch, Immutable; default AllAtOnce
	BatchSize int    `yaml:"batchSize" json:"batchSize"` // percent of the instances at once, 1 to 100; default 50, unused by AllAtOnce
}

// Health is the app's health check.
type Health struct {
	Path string `yaml:"path" json:"path"` // default /
	Port int    `yaml:"port" json:"port"` // the container's port; default 80
}

// Logs are the settings of the instances' logs.
type Logs struct {
	Stream        bool `yaml:"stream" json:"stream"`               // to CloudWatch Logs; default true
	RetentionDays int  `yaml:"retentionDays" json:"retentionDays"` // one of the values that Beanstalk allows; default 7
}

// Database is an environment's own database.
type Database struct {
	Engine     string `yaml:"engine" json:"engine"`         // postgres, mysql or none; default postgres
	Version    string `yaml:"version" json:"version"`       // default 16 for postgres, 8.4 for mysql
	Class      string `yaml:"class" json:"class"`           // default db.t4g.micro
	Storage    int    `yaml:"storage" json:"storage"`       // GiB, 20 to 65536; default 20
	MultiAZ    bool   `yaml:"multiAZ" json:"multiAZ"`       // default false
	BackupDays int    `yaml:"backupDays" json:"backupDays"` // 0 to 35; default 0
	Username   string `yaml:"username" json:"username"`     // master user; default app
	Name       string `yaml:"name" json:"name"`             // database in the instance; default app
}

// Assets is an environment's own bucket.
type Assets struct {
	Enabled        bool     `yaml:"enabled" json:"enabled"`               // default true
	NoncurrentDays int      `yaml:"noncurrentDays" json:"noncurrentDays"` // days until old versions expire; default 30
	CORSOrigins    []string `yaml:"corsOrigins" json:"corsOrigins,omitempty"`
}

// Duration is a time.Duration that settings write as 90m, 72h or 3d; 0 is "none".
type Duration time.Duration

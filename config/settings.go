package config

import "time"

// File is a whole settings file after strict decoding: what holds for the project, and the layers from which Settings
// are resolved. It is made by Load or Parse, which apply the defaults written at each field.
type File struct {
	// Project is the Pulumi project's name and the first part of every AWS name: 1 to 11 characters, lower-case
	// letters, digits and single hyphens, a letter first, no hyphen last, and none of the beginnings that AWS
	// refuses (sg-, internal-, sthree-, amzn). Required.
	Project string `yaml:"project"`
	// Region is the AWS region of everything, for instance eu-central-1. Required.
	Region string `yaml:"region"`
	// Domain is the parent of every environment's host name: a branch's address is https://<label>.<Domain>. Required.
	Domain string `yaml:"domain"`
	// Zone is the id of the Route 53 hosted zone that holds Domain. Empty: the application stack looks the zone up by
	// name, Domain itself first, then its parents.
	Zone string `yaml:"zone"`
	// Certificate is the ARN of an ACM certificate for *.Domain. Empty: the application stack makes one, validated by DNS.
	Certificate string `yaml:"certificate"`
	// Source is where the list of branches comes from.
	Source Source `yaml:"source"`
	// Backend is the Pulumi backend's URL. Empty: file://.branchenv/state beside the settings file.
	Backend string `yaml:"backend"`
	// SecretsProvider is Pulumi's secrets provider, for instance awskms://alias/branchenv. Empty: a passphrase, or the
	// service's own where the backend is Pulumi Cloud.
	SecretsProvider string `yaml:"secretsProvider"`
	// Network is where instances and databases live.
	Network Network `yaml:"network"`
	// Protected lists branch or stack names and patterns (doublestar syntax) that are never destroyed.
	Protected []string `yaml:"protected"`
	// Skip lists patterns of branch names that get nothing. Default: ["**/*-no-infra",
	// "gh-readonly-queue/**"]; the latter are the branches of GitHub's merge queue.
	Skip []string `yaml:"skip"`
	// StripPrefixes are removed from a branch name for its friendly host label, the first that matches.
	// Default: feature/, feat/, bugfix/, fix/, hotfix/, chore/.
	StripPrefixes []string `yaml:"stripPrefixes"`
	// Tags are set on every AWS resource that takes tags, beside branchenv's own.
	Tags map[string]string `yaml:"tags"`
	// Reconcile bounds what a reconcile run may do.
	Reconcile Reconcile `yaml:"reconcile"`

	// Path is the file the settings were read from; Dir is its folder, to which relative paths refer.
	Path, Dir string `yaml:"-"`

	layers layers `yaml:"-"` // what Resolve works from
}

// Source says where the list of branches comes from; exactly one field is set.
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
	MaxDestroyShare float64  `yaml:"maxDestroyShare" json:"maxDestroyShare"` // and at most this share of all environments, 0 to 1; default 0.5
	MaxCreate       int      `yaml:"maxCreate" json:"maxCreate"`             // most environments created in one run; default 20
	Grace           Duration `yaml:"grace" json:"grace"`                     // nothing is destroyed that was worked on so lately; default 10m
	Interval        Duration `yaml:"interval" json:"interval"`               // how often the run is scheduled; default 1h
	PingURL         string   `yaml:"pingUrl" json:"pingUrl,omitempty"`       // requested after each good run
}

// Settings are one environment's resolved settings. The defaults named here are those of a kind that extends none of
// the built-in ones; see Default for production, staging and branch.
type Settings struct {
	// Protected environments are never destroyed by branchenv, their database and bucket least of all. Default false.
	Protected bool `yaml:"protected" json:"protected"`
	// Create is auto (reconcile makes the environment when the branch appears) or manual (someone runs up). Default manual.
	Create string `yaml:"create" json:"create"`
	// TTL is how long an environment without activity lives; 0: for ever. Default 72h for the kind branch, else 0.
	TTL Duration `yaml:"ttl" json:"ttl"`
	// Image is a template for the container image, {sha} and {branch} replaced, used where no version is given.
	Image string `yaml:"image" json:"image,omitempty"`
	// Application is the Beanstalk application the environment lives in: production or staging. Default staging.
	Application string `yaml:"application" json:"application"`
	// Platform picks what runs the app. Only beanstalk so far, the default.
	Platform string `yaml:"platform" json:"platform"`
	// Timeout bounds each wait for AWS. Default 30m, at least 1m.
	Timeout Duration `yaml:"timeout" json:"timeout"`
	// Instances says what the app runs on.
	Instances Instances `yaml:"instances" json:"instances"`
	// Balancer is shared (the application stack's load balancer), own, or none (one instance, plain HTTP). Default shared.
	Balancer string `yaml:"balancer" json:"balancer"`
	// Deployment says how a new version reaches the instances.
	Deployment Deployment `yaml:"deployment" json:"deployment"`
	// Health says how the app is asked whether it is well.
	Health Health `yaml:"health" json:"health"`
	// Logs says what becomes of the instances' logs.
	Logs Logs `yaml:"logs" json:"logs"`
	// Environment is the app's environment variables, by name.
	Environment map[string]string `yaml:"environment" json:"environment,omitempty"`
	// Secrets is environment variables whose values Beanstalk reads from Secrets Manager or SSM, by name: ARNs.
	Secrets map[string]string `yaml:"secrets" json:"secrets,omitempty"`
	// Database is the environment's own database.
	Database Database `yaml:"database" json:"database"`
	// Assets is the environment's own bucket.
	Assets Assets `yaml:"assets" json:"assets"`
}

// Instances says what the app runs on.
type Instances struct {
	Type string `yaml:"type" json:"type"` // EC2 instance type; default t3.micro
	Min  int    `yaml:"min" json:"min"`   // default 1
	Max  int    `yaml:"max" json:"max"`   // default 1
	Spot bool   `yaml:"spot" json:"spot"` // spot instances; default false
}

// Deployment says how a new version reaches the instances.
type Deployment struct {
	Policy    string `yaml:"policy" json:"policy"`       // AllAtOnce, Rolling, RollingWithAdditionalBatch, Immutable; default AllAtOnce
	BatchSize int    `yaml:"batchSize" json:"batchSize"` // percent of the instances at once, 1 to 100; default 50, unused by AllAtOnce
}

// Health says how the app is asked whether it is well.
type Health struct {
	Path string `yaml:"path" json:"path"` // default /
	Port int    `yaml:"port" json:"port"` // the container's port; default 80
}

// Logs says what becomes of the instances' logs.
type Logs struct {
	Stream        bool `yaml:"stream" json:"stream"`               // to CloudWatch Logs; default true
	RetentionDays int  `yaml:"retentionDays" json:"retentionDays"` // one of the values CloudWatch takes; default 7
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

// Duration is a time.Duration written as 90m, 72h or 3d; 0 is "none".
type Duration time.Duration

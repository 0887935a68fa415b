package platforms

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/services"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// Resource types of Elastic Beanstalk.
const (
	TypeApplication        = "aws:elasticbeanstalk/application:Application"
	TypeApplicationVersion = "aws:elasticbeanstalk/applicationVersion:ApplicationVersion"
	typeTemplate           = "aws:elasticbeanstalk/configurationTemplate:ConfigurationTemplate"
	TypeEnvironment        = "aws:elasticbeanstalk/environment:Environment"
)

func beanstalkService() cloud.Service {
	labels := []cloud.Rule{{Property: "name", Min: 1, Max: 100, Pattern: `^[^/]+$`, Message: "no slash"}, {Property: "description", Max: 200}}
	return cloud.Service{
		Kinds: map[string]cloud.Kind{
			TypeApplication: {
				Title: "Elastic Beanstalk Application", Naming: cloud.Naming{Property: "name"}, Rules: labels,
				ARN:       "elasticbeanstalk:{region}:{account}:application/{name}",
				NameTaken: "InvalidParameterValue: Application {name} already exists.",
				OnRemove:  removeApplication,
			},
			TypeApplicationVersion: {
				Title: "Elastic Beanstalk Application Version", Naming: cloud.Naming{Property: "name"}, Rules: labels,
				ARN:   "elasticbeanstalk:{region}:{account}:applicationversion/{application}/{name}",
				Quota: "application versions", QuotaError: "TooManyApplicationVersionsException: You cannot have more than %d Application Versions. Either remove some Application Versions or request a limit increase.",
				OnCreate: createApplicationVersion, OnRemove: removeApplicationVersion,
			},
			typeTemplate: {Title: "Elastic Beanstalk Configuration Template", Naming: cloud.Naming{Property: "name"}, OnCreate: requireApplication},
			TypeEnvironment: {
				Title: "Elastic Beanstalk Environment", Naming: cloud.Naming{Property: "name", MaxLength: 40}, ID: "e-{base10}",
				Defaults:   map[string]any{"tier": "WebServer", "waitForReadyTimeout": "20m"},
				Unreadable: []string{"waitForReadyTimeout", "pollInterval"},
				ARN:        "elasticbeanstalk:{region}:{account}:environment/{application}/{name}",
				NameTaken:  "InvalidParameterValue: Environment {name} already exists.",
				Quota:      "environments", QuotaError: "TooManyEnvironmentsException: You cannot have more than %d environments.",
				Rules: []cloud.Rule{
					{Property: "name", Min: 4, Max: 40, Pattern: `^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$`, Message: "only letters, digits and hyphens, no hyphen first or last"},
					{Property: "cnamePrefix", Min: 4, Max: 63, Pattern: `^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$`, Message: "only letters, digits and hyphens, no hyphen first or last"},
					{Property: "tier", Allowed: []string{"WebServer", "Worker"}},
					{Property: "description", Max: 200},
					{Property: "waitForReadyTimeout", Pattern: `^([0-9.]+(ns|us|ms|s|m|h))+$`, Message: "a duration such as 20m"},
				},
				Combinations: []cloud.Combination{cloud.Exclusive("solutionStackName", "platformArn"), cloud.Exclusive("solutionStackName", "templateName")},
				OnCreate:     createEnvironment, OnUpdate: updateEnvironment, OnRemove: removeEnvironment, OnRead: readEnvironment,
				FailedStatus: "Ready",
				FailedEvent:  "Environment health has transitioned from Pending to Severe. ELB processes are not healthy on all instances.",
				Gone:         terminated, Outcome: environmentOutcome, Uses: environmentUses,
			},
		},
		Functions: map[string]cloud.Function{"aws:elasticbeanstalk/getSolutionStack:getSolutionStack": getSolutionStack},
		Apps:      environmentApps,
	}
}

// TerminatedVisible is how long a terminated environment is still listed: about as long as on AWS.
const TerminatedVisible = time.Hour

func requireApplication(o *cloud.Operation) error {
	name := o.Inputs.Text("application")
	app, err := o.Tx.Find(TypeApplication, name)
	if err != nil {
		return err
	}
	if app == nil || app.Region != o.Region {
		return cloud.Errorf("InvalidParameterValue", "No Application named '%s' found.", name)
	}
	return nil
}

func removeApplication(o *cloud.Operation) error {
	envs, err := environments(o, func(r *cloud.Record) bool { return r.Text("application") == o.Record.Name })
	if err != nil {
		return err
	}
	if len(envs) > 0 {
		return cloud.Errorf("OperationInProgressFailure", "Unable to delete application %s because it has running environments.", o.Record.Name)
	}
	versions, err := o.Tx.Where(TypeApplicationVersion, func(r *cloud.Record) bool { return r.Text("application") == o.Record.Name && r.Region == o.Region })
	if err != nil {
		return err
	}
	for _, v := range versions { // AWS deletes an application's versions with it
		if err := o.Tx.Remove(v); err != nil {
			return err
		}
	}
	return nil
}

func versionID(application, label string) string { return application + "/" + label }

func createApplicationVersion(o *cloud.Operation) error {
	if err := requireApplication(o); err != nil {
		return err
	}
	app, bucket, key := o.Inputs.Text("application"), o.Inputs.Text("bucket"), o.Inputs.Text("key")
	// The real provider's id is the label alone. Two applications may have the same label, so this id has both.
	o.Record.ID = versionID(app, o.Record.Name)
	if other, err := o.Tx.Get(TypeApplicationVersion, o.Record.ID); err != nil || other != nil {
		if err == nil {
			err = cloud.Errorf("InvalidParameterValue", "Application Version %s already exists.", o.Record.Name)
		}
		return err
	}
	if _, err := o.S3.HeadObject(bucket, key); err != nil {
		return cloud.Errorf("InvalidParameterCombination", "Unable to download from S3 location (Bucket: %s Key: %s). Reason: Not Found", bucket, key)
	}
	o.Record.Status = "UNPROCESSED"
	if o.Inputs.Bool("process") {
		o.Record.Status = "PROCESSED"
	}
	return nil
}

func removeApplicationVersion(o *cloud.Operation) error {
	envs, err := environments(o, func(r *cloud.Record) bool {
		return r.Text("application") == o.Record.Text("application") && r.Text("version") == o.Record.Name
	})
	if err != nil {
		return err
	}
	if len(envs) > 0 && !o.Inputs.Bool("forceDelete") {
		return cloud.Errorf("SourceBundleDeletionFailure", "Unable to delete application version %s because it is in use by environment %s.", o.Record.Name, envs[0].Name)
	}
	return nil
}

// DeleteVersion does what DeleteApplicationVersion does. If bundle is set, it deletes the bundle in S3 too. It is no error
// if there is no such version, as on AWS.
func DeleteVersion(o *cloud.Operation, application, label string, bundle bool) error {
	r, err := o.Tx.Get(TypeApplicationVersion, versionID(application, label))
	if r == nil || err != nil {
		return err
	}
	o.Record, o.Inputs = r, value.Object{}
	if err := removeApplicationVersion(o); err != nil {
		return err
	}
	if bundle {
		if _, err := o.S3.DeleteObject(r.Text("bucket"), r.Text("key")); err != nil {
			return services.FromS3(err)
		}
	}
	return o.Tx.Remove(r)
}

// optionSetting returns the value of an option in an environment's settings, "" if it is not set.
func optionSetting(settings any, namespace, name string) string {
	for _, s := range value.List(settings) {
		if m := value.ObjectOf(s); m.Text("namespace") == namespace && m.Text("name") == name {
			return m.Text("value")
		}
	}
	return ""
}

func splitList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

// SolutionStacks returns the platforms that exist, with the names and in the order of AWS: the newest first.
func SolutionStacks() []string {
	return []string{
		"64bit Amazon Linux 2023 v4.9.2 running Docker",
		"64bit Amazon Linux 2023 v4.8.0 running ECS",
		"64bit Amazon Linux 2023 v6.7.2 running Node.js 24",
		"64bit Amazon Linux 2023 v6.7.2 running Node.js 22",
		"64bit Amazon Linux 2023 v4.9.1 running Python 3.13",
		"64bit Amazon Linux 2023 v4.9.1 running Python 3.12",
		"64bit Amazon Linux 2023 v4.8.0 running Ruby 3.4",
		"64bit Amazon Linux 2023 v4.8.0 running PHP 8.4",
		"64bit Amazon Linux 2023 v4.7.0 running Go 1",
		"64bit Amazon Linux 2023 v4.7.3 running Corretto 21",
		"64bit Amazon Linux 2 v4.4.1 running Docker",
		"64bit Amazon Linux 2 v3.8.1 running Corretto 17",
	}
}

func getSolutionStack(l *cloud.Lookup) (value.Object, error) {
	pattern, err := regexp.Compile(l.Args.Text("nameRegex"))
	if err != nil {
		return nil, fmt.Errorf("nameRegex: %w", err)
	}
	var names []string
	for _, s := range SolutionStacks() {
		if pattern.MatchString(s) {
			names = append(names, s)
		}
	}
	switch {
	case len(names) == 0:
		return nil, fmt.Errorf("Your query returned no results. Please change your search criteria and try again.")
	case len(names) > 1 && !l.Args.Bool("mostRecent"):
		return nil, fmt.Errorf("Your query returned more than one result. Please try a more specific search criteria, or set `most_recent` attribute to true.")
	}
	return map[string]any{"id": names[0], "name": names[0]}, nil
}

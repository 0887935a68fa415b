package services

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
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

// terminated reports whether an environment is gone. AWS still lists it for a while.
func terminated(r *cloud.Record) bool { return r.Status == "Terminated" }

// environmentUses returns the security groups and the load balancers that an environment uses.
func environmentUses(r *cloud.Record) []string {
	if terminated(r) {
		return nil
	}
	groups := splitList(optionSetting(r.Outputs["settings"], "aws:autoscaling:launchconfiguration", "SecurityGroups"))
	return append(groups, r.Outputs.Texts("loadBalancers")...)
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

// environments returns the region's environments that are not terminated and match.
func environments(o *cloud.Operation, match func(*cloud.Record) bool) ([]*cloud.Record, error) {
	return o.Tx.Where(TypeEnvironment, func(r *cloud.Record) bool {
		return r.Region == o.Region && !terminated(r) && match(r)
	})
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
			return fromS3(err)
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

// checkEnvironment refuses an environment if something that it refers to does not exist.
func checkEnvironment(o *cloud.Operation) error {
	if err := requireApplication(o); err != nil {
		return err
	}
	app := o.Inputs.Text("application")
	if label := o.Inputs.Text("version"); label != "" {
		v, err := o.Tx.Get(TypeApplicationVersion, versionID(app, label))
		if err != nil {
			return err
		}
		if v == nil {
			return cloud.Errorf("InvalidParameterValue", "No Application Version named '%s' found.", label)
		}
	}
	stack := o.Inputs.Text("solutionStackName")
	if stack != "" && !slices.Contains(SolutionStacks(), stack) {
		return cloud.Errorf("InvalidParameterValue", "No Solution Stack named '%s' found.", stack)
	}
	if stack == "" && o.Inputs.Text("platformArn") == "" && o.Inputs.Text("templateName") == "" {
		return cloud.Errorf("MissingParameter", "At least one of SolutionStackName, PlatformArn or TemplateName must be specified.")
	}
	settings := o.Inputs["settings"]
	profile := optionSetting(settings, "aws:autoscaling:launchconfiguration", "IamInstanceProfile")
	if profile == "" && o.OldInputs == nil {
		return cloud.Errorf("ConfigurationValidationException", "Configuration validation exception: Environment must have instance profile associated with it.")
	}
	if profile != "" {
		found, err := o.Tx.Find(TypeInstanceProfile, profile)
		if err != nil {
			return err
		}
		if found == nil {
			return cloud.Errorf("ConfigurationValidationException", "Configuration validation exception: Invalid option value: '%s' (Namespace: 'aws:autoscaling:launchconfiguration', OptionName: 'IamInstanceProfile'): The instance profile %s associated with the environment does not exist.", profile, profile)
		}
	}
	return checkEnvironmentNetwork(o, settings)
}

// checkEnvironmentNetwork does the same for the security groups, the subnets and the shared load balancer.
func checkEnvironmentNetwork(o *cloud.Operation, settings any) error {
	for _, id := range splitList(optionSetting(settings, "aws:autoscaling:launchconfiguration", "SecurityGroups")) {
		sg, err := o.Tx.Find(TypeSecurityGroup, id)
		if err != nil {
			return err
		}
		if sg == nil {
			return cloud.Errorf("ConfigurationValidationException", "Configuration validation exception: Invalid option value: '%s' (Namespace: 'aws:autoscaling:launchconfiguration', OptionName: 'SecurityGroups'): The security group '%s' does not exist", id, id)
		}
	}
	for _, id := range splitList(optionSetting(settings, "aws:ec2:vpc", "Subnets")) {
		if s, err := findSubnet(o, id); err != nil || s == nil {
			if err == nil {
				err = cloud.Errorf("ConfigurationValidationException", "Configuration validation exception: Invalid option value: '%s' (Namespace: 'aws:ec2:vpc', OptionName: 'Subnets'): The subnet '%s' does not exist", id, id)
			}
			return err
		}
	}
	if arn := optionSetting(settings, "aws:elbv2:loadbalancer", "SharedLoadBalancer"); arn != "" {
		lb, err := o.Tx.Find(TypeBalancer, arn)
		if err != nil {
			return err
		}
		if lb == nil {
			return cloud.Errorf("ConfigurationValidationException", "Configuration validation exception: Invalid option value: '%s' (Namespace: 'aws:elbv2:loadbalancer', OptionName: 'SharedLoadBalancer'): Load balancer not found.", arn)
		}
	}
	return nil
}

func splitList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

func createEnvironment(o *cloud.Operation) error {
	if err := checkEnvironment(o); err != nil {
		return err
	}
	cname := o.Record.Name + o.Expand(".eba-{base8}")
	if prefix := o.Inputs.Text("cnamePrefix"); prefix != "" {
		cname = prefix
		taken, err := environments(o, func(r *cloud.Record) bool { return r.Text("cnamePrefix") == prefix })
		if err != nil {
			return err
		}
		if len(taken) > 0 {
			return cloud.Errorf("InvalidParameterValue", "DNS name (%s.%s.elasticbeanstalk.com) is not available.", prefix, o.Region)
		}
	}
	cname += "." + o.Region + ".elasticbeanstalk.com"
	o.Record.ID = o.Expand("e-{base10}")
	o.SetOutputs(map[string]any{"cname": cname})
	if err := environmentOutputs(o); err != nil {
		return err
	}
	now := o.Tx.Now
	ready := o.Schedule("Launching", o.Waits.Environment, "Ready", "Green")
	o.Record.Health = "Grey"
	o.Record.AddEvent(now, "INFO", "createEnvironment is starting.")
	o.Record.AddEvent(now.Add(o.Waits.Environment/4), "INFO", "Using elasticbeanstalk-"+o.Region+"-"+cloud.Account+" as Amazon S3 storage bucket for environment data.")
	o.Record.AddEvent(now.Add(o.Waits.Environment/2), "INFO", "Waiting for EC2 instances to launch. This may take a few minutes.")
	o.Record.AddEvent(now.Add(o.Waits.Environment*3/4), "INFO", "Instance deployment completed successfully.")
	o.Record.AddEvent(ready, "INFO", "Successfully launched environment: "+o.Record.Name)
	return nil
}

// environmentOutputs sets the outputs that depend on an environment's inputs, and creates its own load balancer if its
// settings ask for one.
func environmentOutputs(o *cloud.Operation) error {
	settings := o.Inputs["settings"]
	r := o.Record
	tier := o.Inputs.Text("tier")
	if tier == "" {
		tier = "WebServer"
	}
	label := o.Inputs.Text("version")
	balancers, endpoint := []any{}, ""
	if tier != "Worker" {
		var err error
		if balancers, endpoint, err = environmentBalancers(o, settings); err != nil {
			return err
		}
	}
	o.SetOutputs(map[string]any{
		"name": r.Name, "application": o.Inputs.Text("application"), "tier": tier, "version": label,
		"endpointUrl": endpoint, "loadBalancers": balancers, "allSettings": value.List(settings),
		"autoscalingGroups": value.ListOf("awseb-" + r.ID + "-stack-AWSEBAutoScalingGroup"), "instances": value.ListOf("i-" + digest(r.ID)[:17]),
		"launchConfigurations": []any{}, "queues": []any{}, "triggers": []any{},
		"solutionStackName": o.Inputs.Text("solutionStackName"),
	})
	if o.Inputs.Text("platformArn") == "" {
		o.SetOutputs(map[string]any{"platformArn": "arn:aws:elasticbeanstalk:" + o.Region + "::platform/" + platformOf(o.Inputs.Text("solutionStackName"))})
	}
	return nil
}

// platformOf returns the last part of the ARN of a solution stack's platform: "Name/version".
func platformOf(stack string) string {
	os, rest, _ := strings.Cut(strings.TrimPrefix(stack, "64bit "), " v")
	version, what, _ := strings.Cut(rest, " running ")
	return what + " running on 64bit " + os + "/" + version
}

func updateEnvironment(o *cloud.Operation) error {
	if o.Record.Status != "Ready" {
		if o.Record.Status == "Launching" || o.Record.Status == "Updating" {
			// An interrupted run began this operation. The real provider waits for its end before it updates; here the
			// caller waits for it.
			if fmt.Sprint(cloud.WithoutNotes(o.Inputs)) == fmt.Sprint(cloud.WithoutNotes(o.OldInputs)) {
				return nil
			}
		}
		return cloud.Errorf("InvalidParameterValue", "Environment named %s is in an invalid state for this operation. Must be Ready.", o.Record.Name)
	}
	if err := checkEnvironment(o); err != nil {
		return err
	}
	if err := environmentOutputs(o); err != nil {
		return err
	}
	now := o.Tx.Now
	ready := o.Schedule("Updating", o.Waits.Environment/2, "Ready", "Green")
	o.Record.AddEvent(now, "INFO", "Environment update is starting.")
	o.Record.AddEvent(ready, "INFO", "Environment update completed successfully.")
	return nil
}

// removeEnvironment fails if the state has no waitForReadyTimeout, as the real provider does: it first waits that long for
// the environment to be ready.
func removeEnvironment(o *cloud.Operation) error {
	if o.Inputs.Text("waitForReadyTimeout") == "" {
		return fmt.Errorf("waiting for %s (%s) update: timeout while waiting for state to become 'Ready' (timeout: 0s)", "Elastic Beanstalk Environment", o.Record.ID)
	}
	return terminateReady(o)
}

// terminateReady terminates an environment if it is ready. It is no error if it is terminated already.
func terminateReady(o *cloud.Operation) error {
	switch o.Record.Status {
	case "Terminated":
		return nil
	case "Terminating":
		return nil
	case "Ready":
		return terminate(o)
	}
	return cloud.Errorf("InvalidParameterValue", "Environment named %s is in an invalid state for this operation. Must be Ready.", o.Record.Name)
}

// TerminateNow does what TerminateEnvironment does: it terminates the environment r.
func TerminateNow(o *cloud.Operation, r *cloud.Record) error {
	o.Record = r
	if err := terminateReady(o); err != nil {
		return err
	}
	return o.Tx.Put(r)
}

// AbortUpdate does what AbortEnvironmentUpdate does: it ends the update of the environment r.
func AbortUpdate(o *cloud.Operation, r *cloud.Record) error {
	if r.Status != "Updating" {
		return cloud.Errorf("InvalidParameterValue", "Environment named %s is in an invalid state for this operation. Must be pending deployment.", r.Name)
	}
	o.Record = r
	ready := o.Schedule("Aborting", o.Waits.Environment/2, "Ready", "Green")
	r.AddEvent(o.Tx.Now, "INFO", "Environment update is aborting.")
	r.AddEvent(ready, "INFO", "Environment update was aborted.")
	return o.Tx.Put(r)
}

// terminate schedules the end of an environment and of its own load balancer.
func terminate(o *cloud.Operation) error {
	now := o.Tx.Now
	end := o.Schedule("Terminating", o.Waits.Environment/2, "Terminated", "Grey")
	o.Record.Next = append(o.Record.Next, cloud.Change{At: end.Add(TerminatedVisible), Gone: true})
	o.Record.AddEvent(now, "INFO", "terminateEnvironment is starting.")
	o.Record.AddEvent(end, "INFO", "terminateEnvironment completed successfully.")
	own, err := ownBalancers(o)
	if err != nil {
		return err
	}
	return removeBalancers(o, own, end)
}

func readEnvironment(o *cloud.Operation) (bool, error) {
	return o.Record.Status == "Terminating" && !o.Record.Pending(), nil
}

// environmentOutcome returns an error if the environment turned Red. Like the real provider's, it quotes the events of
// severity ERROR.
func environmentOutcome(r *cloud.Record, doing string) error {
	if r.Health != "Red" {
		return nil
	}
	var lines []string
	for _, e := range r.EventsUntil(r.Updated.Add(TerminatedVisible)) {
		if e.Severity == "ERROR" && !e.At.Before(r.Updated) {
			lines = append(lines, fmt.Sprintf("%s (%s) : %s", e.At.UTC().Format(time.RFC3339), r.ID, e.Message))
		}
	}
	return fmt.Errorf("waiting for %s (%s) %s: unexpected state: environment health is Red: %s",
		"Elastic Beanstalk Environment", r.ID, map[string]string{"creating": "create", "updating": "update"}[doing], strings.Join(lines, "; "))
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

// environmentApps returns the apps of all environments.
func environmentApps(o *cloud.Operation) ([]cloud.App, error) {
	envs, err := o.Tx.Where(TypeEnvironment, func(r *cloud.Record) bool { return !terminated(r) })
	if err != nil {
		return nil, err
	}
	var apps []cloud.App
	for _, env := range envs {
		image, err := environmentImage(o, env)
		if err != nil {
			return nil, err
		}
		a := cloud.App{
			Name: env.Name, Status: env.Status, Health: env.Health, Version: env.Text("version"), Image: image,
			Up: env.Status == "Ready" || env.Status == "Updating", Address: env.Text("cname"),
			Balancers: env.Outputs.Texts("loadBalancers"), Variables: map[string]string{},
		}
		settings := env.Outputs["settings"]
		if optionSetting(settings, "aws:elbv2:loadbalancer", "SharedLoadBalancer") == "" {
			a.Hosts = []string{"*"}
		}
		for _, s := range value.List(settings) {
			m := value.ObjectOf(s)
			switch ns := m.Text("namespace"); {
			case ns == "aws:elasticbeanstalk:application:environment":
				if _, given := a.Variables[m.Text("name")]; !given {
					a.Variables[m.Text("name")] = m.Text("value")
				}
			case strings.HasPrefix(ns, "aws:elbv2:listenerrule:") && m.Text("name") == "HostHeaders":
				a.Hosts = append(a.Hosts, splitList(m.Text("value"))...)
			}
		}
		apps = append(apps, a)
	}
	return apps, nil
}

// environmentImage returns the container image of an environment's version, "" if it has none. It reads the bundle.
func environmentImage(o *cloud.Operation, env *cloud.Record) (string, error) {
	version, err := o.Tx.Get(TypeApplicationVersion, versionID(env.Text("application"), env.Text("version")))
	if err != nil || version == nil || !strings.HasSuffix(version.Text("key"), "Dockerrun.aws.json") {
		return "", err
	}
	object, err := o.S3.GetObject(version.Text("bucket"), version.Text("key"), nil)
	if err != nil {
		return "", nil // the bundle was deleted
	}
	defer object.Contents.Close()
	var run struct{ Image struct{ Name string } }
	const limit = 64 << 10
	if err := json.NewDecoder(io.LimitReader(object.Contents, limit)).Decode(&run); err != nil {
		return "", nil // AWS would report this in an event
	}
	return run.Image.Name, nil
}

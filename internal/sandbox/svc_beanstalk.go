package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// The resource types of Elastic Beanstalk.
const (
	typeApplication        = "aws:elasticbeanstalk/application:Application"
	typeApplicationVersion = "aws:elasticbeanstalk/applicationVersion:ApplicationVersion"
	typeTemplate           = "aws:elasticbeanstalk/configurationTemplate:ConfigurationTemplate"
	typeEnvironment        = "aws:elasticbeanstalk/environment:Environment"
)

func beanstalkService() service {
	labels := []rule{{property: "name", min: 1, max: 100, pattern: `^[^/]+$`, want: "no slash"}, {property: "description", max: 200}}
	return service{
		kinds: map[string]kind{
			typeApplication: {
				title: "Elastic Beanstalk Application", naming: naming{property: "name"}, rules: labels,
				arn:      "elasticbeanstalk:{region}:{account}:application/{name}",
				taken:    "InvalidParameterValue: Application {name} already exists.",
				onRemove: removeApplication,
			},
			typeApplicationVersion: {
				title: "Elastic Beanstalk Application Version", naming: naming{property: "name"}, rules: labels,
				arn:   "elasticbeanstalk:{region}:{account}:applicationversion/{application}/{name}",
				quota: "application versions", quotaError: "TooManyApplicationVersionsException: You cannot have more than %d Application Versions. Either remove some Application Versions or request a limit increase.",
				onCreate: createApplicationVersion, onRemove: removeApplicationVersion,
			},
			typeTemplate: {title: "Elastic Beanstalk Configuration Template", naming: naming{property: "name"}, onCreate: needApplication},
			typeEnvironment: {
				title: "Elastic Beanstalk Environment", naming: naming{property: "name", max: 40}, id: "e-{base10}",
				defaults: map[string]any{"tier": "WebServer", "waitForReadyTimeout": "20m"},
				unseen:   []string{"waitForReadyTimeout", "pollInterval"},
				arn:      "elasticbeanstalk:{region}:{account}:environment/{application}/{name}",
				taken:    "InvalidParameterValue: Environment {name} already exists.",
				quota:    "environments", quotaError: "TooManyEnvironmentsException: You cannot have more than %d environments.",
				rules: []rule{
					{property: "name", min: 4, max: 40, pattern: `^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$`, want: "only letters, digits and hyphens, no hyphen first or last"},
					{property: "cnamePrefix", min: 4, max: 63, pattern: `^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$`, want: "only letters, digits and hyphens, no hyphen first or last"},
					{property: "tier", allowed: []string{"WebServer", "Worker"}},
					{property: "description", max: 200},
					{property: "waitForReadyTimeout", pattern: `^([0-9.]+(ns|us|ms|s|m|h))+$`, want: "a duration such as 20m"},
				},
				combinations: []combination{exclusive("solutionStackName", "platformArn"), exclusive("solutionStackName", "templateName")},
				onCreate:     createEnvironment, onUpdate: updateEnvironment, onRemove: removeEnvironment, onRead: readEnvironment,
				failedStatus: "Ready",
				failedEvent:  "Environment health has transitioned from Pending to Severe. ELB processes are not healthy on all instances.",
				gone:         terminated, ended: environmentOutcome, securityGroups: environmentSecurityGroups,
			},
		},
		functions: map[string]function{"aws:elasticbeanstalk/getSolutionStack:getSolutionStack": getSolutionStack},
		apps:      environmentApps,
	}
}

// terminated tells whether an environment is gone, though AWS still lists it.
func terminated(r *record) bool { return r.Status == "Terminated" }

// environmentSecurityGroups are the security groups that an environment's settings name.
func environmentSecurityGroups(r *record) []string {
	if terminated(r) {
		return nil
	}
	return splitList(setting(r.Outputs["settings"], "aws:autoscaling:launchconfiguration", "SecurityGroups"))
}

// terminatedVisible is how long a terminated environment is still listed. AWS does so for about an hour.
const terminatedVisible = time.Hour

func needApplication(o *op) error {
	name := o.in.Text("application")
	app, err := o.tx.find(typeApplication, name)
	if err != nil {
		return err
	}
	if app == nil || app.Region != o.region {
		return awsErrorf("InvalidParameterValue", "No Application named '%s' found.", name)
	}
	return nil
}

func removeApplication(o *op) error {
	envs, err := o.environments(func(r *record) bool { return r.str("application") == o.rec.Name })
	if err != nil {
		return err
	}
	if len(envs) > 0 {
		return awsErrorf("OperationInProgressFailure", "Unable to delete application %s because it has running environments.", o.rec.Name)
	}
	versions, err := o.tx.where(typeApplicationVersion, func(r *record) bool { return r.str("application") == o.rec.Name && r.Region == o.region })
	if err != nil {
		return err
	}
	for _, v := range versions { // AWS deletes an application's versions with it
		if err := o.tx.remove(v); err != nil {
			return err
		}
	}
	return nil
}

// environments are the region's environments that are not terminated, those that f picks.
func (o *op) environments(f func(*record) bool) ([]*record, error) {
	return o.tx.where(typeEnvironment, func(r *record) bool {
		return r.Region == o.region && r.Status != "Terminated" && f(r)
	})
}

func versionID(application, label string) string { return application + "/" + label }

func createApplicationVersion(o *op) error {
	if err := needApplication(o); err != nil {
		return err
	}
	app, bucket, key := o.in.Text("application"), o.in.Text("bucket"), o.in.Text("key")
	// The real provider's id is the label alone; labels repeat between applications, so ours is the pair.
	o.rec.ID = versionID(app, o.rec.Name)
	if other, err := o.tx.get(typeApplicationVersion, o.rec.ID); err != nil || other != nil {
		if err == nil {
			err = awsErrorf("InvalidParameterValue", "Application Version %s already exists.", o.rec.Name)
		}
		return err
	}
	if _, err := o.s3.HeadObject(bucket, key); err != nil {
		return awsErrorf("InvalidParameterCombination", "Unable to download from S3 location (Bucket: %s Key: %s). Reason: Not Found", bucket, key)
	}
	o.rec.Status = "UNPROCESSED"
	if o.in.Bool("process") {
		o.rec.Status = "PROCESSED"
	}
	return nil
}

func removeApplicationVersion(o *op) error {
	envs, err := o.environments(func(r *record) bool {
		return r.str("application") == o.rec.str("application") && r.str("version") == o.rec.Name
	})
	if err != nil {
		return err
	}
	if len(envs) > 0 && !o.in.Bool("forceDelete") {
		return awsErrorf("SourceBundleDeletionFailure", "Unable to delete application version %s because it is in use by environment %s.", o.rec.Name, envs[0].Name)
	}
	return nil
}

// deleteVersion deletes an application version and, if bundle is set, the bundle that it was made of. It is no error if
// there is no such version, as on AWS.
func deleteVersion(o *op, application, label string, bundle bool) error {
	r, err := o.tx.get(typeApplicationVersion, versionID(application, label))
	if r == nil || err != nil {
		return err
	}
	o.rec, o.in = r, value.Object{}
	if err := removeApplicationVersion(o); err != nil {
		return err
	}
	if bundle {
		if _, err := o.s3.DeleteObject(r.str("bucket"), r.str("key")); err != nil {
			return s3Failure(err)
		}
	}
	return o.tx.remove(r)
}

// setting is the value of one of an environment's option settings, "" if it is not set.
func setting(settings any, namespace, name string) string {
	for _, s := range value.List(settings) {
		if m := value.ObjectOf(s); m.Text("namespace") == namespace && m.Text("name") == name {
			return m.Text("value")
		}
	}
	return ""
}

// checkEnvironment checks what an environment refers to.
func checkEnvironment(o *op) error {
	if err := needApplication(o); err != nil {
		return err
	}
	app := o.in.Text("application")
	if label := o.in.Text("version"); label != "" {
		v, err := o.tx.get(typeApplicationVersion, versionID(app, label))
		if err != nil {
			return err
		}
		if v == nil {
			return awsErrorf("InvalidParameterValue", "No Application Version named '%s' found.", label)
		}
	}
	stack := o.in.Text("solutionStackName")
	if stack != "" && !slices.Contains(solutionStacks(), stack) {
		return awsErrorf("InvalidParameterValue", "No Solution Stack named '%s' found.", stack)
	}
	if stack == "" && o.in.Text("platformArn") == "" && o.in.Text("templateName") == "" {
		return awsErrorf("MissingParameter", "At least one of SolutionStackName, PlatformArn or TemplateName must be specified.")
	}
	settings := o.in["settings"]
	profile := setting(settings, "aws:autoscaling:launchconfiguration", "IamInstanceProfile")
	if profile == "" && o.old == nil {
		return awsErrorf("ConfigurationValidationException", "Configuration validation exception: Environment must have instance profile associated with it.")
	}
	if profile != "" {
		found, err := o.tx.find(typeInstanceProfile, profile)
		if err != nil {
			return err
		}
		if found == nil {
			return awsErrorf("ConfigurationValidationException", "Configuration validation exception: Invalid option value: '%s' (Namespace: 'aws:autoscaling:launchconfiguration', OptionName: 'IamInstanceProfile'): The instance profile %s associated with the environment does not exist.", profile, profile)
		}
	}
	return o.checkEnvironmentNetwork(settings)
}

func (o *op) checkEnvironmentNetwork(settings any) error {
	for _, id := range splitList(setting(settings, "aws:autoscaling:launchconfiguration", "SecurityGroups")) {
		sg, err := o.tx.find(typeSecurityGroup, id)
		if err != nil {
			return err
		}
		if sg == nil {
			return awsErrorf("ConfigurationValidationException", "Configuration validation exception: Invalid option value: '%s' (Namespace: 'aws:autoscaling:launchconfiguration', OptionName: 'SecurityGroups'): The security group '%s' does not exist", id, id)
		}
	}
	for _, id := range splitList(setting(settings, "aws:ec2:vpc", "Subnets")) {
		if s, err := o.subnet(id); err != nil || s == nil {
			if err == nil {
				err = awsErrorf("ConfigurationValidationException", "Configuration validation exception: Invalid option value: '%s' (Namespace: 'aws:ec2:vpc', OptionName: 'Subnets'): The subnet '%s' does not exist", id, id)
			}
			return err
		}
	}
	if arn := setting(settings, "aws:elbv2:loadbalancer", "SharedLoadBalancer"); arn != "" {
		lb, err := o.tx.find(typeBalancer, arn)
		if err != nil {
			return err
		}
		if lb == nil {
			return awsErrorf("ConfigurationValidationException", "Configuration validation exception: Invalid option value: '%s' (Namespace: 'aws:elbv2:loadbalancer', OptionName: 'SharedLoadBalancer'): Load balancer not found.", arn)
		}
	}
	return nil
}

func splitList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

func createEnvironment(o *op) error {
	if err := checkEnvironment(o); err != nil {
		return err
	}
	cname := o.rec.Name + o.expand(".eba-{base8}")
	if prefix := o.in.Text("cnamePrefix"); prefix != "" {
		cname = prefix
		taken, err := o.environments(func(r *record) bool { return r.str("cnamePrefix") == prefix })
		if err != nil {
			return err
		}
		if len(taken) > 0 {
			return awsErrorf("InvalidParameterValue", "DNS name (%s.%s.elasticbeanstalk.com) is not available.", prefix, o.region)
		}
	}
	cname += "." + o.region + ".elasticbeanstalk.com"
	o.rec.ID = o.expand("e-{base10}")
	o.force(map[string]any{"cname": cname})
	if err := o.environmentOutputs(); err != nil {
		return err
	}
	now := o.tx.now
	ready := o.later("Launching", o.waits.Environment, "Ready", "Green")
	o.rec.Health = "Grey"
	o.rec.event(now, "INFO", "createEnvironment is starting.")
	o.rec.event(now.Add(o.waits.Environment/4), "INFO", "Using elasticbeanstalk-"+o.region+"-"+account+" as Amazon S3 storage bucket for environment data.")
	o.rec.event(now.Add(o.waits.Environment/2), "INFO", "Waiting for EC2 instances to launch. This may take a few minutes.")
	o.rec.event(now.Add(o.waits.Environment*3/4), "INFO", "Instance deployment completed successfully.")
	o.rec.event(ready, "INFO", "Successfully launched environment: "+o.rec.Name)
	return nil
}

// environmentOutputs computes what follows from an environment's settings, and makes the balancer that they ask for.
func (o *op) environmentOutputs() error {
	settings := o.in["settings"]
	r := o.rec
	tier := o.in.Text("tier")
	if tier == "" {
		tier = "WebServer"
	}
	label := o.in.Text("version")
	balancers, endpoint := []any{}, ""
	if tier != "Worker" {
		var err error
		if balancers, endpoint, err = o.balancing(settings); err != nil {
			return err
		}
	}
	o.force(map[string]any{
		"name": r.Name, "application": o.in.Text("application"), "tier": tier, "version": label,
		"endpointUrl": endpoint, "loadBalancers": balancers, "allSettings": value.List(settings),
		"autoscalingGroups": value.ListOf("awseb-" + r.ID + "-stack-AWSEBAutoScalingGroup"), "instances": value.ListOf("i-" + digest(r.ID)[:17]),
		"launchConfigurations": []any{}, "queues": []any{}, "triggers": []any{},
		"solutionStackName": o.in.Text("solutionStackName"),
	})
	if o.in.Text("platformArn") == "" {
		o.force(map[string]any{"platformArn": "arn:aws:elasticbeanstalk:" + o.region + "::platform/" + platformOf(o.in.Text("solutionStackName"))})
	}
	return nil
}

// platformOf is the last part of the ARN of a solution stack's platform: "Name/version".
func platformOf(stack string) string {
	os, rest, _ := strings.Cut(strings.TrimPrefix(stack, "64bit "), " v")
	version, what, _ := strings.Cut(rest, " running ")
	return what + " running on 64bit " + os + "/" + version
}

func updateEnvironment(o *op) error {
	if o.rec.Status != "Ready" {
		if o.rec.Status == "Launching" || o.rec.Status == "Updating" {
			// A run that was interrupted left it under way. The real provider would be refused; it waits first, in that
			// it reads the environment, and so do we: the wait below is for what is under way.
			if fmt.Sprint(withoutInternal(o.in)) == fmt.Sprint(withoutInternal(o.old)) {
				return nil
			}
		}
		return awsErrorf("InvalidParameterValue", "Environment named %s is in an invalid state for this operation. Must be Ready.", o.rec.Name)
	}
	if err := checkEnvironment(o); err != nil {
		return err
	}
	if err := o.environmentOutputs(); err != nil {
		return err
	}
	now := o.tx.now
	ready := o.later("Updating", o.waits.Environment/2, "Ready", "Green")
	o.rec.event(now, "INFO", "Environment update is starting.")
	o.rec.event(ready, "INFO", "Environment update completed successfully.")
	return nil
}

// removeEnvironment is refused without a time to wait: the real provider first waits until the environment is ready, for as
// long as the state says. TerminateEnvironment itself knows no such time.
func removeEnvironment(o *op) error {
	if o.in.Text("waitForReadyTimeout") == "" {
		return fmt.Errorf("waiting for %s (%s) update: timeout while waiting for state to become 'Ready' (timeout: 0s)", "Elastic Beanstalk Environment", o.rec.ID)
	}
	return o.terminateReady()
}

func (o *op) terminateReady() error {
	switch o.rec.Status {
	case "Terminated":
		return o.terminate() // it stays as it is
	case "Terminating":
		return nil
	case "Ready":
		return o.terminate()
	}
	return awsErrorf("InvalidParameterValue", "Environment named %s is in an invalid state for this operation. Must be Ready.", o.rec.Name)
}

// terminateNow does what TerminateEnvironment does to the environment r.
func terminateNow(o *op, r *record) error {
	o.rec = r
	if err := o.terminateReady(); err != nil {
		return err
	}
	return o.tx.put(r)
}

// abortUpdate does what AbortEnvironmentUpdate does to the environment r.
func abortUpdate(o *op, r *record) error {
	if r.Status != "Updating" {
		return awsErrorf("InvalidParameterValue", "Environment named %s is in an invalid state for this operation. Must be pending deployment.", r.Name)
	}
	o.rec = r
	ready := o.later("Aborting", o.waits.Environment/2, "Ready", "Green")
	r.event(o.tx.now, "INFO", "Environment update is aborting.")
	r.event(ready, "INFO", "Environment update was aborted.")
	return o.tx.put(r)
}

// terminate plans the environment's end.
func (o *op) terminate() error {
	now := o.tx.now
	if o.rec.Status == "Terminated" {
		return nil
	}
	end := o.later("Terminating", o.waits.Environment/2, "Terminated", "Grey")
	o.rec.Next = append(o.rec.Next, change{At: end.Add(terminatedVisible), Gone: true})
	o.rec.event(now, "INFO", "terminateEnvironment is starting.")
	o.rec.event(end, "INFO", "terminateEnvironment completed successfully.")
	own, err := o.ownBalancers()
	if err != nil {
		return err
	}
	return o.dropBalancers(own, end)
}

func readEnvironment(o *op) (bool, error) {
	return o.rec.Status == "Terminating" && !o.rec.pending(), nil
}

// environmentOutcome words a bad end as the real provider does: with the environment's events of severity ERROR.
func environmentOutcome(r *record, doing string) error {
	if r.Health != "Red" {
		return nil
	}
	var lines []string
	for _, e := range r.visibleEvents(r.Updated.Add(terminatedVisible)) {
		if e.Severity == "ERROR" && !e.At.Before(r.Updated) {
			lines = append(lines, fmt.Sprintf("%s (%s) : %s", e.At.UTC().Format(time.RFC3339), r.ID, e.Message))
		}
	}
	return fmt.Errorf("waiting for %s (%s) %s: unexpected state: environment health is Red: %s",
		"Elastic Beanstalk Environment", r.ID, map[string]string{"creating": "create", "updating": "update"}[doing], strings.Join(lines, "; "))
}

// solutionStacks are the platforms that the sandbox offers, the newest of each first, as AWS names and orders them.
func solutionStacks() []string {
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

func getSolutionStack(l *lookup) (value.Object, error) {
	pattern, err := regexp.Compile(l.args.Text("nameRegex"))
	if err != nil {
		return nil, fmt.Errorf("nameRegex: %w", err)
	}
	var names []string
	for _, s := range solutionStacks() {
		if pattern.MatchString(s) {
			names = append(names, s)
		}
	}
	switch {
	case len(names) == 0:
		return nil, fmt.Errorf("Your query returned no results. Please change your search criteria and try again.")
	case len(names) > 1 && !l.args.Bool("mostRecent"):
		return nil, fmt.Errorf("Your query returned more than one result. Please try a more specific search criteria, or set `most_recent` attribute to true.")
	}
	return map[string]any{"id": names[0], "name": names[0]}, nil
}

// environmentApps lists the apps of all environments.
func environmentApps(o *op) ([]app, error) {
	envs, err := o.tx.where(typeEnvironment, func(r *record) bool { return !terminated(r) })
	if err != nil {
		return nil, err
	}
	var apps []app
	for _, env := range envs {
		image, err := environmentImage(o, env)
		if err != nil {
			return nil, err
		}
		a := app{
			name: env.Name, status: env.Status, health: env.Health, version: env.str("version"), image: image,
			up: env.Status == "Ready" || env.Status == "Updating", address: env.str("cname"),
			balancers: env.Outputs.Texts("loadBalancers"), variables: map[string]string{},
		}
		settings := env.Outputs["settings"]
		if setting(settings, "aws:elbv2:loadbalancer", "SharedLoadBalancer") == "" {
			a.hosts = []string{"*"}
		}
		for _, s := range value.List(settings) {
			m := value.ObjectOf(s)
			switch ns := m.Text("namespace"); {
			case ns == "aws:elasticbeanstalk:application:environment":
				if _, given := a.variables[m.Text("name")]; !given {
					a.variables[m.Text("name")] = m.Text("value")
				}
			case strings.HasPrefix(ns, "aws:elbv2:listenerrule:") && m.Text("name") == "HostHeaders":
				a.hosts = append(a.hosts, splitList(m.Text("value"))...)
			}
		}
		apps = append(apps, a)
	}
	return apps, nil
}

// environmentImage returns the container image that an environment's version runs, as its bundle says; "" if it runs none.
func environmentImage(o *op, env *record) (string, error) {
	version, err := o.tx.get(typeApplicationVersion, versionID(env.str("application"), env.str("version")))
	if err != nil || version == nil || !strings.HasSuffix(version.str("key"), "Dockerrun.aws.json") {
		return "", err
	}
	object, err := o.s3.GetObject(version.str("bucket"), version.str("key"), nil)
	if err != nil {
		return "", nil // it was deleted
	}
	defer object.Contents.Close()
	var run struct{ Image struct{ Name string } }
	const limit = 64 << 10
	if err := json.NewDecoder(io.LimitReader(object.Contents, limit)).Decode(&run); err != nil {
		return "", nil // Beanstalk would report it in an event; there is nothing to show here
	}
	return run.Image.Name, nil
}

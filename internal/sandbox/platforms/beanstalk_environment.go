package platforms

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/services"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

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

// environments returns the region's environments that are not terminated and match.
func environments(o *cloud.Operation, match func(*cloud.Record) bool) ([]*cloud.Record, error) {
	return o.Tx.Where(TypeEnvironment, func(r *cloud.Record) bool {
		return r.Region == o.Region && !terminated(r) && match(r)
	})
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
		found, err := o.Tx.Find(services.TypeInstanceProfile, profile)
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
		sg, err := o.Tx.Find(services.TypeSecurityGroup, id)
		if err != nil {
			return err
		}
		if sg == nil {
			return cloud.Errorf("ConfigurationValidationException", "Configuration validation exception: Invalid option value: '%s' (Namespace: 'aws:autoscaling:launchconfiguration', OptionName: 'SecurityGroups'): The security group '%s' does not exist", id, id)
		}
	}
	for _, id := range splitList(optionSetting(settings, "aws:ec2:vpc", "Subnets")) {
		if s, err := services.FindSubnet(o, id); err != nil || s == nil {
			if err == nil {
				err = cloud.Errorf("ConfigurationValidationException", "Configuration validation exception: Invalid option value: '%s' (Namespace: 'aws:ec2:vpc', OptionName: 'Subnets'): The subnet '%s' does not exist", id, id)
			}
			return err
		}
	}
	if arn := optionSetting(settings, "aws:elbv2:loadbalancer", "SharedLoadBalancer"); arn != "" {
		lb, err := o.Tx.Find(services.TypeBalancer, arn)
		if err != nil {
			return err
		}
		if lb == nil {
			return cloud.Errorf("ConfigurationValidationException", "Configuration validation exception: Invalid option value: '%s' (Namespace: 'aws:elbv2:loadbalancer', OptionName: 'SharedLoadBalancer'): Load balancer not found.", arn)
		}
	}
	return nil
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
		"autoscalingGroups": value.ListOf("awseb-" + r.ID + "-stack-AWSEBAutoScalingGroup"), "instances": value.ListOf("i-" + services.Digest(r.ID)[:17]),
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

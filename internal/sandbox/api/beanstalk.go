package api

import (
	"cmp"
	"slices"
	"time"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/platforms"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

func beanstalk() service {
	return service{protocol: "query", namespace: "http://elasticbeanstalk.amazonaws.com/docs/2010-12-01/", actions: map[string]action{
		"DescribeEnvironments":          describeEnvironments,
		"DescribeEnvironmentResources":  describeEnvironmentResources,
		"DescribeConfigurationSettings": describeConfigurationSettings,
		"DescribeEvents":                describeEvents,
		"DescribeEnvironmentHealth":     describeEnvironmentHealth,
		"DescribeApplications":          describeApplications,
		"DescribeApplicationVersions":   describeApplicationVersions,
		"DeleteApplicationVersion":      deleteApplicationVersion,
		"AbortEnvironmentUpdate":        abortEnvironmentUpdate,
		"TerminateEnvironment":          terminateEnvironment,
		"ListTagsForResource":           listBeanstalkTags,
		"ListAvailableSolutionStacks": func(*call) (any, error) {
			return []node{textElements("SolutionStacks", "member", platforms.SolutionStacks())}, nil
		},
		"DescribeAccountAttributes": func(c *call) (any, error) {
			quota := func(name, key string, standard int) node {
				if limit := c.Quotas[key]; limit > 0 {
					standard = limit
				}
				return element(name, leaf("Maximum", float64(standard)))
			}
			return []node{element("ResourceQuotas",
				quota("ApplicationQuota", "applications", 75), quota("ApplicationVersionQuota", "application versions", 1000),
				quota("EnvironmentQuota", "environments", 200), quota("ConfigurationTemplateQuota", "templates", 2000),
				quota("CustomPlatformQuota", "platforms", 50),
			)}, nil
		},
	}}
}

func describeEnvironments(c *call) (any, error) {
	names, ids, app := c.list("EnvironmentNames"), c.list("EnvironmentIds"), c.form.Get("ApplicationName")
	records, err := c.inRegion(platforms.TypeEnvironment, func(r *cloud.Record) bool {
		return matches(names, r.Name) && matches(ids, r.ID) && (app == "" || r.Text("application") == app) &&
			(r.Status != "Terminated" || c.form.Get("IncludeDeleted") != "false")
	})
	if err != nil {
		return nil, err
	}
	records, token := paginate(records, c.form.Get("NextToken"), c.form.Get("MaxRecords"))
	return []node{elements("Environments", "member", records, environmentNodes), leaf("NextToken", token)}, nil
}

func environmentNodes(r *cloud.Record) []node {
	tier := element("Tier", leaf("Name", "WebServer"), leaf("Type", "Standard"), leaf("Version", "1.0"))
	if r.Text("tier") == "Worker" {
		tier = element("Tier", leaf("Name", "Worker"), leaf("Type", "SQS/HTTP"), leaf("Version", "3.0"))
	}
	return []node{
		leaf("EnvironmentName", r.Name), leaf("EnvironmentId", r.ID), leaf("ApplicationName", r.Text("application")),
		leaf("VersionLabel", r.Text("version")), leaf("SolutionStackName", r.Text("solutionStackName")),
		leaf("PlatformArn", r.Text("platformArn")), leaf("Description", r.Text("description")), leaf("EndpointURL", r.Text("endpointUrl")),
		leaf("CNAME", r.Text("cname")), leaf("DateCreated", r.Created), leaf("DateUpdated", r.Updated), leaf("Status", r.Status),
		leaf("AbortableOperationInProgress", r.Status == "Updating"), leaf("Health", r.Health),
		leaf("HealthStatus", healthStatus(r)), leaf("EnvironmentArn", r.Text("arn")), tier,
	}
}

func describeEnvironmentResources(c *call) (any, error) {
	r, err := c.findEnvironment()
	if err != nil {
		return nil, err
	}
	named := func(list, property string) node {
		return elements(list, "member", r.Outputs.Texts(property), func(name string) []node { return []node{leaf("Name", name)} })
	}
	return []node{element("EnvironmentResources",
		leaf("EnvironmentName", r.Name), named("AutoScalingGroups", "autoscalingGroups"), named("LoadBalancers", "loadBalancers"),
		elements("Instances", "member", r.Outputs.Texts("instances"), func(id string) []node { return []node{leaf("Id", id)} }),
		element("LaunchConfigurations"), element("Queues"), element("Triggers"),
	)}, nil
}

func describeConfigurationSettings(c *call) (any, error) {
	r, err := c.findEnvironment()
	if err != nil {
		return nil, err
	}
	return []node{elements("ConfigurationSettings", "member", []*cloud.Record{r}, func(r *cloud.Record) []node {
		return []node{
			leaf("ApplicationName", r.Text("application")), leaf("EnvironmentName", r.Name), leaf("DeploymentStatus", "deployed"),
			leaf("SolutionStackName", r.Text("solutionStackName")), leaf("PlatformArn", r.Text("platformArn")),
			elements("OptionSettings", "member", r.Outputs.List("settings"), func(setting any) []node {
				s := value.ObjectOf(setting)
				return []node{
					leaf("Namespace", s["namespace"]), leaf("OptionName", s["name"]), leaf("Value", s["value"]), leaf("ResourceName", s["resource"]),
				}
			}),
		}
	})}, nil
}

// healthStatus returns the status of enhanced health reporting that belongs to a health.
func healthStatus(r *cloud.Record) string {
	switch r.Health {
	case "Green":
		return "Ok"
	case "Red":
		return "Severe"
	}
	if r.Status == "Launching" || r.Status == "Updating" {
		return "Pending"
	}
	return "Unknown"
}

// findEnvironment returns the environment that a call names. Terminated environments of the same name do not count.
func (c *call) findEnvironment() (*cloud.Record, error) {
	name, id := c.form.Get("EnvironmentName"), c.form.Get("EnvironmentId")
	records, err := c.inRegion(platforms.TypeEnvironment, func(r *cloud.Record) bool {
		return (name == "" || r.Name == name) && (id == "" || r.ID == id) && r.Status != "Terminated"
	})
	if err != nil {
		return nil, err
	}
	if len(records) == 0 || name == "" && id == "" {
		return nil, cloud.Errorf("InvalidParameterValue", "No Environment found for EnvironmentName = '%s'.", name+id)
	}
	return records[0], nil
}

func describeEvents(c *call) (any, error) {
	type line struct {
		cloud.Event
		r *cloud.Record
	}
	name, id, app := c.form.Get("EnvironmentName"), c.form.Get("EnvironmentId"), c.form.Get("ApplicationName")
	since, _ := time.Parse(time.RFC3339Nano, c.form.Get("StartTime"))
	until, untilErr := time.Parse(time.RFC3339Nano, c.form.Get("EndTime"))
	severities := []string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}
	least := slices.Index(severities, c.form.Get("Severity"))
	records, err := c.inRegion(platforms.TypeEnvironment, func(r *cloud.Record) bool {
		return (name == "" || r.Name == name) && (id == "" || r.ID == id) && (app == "" || r.Text("application") == app)
	})
	if err != nil {
		return nil, err
	}
	var lines []line
	for _, r := range records {
		for _, e := range r.EventsUntil(c.Tx.Now) {
			if !e.At.Before(since) && (untilErr != nil || e.At.Before(until)) && slices.Index(severities, e.Severity) >= least {
				lines = append(lines, line{e, r})
			}
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int { return b.At.Compare(a.At) })
	lines, token := paginate(lines, c.form.Get("NextToken"), c.form.Get("MaxRecords"))
	return []node{elements("Events", "member", lines, func(l line) []node {
		return []node{
			leaf("EventDate", l.At), leaf("Message", l.Message), leaf("Severity", l.Severity), leaf("ApplicationName", l.r.Text("application")),
			leaf("EnvironmentName", l.r.Name), leaf("VersionLabel", l.r.Text("version")), leaf("RequestId", requestID),
		}
	}), leaf("NextToken", token)}, nil
}

func describeEnvironmentHealth(c *call) (any, error) {
	r, err := c.findEnvironment()
	if err != nil {
		return nil, err
	}
	var causes []string
	if r.Health == "Red" {
		for _, e := range r.EventsUntil(c.Tx.Now) {
			if e.Severity == "ERROR" {
				causes = append(causes, e.Message)
			}
		}
	}
	if c.fault != nil && c.fault.Kind == cloud.Red {
		sick := *r
		sick.Health, causes = "Red", append(causes, cmp.Or(c.fault.Error, "100.0 % of the requests are failing with HTTP 5xx."))
		r = &sick
	}
	return []node{
		leaf("EnvironmentName", r.Name), leaf("HealthStatus", healthStatus(r)), leaf("Status", r.Status), leaf("Color", r.Health),
		textElements("Causes", "member", causes), leaf("RefreshedAt", c.Tx.Now),
		element("InstancesHealth", leaf("Ok", 1.0)),
	}, nil
}

func describeApplications(c *call) (any, error) {
	names := c.list("ApplicationNames")
	records, err := c.inRegion(platforms.TypeApplication, func(r *cloud.Record) bool { return matches(names, r.Name) })
	if err != nil {
		return nil, err
	}
	return []node{elements("Applications", "member", records, func(r *cloud.Record) []node {
		return []node{
			leaf("ApplicationArn", r.Text("arn")), leaf("ApplicationName", r.Name), leaf("Description", r.Text("description")),
			leaf("DateCreated", r.Created), leaf("DateUpdated", r.Updated),
		}
	})}, nil
}

func describeApplicationVersions(c *call) (any, error) {
	app, labels := c.form.Get("ApplicationName"), c.list("VersionLabels")
	if app != "" {
		found, err := c.inRegion(platforms.TypeApplication, func(r *cloud.Record) bool { return r.Name == app })
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, cloud.Errorf("InvalidParameterValue", "No Application named '%s' found.", app)
		}
	}
	records, err := c.inRegion(platforms.TypeApplicationVersion, func(r *cloud.Record) bool {
		return (app == "" || r.Text("application") == app) && matches(labels, r.Name)
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(records, func(a, b *cloud.Record) int { return b.Created.Compare(a.Created) })
	records, token := paginate(records, c.form.Get("NextToken"), c.form.Get("MaxRecords"))
	return []node{elements("ApplicationVersions", "member", records, func(r *cloud.Record) []node {
		return []node{
			leaf("ApplicationVersionArn", r.Text("arn")), leaf("ApplicationName", r.Text("application")), leaf("VersionLabel", r.Name),
			leaf("Description", r.Text("description")), leaf("Status", r.Status), leaf("DateCreated", r.Created), leaf("DateUpdated", r.Updated),
			element("SourceBundle", leaf("S3Bucket", r.Text("bucket")), leaf("S3Key", r.Text("key"))),
		}
	}), leaf("NextToken", token)}, nil
}

func deleteApplicationVersion(c *call) (any, error) {
	return nil, platforms.DeleteVersion(c.Operation, c.form.Get("ApplicationName"), c.form.Get("VersionLabel"), c.form.Get("DeleteSourceBundle") == "true")
}

func abortEnvironmentUpdate(c *call) (any, error) {
	r, err := c.findEnvironment()
	if err != nil {
		return nil, err
	}
	return nil, platforms.AbortUpdate(c.Operation, r)
}

func terminateEnvironment(c *call) (any, error) {
	r, err := c.findEnvironment()
	if err != nil {
		return nil, err
	}
	if err := platforms.TerminateNow(c.Operation, r); err != nil {
		return nil, err
	}
	return environmentNodes(r), nil
}

func listBeanstalkTags(c *call) (any, error) {
	arn := c.form.Get("ResourceArn")
	for _, typ := range []string{platforms.TypeEnvironment, platforms.TypeApplication, platforms.TypeApplicationVersion} {
		found, err := c.inRegion(typ, func(r *cloud.Record) bool { return r.Text("arn") == arn && r.Status != "Terminated" })
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			return []node{leaf("ResourceArn", arn), tagNodes("ResourceTags", "member", "Key", "Value", found[0].Tags())}, nil
		}
	}
	return nil, cloud.Errorf("ResourceNotFoundException", "Resource not found for arn: %s", arn)
}

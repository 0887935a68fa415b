package platforms

import (
	"encoding/json"
	"io"
	"strings"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

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

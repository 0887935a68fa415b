package platforms

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/services"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// Namespaces of an environment's options. The namespace of a listener ends in its port, or in "default" for port 80.
const (
	nsEnvironmentOptions = "aws:elasticbeanstalk:environment"
	nsListenerOptions    = "aws:elbv2:listener:"
)

// environmentBalancers returns the load balancers and the endpoint of the environment with these settings. A load balancer is
// named by its ARN, a classic one by its name. The function creates the environment's own load balancer if the settings
// ask for one, and removes it if they no longer do.
func environmentBalancers(o *cloud.Operation, settings any) (balancers []any, endpoint string, err error) {
	own, err := ownBalancers(o)
	if err != nil {
		return nil, "", err
	}
	shared := optionSetting(settings, "aws:elbv2:loadbalancer", "SharedLoadBalancer")
	kind := optionSetting(settings, nsEnvironmentOptions, "LoadBalancerType")
	single := optionSetting(settings, nsEnvironmentOptions, "EnvironmentType") == "SingleInstance"
	switch {
	case !single && shared == "" && (kind == "application" || kind == "network"):
		lb := (*cloud.Record)(nil)
		if len(own) > 0 {
			lb = own[0]
		} else if lb, err = launchBalancer(o, kind, settings); err != nil {
			return nil, "", err
		}
		return []any{lb.ID}, lb.Text("dnsName"), nil
	case single:
		endpoint = "203.0.113.10"
	case shared != "":
		lb, err := o.Tx.Find(services.TypeBalancer, shared)
		if err != nil {
			return nil, "", err
		}
		balancers = []any{shared}
		if lb != nil {
			endpoint = lb.Text("dnsName")
		}
	default:
		balancers = []any{"awseb-" + o.Record.ID}
		endpoint = "awseb-" + o.Record.ID + "-1234567890." + o.Region + ".elb.amazonaws.com"
	}
	if balancers == nil {
		balancers = []any{}
	}
	return balancers, endpoint, removeBalancers(o, own, o.Tx.Now)
}

// launchBalancer creates an environment's own load balancer with its listeners, as Beanstalk does through CloudFormation.
func launchBalancer(o *cloud.Operation, kind string, settings any) (*cloud.Record, error) {
	tags := map[string]any{"elasticbeanstalk:environment-id": o.Record.ID, "elasticbeanstalk:environment-name": o.Record.Name}
	for k, v := range o.Record.Tags() {
		tags[k] = v
	}
	lb := &cloud.Operation{Cloud: o.Cloud, Tx: o.Tx, Region: o.Region, Inputs: map[string]any{
		"name": o.Expand("awseb--AWSEB-{id12}"), "loadBalancerType": kind, "tags": tags,
		"subnets":        value.ListOf(splitList(cmp.Or(optionSetting(settings, "aws:ec2:vpc", "ELBSubnets"), optionSetting(settings, "aws:ec2:vpc", "Subnets")))...),
		"securityGroups": value.ListOf(splitList(optionSetting(settings, "aws:elbv2:loadbalancer", "SecurityGroups"))...),
		"internal":       optionSetting(settings, "aws:ec2:vpc", "ELBScheme") == "internal",
	}}
	if err := launch(lb, services.TypeBalancer, services.CreateBalancer); err != nil {
		return nil, err
	}
	if err := launchListeners(lb, settings); err != nil {
		return nil, errors.Join(err, removeBalancers(o, []*cloud.Record{lb.Record}, o.Tx.Now))
	}
	return lb.Record, nil
}

// launchListeners creates the listeners of an environment's own load balancer: the default listener on port 80, unless it is
// disabled, and a listener for each port in the settings.
func launchListeners(o *cloud.Operation, settings any) error {
	ports := map[string]bool{"default": true}
	for _, s := range value.List(settings) {
		if port, found := strings.CutPrefix(value.ObjectOf(s).Text("namespace"), nsListenerOptions); found {
			ports[port] = true
		}
	}
	for _, port := range slices.Sorted(maps.Keys(ports)) {
		ns := nsListenerOptions + port
		if optionSetting(settings, ns, "ListenerEnabled") == "false" {
			continue
		}
		number, err := strconv.Atoi(strings.Replace(port, "default", "80", 1))
		if err != nil {
			return cloud.Errorf("ConfigurationValidationException", "Configuration validation exception: Invalid namespace: '%s'", ns)
		}
		l := &cloud.Operation{Cloud: o.Cloud, Tx: o.Tx, Region: o.Region, Inputs: map[string]any{
			"loadBalancerArn": o.Record.ID, "port": float64(number), "protocol": cmp.Or(optionSetting(settings, ns, "Protocol"), "HTTP"),
			"certificateArn": optionSetting(settings, ns, "SSLCertificateArns"),
		}}
		if err := launch(l, services.TypeListener, services.CreateListener); err != nil {
			return err
		}
	}
	return nil
}

// launch creates a resource that no program has. It is ready at once: the caller waits for the environment instead.
func launch(o *cloud.Operation, typ string, create func(*cloud.Operation) error) error {
	o.Record = &cloud.Record{
		Type: typ, Region: o.Region, Name: o.Inputs.Text("name"), Inputs: o.Inputs, Outputs: cloud.WithoutNotes(o.Inputs),
		Created: o.Tx.Now, Updated: o.Tx.Now,
	}
	if err := create(o); err != nil {
		return err
	}
	for _, c := range o.Record.Next {
		o.Record.Status = c.Status
	}
	o.Record.Next = nil
	o.Record.Name = cmp.Or(o.Record.Name, o.Record.ID)
	return o.Tx.Put(o.Record)
}

// ownBalancers returns the load balancers that Beanstalk created for the environment.
func ownBalancers(o *cloud.Operation) ([]*cloud.Record, error) {
	return o.Tx.Where(services.TypeBalancer, func(r *cloud.Record) bool { return r.Tags()["elasticbeanstalk:environment-id"] == o.Record.ID })
}

// removeBalancers schedules the removal of load balancers and of all their listeners.
func removeBalancers(o *cloud.Operation, balancers []*cloud.Record, at time.Time) error {
	for _, lb := range balancers {
		listeners, err := o.Tx.Where(services.TypeListener, func(r *cloud.Record) bool { return r.Text("loadBalancerArn") == lb.ID })
		if err != nil {
			return err
		}
		for _, r := range append(listeners, lb) {
			r.Next = []cloud.Change{{At: at, Gone: true}}
			if err := o.Tx.Put(r); err != nil {
				return err
			}
		}
	}
	return nil
}

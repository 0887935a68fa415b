package sandbox

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// nsEnvironmentOptions is the namespace of what an environment is made of; that of its listeners ends in their port,
// or in "default", which is port 80.
const (
	nsEnvironmentOptions = "aws:elasticbeanstalk:environment"
	nsListenerOptions    = "aws:elbv2:listener:"
)

// balancing is the load balancers of the environment with these settings, by ARN (a classic one by its name), and what
// the environment's endpoint is. One that is the environment's own exists afterwards; one that it no longer wants
// does not.
func (o *op) balancing(settings any) (balancers []any, endpoint string, err error) {
	own, err := o.ownBalancers()
	if err != nil {
		return nil, "", err
	}
	shared := setting(settings, "aws:elbv2:loadbalancer", "SharedLoadBalancer")
	kind := setting(settings, nsEnvironmentOptions, "LoadBalancerType")
	single := setting(settings, nsEnvironmentOptions, "EnvironmentType") == "SingleInstance"
	switch {
	case !single && shared == "" && (kind == "application" || kind == "network"):
		lb := (*record)(nil)
		if len(own) > 0 {
			lb = own[0]
		} else if lb, err = o.launchBalancer(kind, settings); err != nil {
			return nil, "", err
		}
		return []any{lb.ID}, lb.str("dnsName"), nil
	case single:
		endpoint = "203.0.113.10"
	case shared != "":
		lb, err := o.tx.find(typeBalancer, shared)
		if err != nil {
			return nil, "", err
		}
		balancers = []any{shared}
		if lb != nil {
			endpoint = lb.str("dnsName")
		}
	default:
		balancers = []any{"awseb-" + o.rec.ID}
		endpoint = "awseb-" + o.rec.ID + "-1234567890." + o.region + ".elb.amazonaws.com"
	}
	if balancers == nil {
		balancers = []any{}
	}
	return balancers, endpoint, o.dropBalancers(own, o.tx.now)
}

// launchBalancer makes an environment's own load balancer with its listeners, as Beanstalk does through CloudFormation.
func (o *op) launchBalancer(kind string, settings any) (*record, error) {
	tags := map[string]any{"elasticbeanstalk:environment-id": o.rec.ID, "elasticbeanstalk:environment-name": o.rec.Name}
	for k, v := range o.rec.tags() {
		tags[k] = v
	}
	lb := &op{cloud: o.cloud, tx: o.tx, region: o.region, in: map[string]any{
		"name": o.expand("awseb--AWSEB-{id12}"), "loadBalancerType": kind, "tags": tags,
		"subnets":        value.ListOf(splitList(cmp.Or(setting(settings, "aws:ec2:vpc", "ELBSubnets"), setting(settings, "aws:ec2:vpc", "Subnets")))...),
		"securityGroups": value.ListOf(splitList(setting(settings, "aws:elbv2:loadbalancer", "SecurityGroups"))...),
		"internal":       setting(settings, "aws:ec2:vpc", "ELBScheme") == "internal",
	}}
	if err := lb.launch(typeBalancer, createBalancer); err != nil {
		return nil, err
	}
	if err := lb.launchListeners(settings); err != nil {
		return nil, errors.Join(err, o.dropBalancers([]*record{lb.rec}, o.tx.now))
	}
	return lb.rec, nil
}

// launchListeners makes the listeners of an environment's own load balancer: the default one, on port 80, unless it is
// switched off, and those that the settings name by their ports.
func (o *op) launchListeners(settings any) error {
	ports := map[string]bool{"default": true}
	for _, s := range value.List(settings) {
		if port, found := strings.CutPrefix(value.ObjectOf(s).Text("namespace"), nsListenerOptions); found {
			ports[port] = true
		}
	}
	for _, port := range slices.Sorted(maps.Keys(ports)) {
		ns := nsListenerOptions + port
		if setting(settings, ns, "ListenerEnabled") == "false" {
			continue
		}
		number, err := strconv.Atoi(strings.Replace(port, "default", "80", 1))
		if err != nil {
			return awsErrorf("ConfigurationValidationException", "Configuration validation exception: Invalid namespace: '%s'", ns)
		}
		l := &op{cloud: o.cloud, tx: o.tx, region: o.region, in: map[string]any{
			"loadBalancerArn": o.rec.ID, "port": float64(number), "protocol": cmp.Or(setting(settings, ns, "Protocol"), "HTTP"),
			"certificateArn": setting(settings, ns, "SSLCertificateArns"),
		}}
		if err := l.launch(typeListener, createListener); err != nil {
			return err
		}
	}
	return nil
}

// launch makes a thing of which no program knows: it is there at once, because what it belongs to is waited for.
func (o *op) launch(typ string, create func(*op) error) error {
	o.rec = &record{
		Type: typ, Region: o.region, Name: o.in.Text("name"), Inputs: o.in, Outputs: withoutInternal(o.in),
		Created: o.tx.now, Updated: o.tx.now,
	}
	if err := create(o); err != nil {
		return err
	}
	for _, c := range o.rec.Next {
		o.rec.Status = c.Status
	}
	o.rec.Next = nil
	o.rec.Name = cmp.Or(o.rec.Name, o.rec.ID)
	return o.tx.put(o.rec)
}

// ownBalancers are the load balancers that Beanstalk made for the environment.
func (o *op) ownBalancers() ([]*record, error) {
	return o.tx.where(typeBalancer, func(r *record) bool { return r.tags()["elasticbeanstalk:environment-id"] == o.rec.ID })
}

// dropBalancers lets balancers vanish at a time, with their listeners, whoever made those.
func (o *op) dropBalancers(balancers []*record, at time.Time) error {
	for _, lb := range balancers {
		listeners, err := o.tx.where(typeListener, func(r *record) bool { return r.str("loadBalancerArn") == lb.ID })
		if err != nil {
			return err
		}
		for _, r := range append(listeners, lb) {
			r.Next = []change{{At: at, Gone: true}}
			if err := o.tx.put(r); err != nil {
				return err
			}
		}
	}
	return nil
}

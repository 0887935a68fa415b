package services

import (
	"maps"
	"slices"
	"strings"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// Resource types of Elastic Load Balancing.
const (
	TypeListener            = "aws:lb/listener:Listener"
	TypeListenerRule        = "aws:lb/listenerRule:ListenerRule"
	typeListenerCertificate = "aws:lb/listenerCertificate:ListenerCertificate"
	TypeBalancer            = "aws:lb/loadBalancer:LoadBalancer"
	TypeTargetGroup         = "aws:lb/targetGroup:TargetGroup"
)

func elbService() cloud.Service {
	name := cloud.Rule{
		Property: "name", Min: 1, Max: 32, Pattern: `^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$`,
		Message: "only letters, digits and hyphens, no hyphen first or last",
	}
	port := cloud.Rule{Property: "port", Min: 1, Max: 65535}
	protocol := cloud.Rule{Property: "protocol", Allowed: []string{"GENEVE", "HTTP", "HTTPS", "TCP", "TCP_UDP", "TLS", "UDP"}}
	return cloud.Service{Kinds: map[string]cloud.Kind{
		TypeBalancer: {
			Title: "ELBv2 Load Balancer", Naming: cloud.Naming{Property: "name", MaxLength: 32}, ID: "{arn}",
			Quota: "load balancers", QuotaError: "TooManyLoadBalancers: The maximum number of load balancers (%d) has been reached",
			Defaults:  map[string]any{"loadBalancerType": "application"},
			NameTaken: "DuplicateLoadBalancerName: A load balancer with the same name '{name}' exists, but with different settings",
			Rules: []cloud.Rule{
				name, {Property: "loadBalancerType", Allowed: []string{"application", "network", "gateway"}},
				{Property: "ipAddressType", Allowed: []string{"ipv4", "dualstack", "dualstack-without-public-ipv4"}}, {Property: "idleTimeout", Min: 1, Max: 4000},
			},
			Combinations: []cloud.Combination{cloud.Exclusive("name", "namePrefix"), cloud.Exclusive("subnets", "subnetMappings"), cloud.OneOf("subnets", "subnets", "subnetMappings")},
			Uses:         func(r *cloud.Record) []string { return r.Outputs.Texts("securityGroups") },
			OnCreate:     CreateBalancer, OnUpdate: updateBalancer, OnRemove: removeBalancer,
		},
		TypeTargetGroup: {
			Title: "ELBv2 Target Group", Naming: cloud.Naming{Property: "name", MaxLength: 32}, ID: "{arn}",
			Quota: "target groups", QuotaError: "TooManyTargetGroups: The maximum number of target groups (%d) has been reached",
			ARN:       "elasticloadbalancing:{region}:{account}:targetgroup/{name}/{hex16}",
			NameTaken: "DuplicateTargetGroupName: A target group with the same name '{name}' exists, but with different settings",
			Rules:     []cloud.Rule{name, {Property: "targetType", Allowed: []string{"instance", "ip", "lambda", "alb"}}, port, protocol},
			OnCreate:  createTargetGroup, OnRemove: removeTargetGroup,
		},
		TypeListener: {
			Title: "ELBv2 Listener", ID: "{arn}", Rules: []cloud.Rule{port, protocol},
			OnCreate: CreateListener, OnUpdate: fillActions,
		},
		TypeListenerRule: {
			Title: "ELBv2 Listener Rule", ID: "{arn}", Rules: []cloud.Rule{{Property: "priority", Min: 1, Max: 50000}},
			OnCreate: createListenerRule, OnUpdate: checkListenerRule,
		},
		typeListenerCertificate: {Title: "ELBv2 Listener Certificate", ID: "{listenerArn}_{certificateArn}", OnCreate: createListenerCertificate},
	}}
}

// BalancerZone is the hosted zone of all load balancers, which alias records need. On AWS each region has its own.
const BalancerZone = "Z35SXDOTRQ7X7K"

// CreateBalancer fills in the record of a new load balancer.
func CreateBalancer(o *cloud.Operation) error {
	family, prefix := "app", "app/"
	if o.Inputs.Text("loadBalancerType") == "network" {
		family, prefix = "net", "net/"
	}
	suffix := prefix + o.Record.Name + o.Expand("/{hex16}")
	o.Record.ID = o.ARN("elasticloadbalancing", "loadbalancer/"+suffix)
	subnets := o.Inputs.Texts("subnets")
	for _, m := range o.Inputs.List("subnetMappings") {
		subnets = append(subnets, value.ObjectOf(m).Text("subnetId"))
	}
	if err := checkBalancerNetwork(o, family, subnets); err != nil {
		return err
	}
	o.SetOutputs(map[string]any{
		"name": o.Record.Name, "arn": o.Record.ID, "arnSuffix": suffix, "zoneId": BalancerZone, "vpcId": DefaultVPC,
		"dnsName": strings.ToLower(o.Record.Name) + "-1234567890." + o.Region + ".elb.amazonaws.com", "subnets": value.ListOf(subnets...),
	})
	o.SetDefaults(map[string]any{
		"loadBalancerType": "application", "internal": false, "ipAddressType": "ipv4", "idleTimeout": 60.0, "enableHttp2": true,
		"securityGroups": value.ListOf(defaultSecurityGroup), "clientKeepAlive": 3600.0, "desyncMitigationMode": "defensive",
		"xffHeaderProcessingMode": "append", "enableDeletionProtection": false, "enableTlsVersionAndCipherSuiteHeaders": false,
		"enableWafFailOpen": false, "enableXffClientPort": false, "preserveHostHeader": false,
	})
	o.Schedule("provisioning", o.Waits.Balancer, "active", "")
	return nil
}

// checkBalancerNetwork refuses subnets and security groups that do not exist. An application load balancer needs subnets in
// two zones.
func checkBalancerNetwork(o *cloud.Operation, family string, subnets []string) error {
	zones := map[string]bool{}
	for _, id := range subnets {
		s, err := FindSubnet(o, id)
		if err != nil {
			return err
		}
		if s == nil {
			return cloud.Errorf("SubnetNotFound", "The subnet ID '%s' does not exist", id)
		}
		zones[s.Text("availabilityZone")] = true
	}
	if family == "app" && len(zones) < 2 {
		return cloud.Errorf("ValidationError", "At least two subnets in two different Availability Zones must be specified")
	}
	for _, id := range o.Inputs.Texts("securityGroups") {
		if err := requireSecurityGroup(o, id, "InvalidSecurityGroup", "One or more security groups are invalid: %s"); err != nil {
			return err
		}
	}
	return nil
}

func updateBalancer(o *cloud.Operation) error {
	return checkBalancerNetwork(o, "", o.Inputs.Texts("subnets"))
}

func removeBalancer(o *cloud.Operation) error {
	if o.Record.Outputs.Bool("enableDeletionProtection") {
		return cloud.Errorf("OperationNotPermitted", "Load balancer '%s' cannot be deleted because deletion protection is enabled", o.Record.ID)
	}
	users, err := o.Users()
	if err != nil {
		return err
	}
	if len(users) > 0 {
		return cloud.Errorf("ResourceInUse", "Load balancer '%s' is currently in use by environment %s", o.Record.ID, users[0].Name)
	}
	listeners, err := o.Tx.Where(TypeListener, func(r *cloud.Record) bool { return r.Text("loadBalancerArn") == o.Record.ID })
	if err != nil {
		return err
	}
	for _, l := range listeners { // AWS deletes a load balancer's listeners with it
		if err := o.Tx.Remove(l); err != nil {
			return err
		}
	}
	return nil
}

func createTargetGroup(o *cloud.Operation) error {
	arn := o.Record.Text("arn")
	o.SetOutputs(map[string]any{"arnSuffix": arn[strings.Index(arn, "targetgroup/"):], "loadBalancerArns": []any{}})
	o.SetDefaults(map[string]any{"protocolVersion": "HTTP1", "ipAddressType": "ipv4", "targetType": "instance"})
	return nil
}

func removeTargetGroup(o *cloud.Operation) error {
	for _, typ := range []string{TypeListener, TypeListenerRule} {
		used, err := o.Tx.Where(typ, func(r *cloud.Record) bool {
			return slices.ContainsFunc(append(r.Outputs.List("actions"), r.Outputs.List("defaultActions")...), func(a any) bool {
				return value.ObjectOf(a).Text("targetGroupArn") == o.Record.ID
			})
		})
		if err != nil {
			return err
		}
		if len(used) > 0 {
			return cloud.Errorf("ResourceInUse", "Target group '%s' is currently in use by a listener or a rule", o.Record.ID)
		}
	}
	return nil
}

// CreateListener fills in the record of a new listener.
func CreateListener(o *cloud.Operation) error {
	lb, err := o.Tx.Find(TypeBalancer, o.Inputs.Text("loadBalancerArn"))
	if err != nil {
		return err
	}
	if lb == nil {
		return cloud.Errorf("LoadBalancerNotFound", "Load balancer '%s' not found", o.Inputs.Text("loadBalancerArn"))
	}
	port := o.Inputs.Int("port")
	others, err := o.Tx.Where(TypeListener, func(r *cloud.Record) bool {
		return r.Text("loadBalancerArn") == lb.ID && r.Outputs.Int("port") == port
	})
	if err != nil {
		return err
	}
	if len(others) > 0 {
		return cloud.Errorf("DuplicateListener", "A listener already exists on this port for this load balancer '%s'", lb.ID)
	}
	if o.Inputs.Text("protocol") == "HTTPS" {
		if o.Inputs.Text("certificateArn") == "" {
			return cloud.Errorf("ValidationError", "A certificate must be specified for HTTPS listeners")
		}
		if err := requireIssued(o, o.Inputs.Text("certificateArn")); err != nil {
			return err
		}
		o.SetDefaults(map[string]any{"sslPolicy": "ELBSecurityPolicy-2016-08"})
	}
	o.Record.ID = o.ARN("elasticloadbalancing", "listener/"+lb.Text("arnSuffix")+o.Expand("/{hex16}"))
	o.SetOutputs(map[string]any{"arn": o.Record.ID})
	o.SetDefaults(map[string]any{"protocol": "HTTP"})
	return fillActions(o)
}

// fillActions adds to a listener's actions what AWS adds.
func fillActions(o *cloud.Operation) error {
	actions := slices.Clone(o.Inputs.List("defaultActions"))
	for i, a := range actions {
		a := maps.Clone(value.ObjectOf(a))
		setDefault(a, "order", float64(i+1))
		if redirect := maps.Clone(a.Object("redirect")); redirect != nil {
			for k, v := range map[string]any{"host": "#{host}", "path": "/#{path}", "port": "#{port}", "protocol": "#{protocol}", "query": "#{query}"} {
				setDefault(redirect, k, v)
			}
			a["redirect"] = redirect
		}
		actions[i] = a
	}
	if actions != nil {
		o.SetOutputs(map[string]any{"defaultActions": actions})
	}
	return nil
}

// setDefault sets a value if there is none.
func setDefault(m map[string]any, key string, value any) {
	if m[key] == nil {
		m[key] = value
	}
}

// requireIssued returns an error if a certificate does not exist or is not issued yet.
func requireIssued(o *cloud.Operation, arn string) error {
	cert, err := o.Tx.Get(TypeCertificate, arn)
	if err != nil {
		return err
	}
	if cert == nil {
		return cloud.Errorf("CertificateNotFound", "Certificate '%s' not found", arn)
	}
	if cert.Status != "ISSUED" {
		return cloud.Errorf("UnsupportedCertificate", "The certificate '%s' must have a fully-qualified domain name, a supported signature, and a supported key size.", arn)
	}
	return nil
}

func createListenerRule(o *cloud.Operation) error {
	l, err := o.Tx.Get(TypeListener, o.Inputs.Text("listenerArn"))
	if err != nil {
		return err
	}
	if l == nil {
		return cloud.Errorf("ListenerNotFound", "Listener '%s' not found", o.Inputs.Text("listenerArn"))
	}
	if err := checkListenerRule(o); err != nil {
		return err
	}
	o.Record.ID = strings.Replace(l.ID, ":listener/", ":listener-rule/", 1) + o.Expand("/{hex16}")
	o.SetOutputs(map[string]any{"arn": o.Record.ID})
	return nil
}

// checkListenerRule refuses a priority that is taken. A rule without one gets the next free priority.
func checkListenerRule(o *cloud.Operation) error {
	rules, err := o.Tx.Where(TypeListenerRule, func(r *cloud.Record) bool {
		return r.Text("listenerArn") == o.Inputs.Text("listenerArn") && (o.Record.ID == "" || r.ID != o.Record.ID)
	})
	if err != nil {
		return err
	}
	if limit := o.Quotas["listener rules"]; limit > 0 && o.Record.ID == "" && len(rules) >= limit {
		return cloud.Errorf("TooManyRules", "The maximum number of rules (%d) on the load balancer has been reached", limit)
	}
	wanted, highest := o.Inputs.Int("priority"), 0
	for _, r := range rules {
		p := r.Outputs.Int("priority")
		highest = max(highest, p)
		if p == wanted {
			return cloud.Errorf("PriorityInUse", "Priority '%d' is currently in use", wanted)
		}
	}
	if wanted == 0 && o.Record.Outputs.Int("priority") == 0 {
		o.SetOutputs(map[string]any{"priority": float64(highest + 1)})
	}
	return nil
}

func createListenerCertificate(o *cloud.Operation) error {
	l, err := o.Tx.Get(TypeListener, o.Inputs.Text("listenerArn"))
	if err != nil {
		return err
	}
	if l == nil {
		return cloud.Errorf("ListenerNotFound", "Listener '%s' not found", o.Inputs.Text("listenerArn"))
	}
	return requireIssued(o, o.Inputs.Text("certificateArn"))
}

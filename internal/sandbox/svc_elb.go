package sandbox

import (
	"maps"
	"slices"
	"strings"

	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// The resource types of Elastic Load Balancing.
const (
	typeListener            = "aws:lb/listener:Listener"
	typeListenerRule        = "aws:lb/listenerRule:ListenerRule"
	typeListenerCertificate = "aws:lb/listenerCertificate:ListenerCertificate"
	typeBalancer            = "aws:lb/loadBalancer:LoadBalancer"
	typeTargetGroup         = "aws:lb/targetGroup:TargetGroup"
)

func elbService() service {
	name := rule{
		property: "name", min: 1, max: 32, pattern: `^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$`,
		want: "only letters, digits and hyphens, no hyphen first or last",
	}
	port := rule{property: "port", min: 1, max: 65535}
	protocol := rule{property: "protocol", allowed: []string{"GENEVE", "HTTP", "HTTPS", "TCP", "TCP_UDP", "TLS", "UDP"}}
	return service{kinds: map[string]kind{
		typeBalancer: {
			title: "ELBv2 Load Balancer", naming: naming{property: "name", max: 32}, id: "{arn}",
			quota: "load balancers", quotaError: "TooManyLoadBalancers: The maximum number of load balancers (%d) has been reached",
			defaults: map[string]any{"loadBalancerType": "application"},
			taken:    "DuplicateLoadBalancerName: A load balancer with the same name '{name}' exists, but with different settings",
			rules: []rule{
				name, {property: "loadBalancerType", allowed: []string{"application", "network", "gateway"}},
				{property: "ipAddressType", allowed: []string{"ipv4", "dualstack", "dualstack-without-public-ipv4"}}, {property: "idleTimeout", min: 1, max: 4000},
			},
			combinations:   []combination{exclusive("name", "namePrefix"), exclusive("subnets", "subnetMappings"), either("subnets", "subnetMappings")},
			securityGroups: func(r *record) []string { return r.Outputs.Texts("securityGroups") },
			onCreate:       createBalancer, onUpdate: updateBalancer, onRemove: removeBalancer,
		},
		typeTargetGroup: {
			title: "ELBv2 Target Group", naming: naming{property: "name", max: 32}, id: "{arn}",
			quota: "target groups", quotaError: "TooManyTargetGroups: The maximum number of target groups (%d) has been reached",
			arn:      "elasticloadbalancing:{region}:{account}:targetgroup/{name}/{hex16}",
			taken:    "DuplicateTargetGroupName: A target group with the same name '{name}' exists, but with different settings",
			rules:    []rule{name, {property: "targetType", allowed: []string{"instance", "ip", "lambda", "alb"}}, port, protocol},
			onCreate: createTargetGroup, onRemove: removeTargetGroup,
		},
		typeListener: {
			title: "ELBv2 Listener", id: "{arn}", rules: []rule{port, protocol},
			onCreate: createListener, onUpdate: completeActions,
		},
		typeListenerRule: {
			title: "ELBv2 Listener Rule", id: "{arn}", rules: []rule{{property: "priority", min: 1, max: 50000}},
			onCreate: createListenerRule, onUpdate: checkListenerRule,
		},
		typeListenerCertificate: {title: "ELBv2 Listener Certificate", id: "{listenerArn}_{certificateArn}", onCreate: createListenerCertificate},
	}}
}

// balancerZone is the hosted zone of application load balancers, for alias records; the real one differs by region.
const balancerZone = "Z35SXDOTRQ7X7K"

func createBalancer(o *op) error {
	family, prefix := "app", "app/"
	if o.in.Text("loadBalancerType") == "network" {
		family, prefix = "net", "net/"
	}
	suffix := prefix + o.rec.Name + o.expand("/{hex16}")
	o.rec.ID = o.arn("elasticloadbalancing", "loadbalancer/"+suffix)
	subnets := o.in.Texts("subnets")
	for _, m := range o.in.List("subnetMappings") {
		subnets = append(subnets, value.ObjectOf(m).Text("subnetId"))
	}
	if err := o.checkBalancerNetwork(family, subnets); err != nil {
		return err
	}
	o.force(map[string]any{
		"name": o.rec.Name, "arn": o.rec.ID, "arnSuffix": suffix, "zoneId": balancerZone, "vpcId": defaultVPC,
		"dnsName": strings.ToLower(o.rec.Name) + "-1234567890." + o.region + ".elb.amazonaws.com", "subnets": value.ListOf(subnets...),
	})
	o.set(map[string]any{
		"loadBalancerType": "application", "internal": false, "ipAddressType": "ipv4", "idleTimeout": 60.0, "enableHttp2": true,
		"securityGroups": value.ListOf(defaultSecurityGroup), "clientKeepAlive": 3600.0, "desyncMitigationMode": "defensive",
		"xffHeaderProcessingMode": "append", "enableDeletionProtection": false, "enableTlsVersionAndCipherSuiteHeaders": false,
		"enableWafFailOpen": false, "enableXffClientPort": false, "preserveHostHeader": false,
	})
	o.later("provisioning", o.waits.Balancer, "active", "")
	return nil
}

func (o *op) checkBalancerNetwork(family string, subnets []string) error {
	zones := map[string]bool{}
	for _, id := range subnets {
		s, err := o.subnet(id)
		if err != nil {
			return err
		}
		if s == nil {
			return awsErrorf("SubnetNotFound", "The subnet ID '%s' does not exist", id)
		}
		zones[s.str("availabilityZone")] = true
	}
	if family == "app" && len(zones) < 2 {
		return awsErrorf("ValidationError", "At least two subnets in two different Availability Zones must be specified")
	}
	for _, id := range o.in.Texts("securityGroups") {
		if err := o.needSecurityGroup(id, "InvalidSecurityGroup", "One or more security groups are invalid: %s"); err != nil {
			return err
		}
	}
	return nil
}

func updateBalancer(o *op) error {
	return o.checkBalancerNetwork("", o.in.Texts("subnets"))
}

func removeBalancer(o *op) error {
	if o.rec.Outputs.Bool("enableDeletionProtection") {
		return awsErrorf("OperationNotPermitted", "Load balancer '%s' cannot be deleted because deletion protection is enabled", o.rec.ID)
	}
	shared, err := o.environments(func(r *record) bool { return slices.Contains(r.Outputs.Texts("loadBalancers"), o.rec.ID) })
	if err != nil {
		return err
	}
	if len(shared) > 0 {
		return awsErrorf("ResourceInUse", "Load balancer '%s' is currently in use by environment %s", o.rec.ID, shared[0].Name)
	}
	listeners, err := o.tx.where(typeListener, func(r *record) bool { return r.str("loadBalancerArn") == o.rec.ID })
	if err != nil {
		return err
	}
	for _, l := range listeners { // AWS deletes a balancer's listeners and their rules with it
		if err := o.tx.remove(l); err != nil {
			return err
		}
	}
	return nil
}

func createTargetGroup(o *op) error {
	arn := o.rec.str("arn")
	o.force(map[string]any{"arnSuffix": arn[strings.Index(arn, "targetgroup/"):], "loadBalancerArns": []any{}})
	o.set(map[string]any{"protocolVersion": "HTTP1", "ipAddressType": "ipv4", "targetType": "instance"})
	return nil
}

func removeTargetGroup(o *op) error {
	for _, typ := range []string{typeListener, typeListenerRule} {
		used, err := o.tx.where(typ, func(r *record) bool {
			return slices.ContainsFunc(append(r.Outputs.List("actions"), r.Outputs.List("defaultActions")...), func(a any) bool {
				return value.ObjectOf(a).Text("targetGroupArn") == o.rec.ID
			})
		})
		if err != nil {
			return err
		}
		if len(used) > 0 {
			return awsErrorf("ResourceInUse", "Target group '%s' is currently in use by a listener or a rule", o.rec.ID)
		}
	}
	return nil
}

func createListener(o *op) error {
	lb, err := o.tx.find(typeBalancer, o.in.Text("loadBalancerArn"))
	if err != nil {
		return err
	}
	if lb == nil {
		return awsErrorf("LoadBalancerNotFound", "Load balancer '%s' not found", o.in.Text("loadBalancerArn"))
	}
	port := o.in.Int("port")
	others, err := o.tx.where(typeListener, func(r *record) bool {
		return r.str("loadBalancerArn") == lb.ID && r.Outputs.Int("port") == port
	})
	if err != nil {
		return err
	}
	if len(others) > 0 {
		return awsErrorf("DuplicateListener", "A listener already exists on this port for this load balancer '%s'", lb.ID)
	}
	if o.in.Text("protocol") == "HTTPS" {
		if o.in.Text("certificateArn") == "" {
			return awsErrorf("ValidationError", "A certificate must be specified for HTTPS listeners")
		}
		if err := o.needIssued(o.in.Text("certificateArn")); err != nil {
			return err
		}
		o.set(map[string]any{"sslPolicy": "ELBSecurityPolicy-2016-08"})
	}
	o.rec.ID = o.arn("elasticloadbalancing", "listener/"+lb.str("arnSuffix")+o.expand("/{hex16}"))
	o.force(map[string]any{"arn": o.rec.ID})
	o.set(map[string]any{"protocol": "HTTP"})
	return completeActions(o)
}

// completeActions puts into a listener's outputs what AWS fills in of its actions.
func completeActions(o *op) error {
	actions := slices.Clone(o.in.List("defaultActions"))
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
		o.force(map[string]any{"defaultActions": actions})
	}
	return nil
}

func setDefault(m map[string]any, key string, value any) {
	if m[key] == nil {
		m[key] = value
	}
}

// needIssued is AWS's refusal of a certificate that is not there or not valid yet.
func (o *op) needIssued(arn string) error {
	cert, err := o.tx.get(typeCertificate, arn)
	if err != nil {
		return err
	}
	if cert == nil {
		return awsErrorf("CertificateNotFound", "Certificate '%s' not found", arn)
	}
	if cert.Status != "ISSUED" {
		return awsErrorf("UnsupportedCertificate", "The certificate '%s' must have a fully-qualified domain name, a supported signature, and a supported key size.", arn)
	}
	return nil
}

func createListenerRule(o *op) error {
	l, err := o.tx.get(typeListener, o.in.Text("listenerArn"))
	if err != nil {
		return err
	}
	if l == nil {
		return awsErrorf("ListenerNotFound", "Listener '%s' not found", o.in.Text("listenerArn"))
	}
	if err := checkListenerRule(o); err != nil {
		return err
	}
	o.rec.ID = strings.Replace(l.ID, ":listener/", ":listener-rule/", 1) + o.expand("/{hex16}")
	o.force(map[string]any{"arn": o.rec.ID})
	return nil
}

// checkListenerRule gives the rule a free priority, or refuses one that is taken.
func checkListenerRule(o *op) error {
	rules, err := o.tx.where(typeListenerRule, func(r *record) bool {
		return r.str("listenerArn") == o.in.Text("listenerArn") && (o.rec.ID == "" || r.ID != o.rec.ID)
	})
	if err != nil {
		return err
	}
	if limit := o.quotas["listener rules"]; limit > 0 && o.rec.ID == "" && len(rules) >= limit {
		return awsErrorf("TooManyRules", "The maximum number of rules (%d) on the load balancer has been reached", limit)
	}
	wanted, highest := o.in.Int("priority"), 0
	for _, r := range rules {
		p := r.Outputs.Int("priority")
		highest = max(highest, p)
		if p == wanted {
			return awsErrorf("PriorityInUse", "Priority '%d' is currently in use", wanted)
		}
	}
	if wanted == 0 && o.rec.Outputs.Int("priority") == 0 {
		o.force(map[string]any{"priority": float64(highest + 1)})
	}
	return nil
}

func createListenerCertificate(o *op) error {
	l, err := o.tx.get(typeListener, o.in.Text("listenerArn"))
	if err != nil {
		return err
	}
	if l == nil {
		return awsErrorf("ListenerNotFound", "Listener '%s' not found", o.in.Text("listenerArn"))
	}
	return o.needIssued(o.in.Text("certificateArn"))
}

package platforms_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/platforms"
	"github.com/branchenv/branchenv/internal/sandbox/sandboxtest"
	"github.com/branchenv/branchenv/internal/sandbox/services"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// onBalancer returns the settings of an environment with its own load balancer.
func onBalancer(more ...any) map[string]any {
	subnets := services.DefaultSubnets("eu-central-1")
	return map[string]any{"settings": append([]any{
		sandboxtest.Option("aws:autoscaling:launchconfiguration", "IamInstanceProfile", "profile"),
		sandboxtest.Option("aws:elasticbeanstalk:environment", "EnvironmentType", "LoadBalanced"),
		sandboxtest.Option("aws:elasticbeanstalk:environment", "LoadBalancerType", "application"),
		sandboxtest.Option("aws:ec2:vpc", "Subnets", subnets[0].ID+","+subnets[1].ID),
	}, more...)}
}

// An environment's own load balancer is created and removed with it. It has the listeners in the settings.
func TestOwnBalancer(t *testing.T) {
	t.Parallel()
	c := sandboxtest.New(t, cloud.Config{})
	c.Platform()
	before := c.Resources()
	redirect := func(lb any) map[string]any {
		return map[string]any{"loadBalancerArn": lb, "port": 80, "protocol": "HTTP", "defaultActions": []any{map[string]any{
			"type": "redirect", "redirect": map[string]any{"port": "443", "protocol": "HTTPS", "statusCode": "HTTP_301"},
		}}}
	}

	id, out := c.Create(platforms.TypeEnvironment, "env", sandboxtest.Environment("shop-main", onBalancer()))
	lb := value.List(out["loadBalancers"])[0]
	_, balancer := c.Read(services.TypeBalancer, value.Text(lb))
	if got, want := out["endpointUrl"], balancer["dnsName"]; got == "" || got != want {
		t.Errorf("the environment's endpoint is %v, its balancer's name %v", got, want)
	}
	if _, _, err := c.TryCreate(services.TypeListener, "redirect", redirect(lb)); err == nil || !strings.Contains(err.Error(), "DuplicateListener") {
		t.Errorf("a second listener on port 80: %v", err)
	}
	if err := c.Remove(platforms.TypeEnvironment, id, out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, c.Resources()); diff != "" {
		t.Errorf("after the environment's end: -before +after\n%s", diff)
	}

	id, out = c.Create(platforms.TypeEnvironment, "env", sandboxtest.Environment("shop-main", onBalancer(sandboxtest.Option("aws:elbv2:listener:default", "ListenerEnabled", "false"))))
	lb = value.List(out["loadBalancers"])[0]
	c.Create(services.TypeListener, "redirect", redirect(lb))
	if err := c.Remove(platforms.TypeEnvironment, id, out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, c.Resources()); diff != "" {
		t.Errorf("after the environment's end: -before +after\n%s", diff)
	}

	// If the certificate does not exist, nothing is created.
	_, _, err := c.TryCreate(platforms.TypeEnvironment, "env", sandboxtest.Environment("shop-main", onBalancer(
		sandboxtest.Option("aws:elbv2:listener:443", "Protocol", "HTTPS"), sandboxtest.Option("aws:elbv2:listener:443", "SSLCertificateArns", "arn:aws:acm:nope"))))
	if err == nil || !strings.Contains(err.Error(), "CertificateNotFound") {
		t.Errorf("a listener without its certificate: %v", err)
	}
	if diff := cmp.Diff(before, c.Resources()); diff != "" {
		t.Errorf("after a refusal: -before +after\n%s", diff)
	}
}

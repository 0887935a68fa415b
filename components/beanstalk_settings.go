package components

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/elasticbeanstalk"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Namespaces of Beanstalk's options. Source: "General options for all environments" in the developer guide of Elastic
// Beanstalk.
const (
	nsScaling   = "aws:autoscaling:asg"
	nsLaunch    = "aws:autoscaling:launchconfiguration"
	nsRolling   = "aws:autoscaling:updatepolicy:rollingupdate"
	nsInstances = "aws:ec2:instances"
	nsVPC       = "aws:ec2:vpc"
	nsApp       = "aws:elasticbeanstalk:application"
	nsVariables = "aws:elasticbeanstalk:application:environment"
	nsSecrets   = "aws:elasticbeanstalk:application:environmentsecrets"
	nsLogs      = "aws:elasticbeanstalk:cloudwatch:logs"
	nsCommand   = "aws:elasticbeanstalk:command"
	nsEnv       = "aws:elasticbeanstalk:environment"
	nsProcess   = "aws:elasticbeanstalk:environment:process:default"
	nsHealth    = "aws:elasticbeanstalk:healthreporting:system"
	nsManaged   = "aws:elasticbeanstalk:managedactions"
	nsPlatform  = "aws:elasticbeanstalk:managedactions:platformupdate"
	nsHTTP      = "aws:elbv2:listener:default"
	nsHTTPS     = "aws:elbv2:listener:443"
	nsRule      = "aws:elbv2:listenerrule:host"
	nsBalancer  = "aws:elbv2:loadbalancer"
)

// tlsPolicy is the load balancers' security policy: TLS 1.2 and 1.3.
const tlsPolicy = "ELBSecurityPolicy-TLS13-1-2-2021-06"

// settings are Beanstalk's option settings by namespace and name, so that none is given twice.
type settings map[[2]string]pulumi.StringInput

func (s settings) set(namespace, name, value string) {
	s[[2]string{namespace, name}] = pulumi.String(value)
}

func (s settings) setInput(namespace, name string, value pulumi.StringInput) {
	s[[2]string{namespace, name}] = value
}

func (s settings) setBool(namespace, name string, value bool) {
	s.set(namespace, name, strconv.FormatBool(value))
}

func (s settings) setInt(namespace, name string, value int) {
	s.set(namespace, name, strconv.Itoa(value))
}

// array returns the sorted settings, so that two runs of the program differ only in what changed.
func (s settings) array() elasticbeanstalk.EnvironmentSettingArray {
	keys := make([][2]string, 0, len(s))
	for k := range s {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b [2]string) int {
		return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
	})
	array := make(elasticbeanstalk.EnvironmentSettingArray, 0, len(keys))
	for _, k := range keys {
		array = append(array, elasticbeanstalk.EnvironmentSettingArgs{
			Namespace: pulumi.String(k[0]), Name: pulumi.String(k[1]), Value: s[k],
		})
	}
	return array
}

// joined returns a list in the form of an option's value.
func joined(list pulumi.StringArrayInput) pulumi.StringInput {
	return list.ToStringArrayOutput().ApplyT(func(items []string) string {
		text := ""
		for i, item := range items {
			if i > 0 {
				text += ","
			}
			text += item
		}
		return text
	}).(pulumi.StringOutput)
}

// settings returns the environment's option settings. balancerGroup is the balancer's security group, or nil without one.
func (a *BeanstalkEnvArgs) settings(balancerGroup pulumi.StringInput) settings {
	s := settings{}
	a.instanceSettings(s)
	a.deploymentSettings(s)
	a.monitoringSettings(s)
	a.balancerSettings(s, balancerGroup)
	for name, value := range a.Variables {
		if value != pulumi.String("") {
			s.setInput(nsVariables, name, value)
		}
	}
	for name, arn := range a.Secrets {
		s.setInput(nsSecrets, name, arn)
	}
	return s
}

// graviton matches the instance types with Arm processors: a1, and those with a g after the generation, such as t4g and c7gn,
// but not g5. Source: "Amazon EC2 instance type naming conventions".
var graviton = regexp.MustCompile(`^(a1|[a-z]+[0-9]+[a-z]*g[a-z]*)\.`)

// architecture returns the processor architecture of an instance type.
func architecture(instanceType string) string {
	if graviton.MatchString(instanceType) {
		return "arm64"
	}
	return "x86_64"
}

// instanceSettings sets the options for the instances and their network.
func (a *BeanstalkEnvArgs) instanceSettings(s settings) {
	s.setInt(nsScaling, "MinSize", a.MinInstances)
	s.setInt(nsScaling, "MaxSize", a.MaxInstances)
	s.set(nsInstances, "InstanceTypes", a.InstanceType)
	s.set(nsInstances, "SupportedArchitectures", architecture(a.InstanceType))
	s.setBool(nsInstances, "EnableSpot", a.Spot)
	if a.Spot {
		// By default 70 percent of the instances behind a balancer are on demand.
		s.setInt(nsInstances, "SpotFleetOnDemandBase", 0)
		s.setInt(nsInstances, "SpotFleetOnDemandAboveBasePercentage", 0)
	}
	s.setInput(nsLaunch, "IamInstanceProfile", a.InstanceProfile)
	s.setInput(nsLaunch, "SecurityGroups", a.SecurityGroup)
	s.setBool(nsLaunch, "DisableDefaultEC2SecurityGroup", true) // it would let in HTTP from everywhere
	s.setBool(nsLaunch, "DisableIMDSv1", true)
	s.setInput(nsVPC, "VPCId", a.VPC)
	s.setInput(nsVPC, "Subnets", joined(a.Subnets))
	s.setBool(nsVPC, "AssociatePublicIpAddress", true)
	s.setInput(nsEnv, "ServiceRole", a.ServiceRole)
}

// deploymentSettings sets the options for deployments: of the app, of settings and of the platform.
func (a *BeanstalkEnvArgs) deploymentSettings(s settings) {
	s.set(nsCommand, "DeploymentPolicy", a.DeploymentPolicy)
	s.setBool(nsRolling, "RollingUpdateEnabled", a.DeploymentPolicy != "AllAtOnce")
	switch {
	case a.rolling():
		s.set(nsCommand, "BatchSizeType", "Percentage")
		s.setInt(nsCommand, "BatchSize", a.BatchSize)
		s.set(nsRolling, "RollingUpdateType", "Health")
	case a.DeploymentPolicy == "Immutable":
		s.set(nsRolling, "RollingUpdateType", "Immutable")
	}
	s.setBool(nsManaged, "ManagedActionsEnabled", a.ManagedUpdates)
	if a.ManagedUpdates {
		s.set(nsManaged, "PreferredStartTime", "Tue:03:00") // UTC
		s.setInput(nsManaged, "ServiceRoleForManagedUpdates", a.ServiceRole)
		s.set(nsPlatform, "UpdateLevel", "minor")
	}
}

// monitoringSettings sets the options for health checks and logs.
func (a *BeanstalkEnvArgs) monitoringSettings(s settings) {
	s.set(nsHealth, "SystemType", "enhanced")
	s.setBool(nsLogs, "StreamLogs", a.LogDays > 0)
	if a.LogDays > 0 {
		s.setInt(nsLogs, "RetentionInDays", a.LogDays)
		s.setBool(nsLogs, "DeleteOnTerminate", !a.KeepLogs)
	}
	if a.Balancer == BalancerNone {
		s.set(nsApp, "Application Healthcheck URL", a.HealthPath)
		return
	}
	s.set(nsProcess, "HealthCheckPath", a.HealthPath)
	s.setInt(nsProcess, "Port", instancePort)
	s.set(nsProcess, "Protocol", "HTTP")
}

// balancerSettings sets the options for the balancer.
func (a *BeanstalkEnvArgs) balancerSettings(s settings, group pulumi.StringInput) {
	if a.Balancer == BalancerNone {
		s.set(nsEnv, "EnvironmentType", "SingleInstance")
		return
	}
	s.set(nsEnv, "EnvironmentType", "LoadBalanced")
	s.set(nsEnv, "LoadBalancerType", "application")
	s.setBool(nsEnv, "LoadBalancerIsShared", a.Balancer == BalancerShared)
	// Without this group Beanstalk would create one and attach it.
	s.setInput(nsBalancer, "SecurityGroups", group)
	if a.Balancer == BalancerShared {
		s.setInput(nsBalancer, "SharedLoadBalancer", a.Shared.ARN)
		// Unless it is named here, Beanstalk puts its default rule, for the environment's own name, on port 80. There it would
		// come before the redirect to HTTPS.
		s.set(nsHTTPS, "Rules", "default,host")
		s.set(nsRule, "HostHeaders", a.Host)
		return
	}
	s.setInput(nsBalancer, "ManagedSecurityGroup", group)
	s.set(nsVPC, "ELBScheme", "public")
	s.setInput(nsVPC, "ELBSubnets", joined(a.Subnets))
	s.setBool(nsHTTP, "ListenerEnabled", false) // port 80 has a redirect, which Beanstalk cannot create
	s.setBool(nsHTTPS, "ListenerEnabled", true)
	s.set(nsHTTPS, "Protocol", "HTTPS")
	s.setInput(nsHTTPS, "SSLCertificateArns", a.Certificate)
	s.set(nsHTTPS, "SSLPolicy", tlsPolicy)
}

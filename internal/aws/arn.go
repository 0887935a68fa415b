package aws

import "strings"

// arnTypes are the resources that Describe can be asked about with nothing but their ARN: by service and by what the ARN's last part
// begins with, up to a slash or a colon. The formats: https://docs.aws.amazon.com/service-authorization/latest/reference/
var arnTypes = map[string]string{
	"s3":                                  "aws:s3/bucketV2:BucketV2",
	"elasticbeanstalk environment":        "aws:elasticbeanstalk/environment:Environment",
	"elasticbeanstalk application":        "aws:elasticbeanstalk/application:Application",
	"elasticbeanstalk applicationversion": "aws:elasticbeanstalk/applicationVersion:ApplicationVersion",
	"rds db":                              "aws:rds/instance:Instance",
	"rds subgrp":                          "aws:rds/subnetGroup:SubnetGroup",
	"rds pg":                              "aws:rds/parameterGroup:ParameterGroup",
	"ec2 security-group":                  "aws:ec2/securityGroup:SecurityGroup",
	"ec2 security-group-rule":             "aws:ec2/securityGroupRule:SecurityGroupRule",
	"secretsmanager secret":               "aws:secretsmanager/secret:Secret",
	"elasticloadbalancing loadbalancer":   "aws:lb/loadBalancer:LoadBalancer",
	"elasticloadbalancing listener":       "aws:lb/listener:Listener",
	"elasticloadbalancing listener-rule":  "aws:lb/listenerRule:ListenerRule",
	"elasticloadbalancing targetgroup":    "aws:lb/targetGroup:TargetGroup",
	"acm certificate":                     "aws:acm/certificate:Certificate",
	"logs log-group":                      "aws:cloudwatch/logGroup:LogGroup",
	"iam role":                            "aws:iam/role:Role",
	"iam instance-profile":                "aws:iam/instanceProfile:InstanceProfile",
}

// FromARN is a resource as far as its ARN tells it; known reports whether Describe can answer for it.
func FromARN(arn string) (r Resource, known bool) {
	parts := strings.SplitN(arn, ":", 6) // arn:PARTITION:SERVICE:REGION:ACCOUNT:REST
	if len(parts) < 6 || parts[0] != "arn" {
		return Resource{}, false
	}
	service, rest := parts[2], parts[5]
	kind, name := "", rest
	if i := strings.IndexAny(rest, "/:"); i >= 0 && service != "s3" {
		kind, name = " "+rest[:i], rest[i+1:]
	}
	r = Resource{Type: arnTypes[service+kind], ID: name, Name: name, Inputs: map[string]any{}}
	switch {
	case r.Type == "" || service == "s3" && strings.Contains(rest, "/"):
		return r, false
	case service == "elasticbeanstalk" && kind != " application": // APPLICATION/NAME
		application, own, _ := strings.Cut(name, "/")
		r.ID, r.Name, r.Inputs = "", own, map[string]any{"application": application, "name": own}
	case service == "elasticloadbalancing", service == "acm", service == "secretsmanager":
		r.ID, r.Inputs = arn, map[string]any{"arn": arn}
	case service == "iam": // a path may stand before the name
		r.ID = name[strings.LastIndexByte(name, '/')+1:]
	case kind == " security-group-rule":
		r.Inputs["securityGroupRuleId"] = name
	case service == "logs":
		r.ID = strings.TrimSuffix(name, ":*")
	}
	return r, true
}

// Is reports whether the state says that r is the resource of that ARN.
func (r Resource) Is(arn string) bool {
	return arn != "" && (r.ID == arn || r.text("arn") == arn)
}

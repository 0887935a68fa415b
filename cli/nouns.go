package cli

import (
	"strings"
	"unicode"
)

// noun is what people call a resource of this Pulumi type: aws:rds/instance:Instance is a database. A type that is not
// listed is named after its token's last part.
func noun(token string) string {
	if known, ok := nouns[token]; ok {
		return known
	}
	last := token[strings.LastIndex(token, ":")+1:]
	var b strings.Builder
	var before rune
	for _, r := range last {
		if unicode.IsUpper(r) && unicode.IsLower(before) {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
		before = r
	}
	if b.Len() == 0 {
		return "resource"
	}
	return b.String()
}

// takesLong tells whether resources of this type are known to take minutes, so that it is worth a line that one begins.
func takesLong(token string) bool {
	switch token {
	case "aws:rds/instance:Instance", "aws:elasticbeanstalk/environment:Environment", "aws:lb/loadBalancer:LoadBalancer",
		"aws:acm/certificateValidation:CertificateValidation":
		return true
	}
	return false
}

// isOurs tells whether a type is a grouping of the program's own, or a provider: nothing that exists at AWS.
func isOurs(token string) bool {
	return token == "" || strings.HasPrefix(token, "pulumi:") || strings.HasPrefix(token, "branchenv:")
}

var nouns = map[string]string{
	"aws:acm/certificate:Certificate":                                                            "certificate",
	"aws:acm/certificateValidation:CertificateValidation":                                        "certificate validation",
	"aws:ec2/securityGroup:SecurityGroup":                                                        "security group",
	"aws:ec2/securityGroupRule:SecurityGroupRule":                                                "security group rule",
	"aws:elasticbeanstalk/application:Application":                                               "Beanstalk application",
	"aws:elasticbeanstalk/environment:Environment":                                               "Beanstalk environment",
	"aws:iam/instanceProfile:InstanceProfile":                                                    "instance profile",
	"aws:iam/rolePolicyAttachment:RolePolicyAttachment":                                          "role policy",
	"aws:lb/loadBalancer:LoadBalancer":                                                           "load balancer",
	"aws:rds/instance:Instance":                                                                  "database",
	"aws:rds/subnetGroup:SubnetGroup":                                                            "database subnet group",
	"aws:rds/parameterGroup:ParameterGroup":                                                      "database parameter group",
	"aws:route53/record:Record":                                                                  "DNS record",
	"aws:secretsmanager/secret:Secret":                                                           "secret",
	"aws:s3/bucket:Bucket":                                                                       "bucket",
	"aws:s3/bucketV2:BucketV2":                                                                   "bucket",
	"aws:s3/bucketObject:BucketObject":                                                           "object",
	"aws:s3/bucketObjectv2:BucketObjectv2":                                                       "object",
	"aws:elasticbeanstalk/applicationVersion:ApplicationVersion":                                 "application version",
	"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": "bucket encryption",
	"aws:s3/bucketVersioningV2:BucketVersioningV2":                                               "bucket versioning",
	"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2":                       "bucket lifecycle",
	"aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2":                                 "bucket CORS rules",
}

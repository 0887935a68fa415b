package services

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// All are the services of the embedded AWS. A new one is registered here.
func All() []cloud.Service {
	return []cloud.Service{
		accountService(), acmService(), beanstalkService(), ec2Service(), ecsService(), elbService(), iamService(), othersService(),
		rdsService(), route53Service(), s3Service(), secretsManagerService(),
	}
}

// accountService is what an account and a region are.
func accountService() cloud.Service {
	return cloud.Service{Functions: map[string]cloud.Function{
		"aws:index/getCallerIdentity:getCallerIdentity": func(*cloud.Lookup) (value.Object, error) {
			return value.Object{"id": cloud.Account, "accountId": cloud.Account, "arn": "arn:aws:iam::" + cloud.Account + ":user/sandbox", "userId": "AIDASANDBOX"}, nil
		},
		"aws:index/getRegion:getRegion": func(l *cloud.Lookup) (value.Object, error) {
			return value.Object{"id": l.Region, "name": l.Region, "description": l.Region, "endpoint": "ec2." + l.Region + ".amazonaws.com"}, nil
		},
	}}
}

// digest is a hexadecimal digest of 32 digits: an id that a name always has.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

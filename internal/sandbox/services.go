package sandbox

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// allServices are the services of the embedded AWS. A new one is registered here.
func allServices() []service {
	return []service{
		accountService(), acmService(), beanstalkService(), ec2Service(), ecsService(), elbService(), iamService(), othersService(),
		rdsService(), route53Service(), s3Service(), secretsManagerService(),
	}
}

// accountService is what an account and a region are.
func accountService() service {
	return service{functions: map[string]function{
		"aws:index/getCallerIdentity:getCallerIdentity": func(*lookup) (value.Object, error) {
			return value.Object{"id": account, "accountId": account, "arn": "arn:aws:iam::" + account + ":user/sandbox", "userId": "AIDASANDBOX"}, nil
		},
		"aws:index/getRegion:getRegion": func(l *lookup) (value.Object, error) {
			return value.Object{"id": l.region, "name": l.region, "description": l.region, "endpoint": "ec2." + l.region + ".amazonaws.com"}, nil
		},
	}}
}

// digest is a hexadecimal digest of 32 digits: an id that a name always has.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

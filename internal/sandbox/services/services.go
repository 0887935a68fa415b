// Package services holds the AWS services that are embedded: their resource types, rules and look-ups. Each service is in a
// file of its own. Services that run apps are in package platforms.
//
// A new service is one file and one entry in All. The file names the resource types, says in a cloud.Kind what AWS does with
// each, and has the functions for it. Its HTTP API, if branchenv calls it, is one file and one entry in package api.
//
// A type that no service has is served by its schema alone.
package services

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// All returns the services that exist. A new service is registered here.
func All() []cloud.Service {
	return []cloud.Service{
		accountService(), acmService(), ec2Service(), elbService(), iamService(), othersService(),
		rdsService(), route53Service(), s3Service(), secretsManagerService(),
	}
}

// accountService answers the look-ups about the account and the region.
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

// Digest returns 32 hexadecimal digits that depend on s alone.
func Digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

// resultOf returns a record as the result of a look-up.
func resultOf(r *cloud.Record) value.Object {
	out := value.Object{"id": r.ID}
	for k, v := range r.Outputs {
		out[k] = v
	}
	return out
}

// onlyOne returns the one record as the result of a look-up, or the real provider's error if there is none or more than one.
func onlyOne(records []*cloud.Record, what string) (value.Object, error) {
	switch len(records) {
	case 0:
		return nil, fmt.Errorf("no matching %s found", what)
	case 1:
		return resultOf(records[0]), nil
	}
	return nil, fmt.Errorf("multiple %ss matched; use additional constraints to reduce matches to a single %s", what, what)
}

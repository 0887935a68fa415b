package sandbox

import (
	"fmt"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// A combination is a demand on several properties together.
type combination struct {
	property string
	check    func(resource.PropertyMap) string
}

// exclusive refuses two properties side by side.
func exclusive(a, b string) combination {
	return combination{a, func(m resource.PropertyMap) string {
		_, hasA := m[resource.PropertyKey(a)]
		_, hasB := m[resource.PropertyKey(b)]
		if hasA && hasB {
			return fmt.Sprintf("%q: conflicts with %s", a, b)
		}
		return ""
	}}
}

// either demands one of two properties.
func either(a, b string) combination {
	return combination{a, func(m resource.PropertyMap) string {
		_, hasA := m[resource.PropertyKey(a)]
		_, hasB := m[resource.PropertyKey(b)]
		if !hasA && !hasB {
			return fmt.Sprintf("one of %s, %s must be specified", a, b)
		}
		return ""
	}}
}

var combinations = sync.OnceValue(func() map[string][]combination {
	return map[string][]combination{
		typeBucket:   {exclusive("bucket", "bucketPrefix")},
		typeDatabase: {exclusive("identifier", "identifierPrefix"), exclusive("password", "manageMasterUserPassword")},
		typeEnvironment: {
			exclusive("solutionStackName", "platformArn"), exclusive("solutionStackName", "templateName"),
		},
		typeRecord: {
			exclusive("records", "aliases"), exclusive("ttl", "aliases"), either("records", "aliases"),
			{"ttl", func(m resource.PropertyMap) string {
				_, records := m["records"]
				if _, ttl := m["ttl"]; records && !ttl {
					return `"ttl": all of records, ttl must be specified`
				}
				return ""
			}},
		},
		typeSecurityGroupRule: {
			exclusive("self", "sourceSecurityGroupId"), exclusive("cidrBlocks", "sourceSecurityGroupId"),
			{"type", func(m resource.PropertyMap) string {
				for _, key := range []resource.PropertyKey{"cidrBlocks", "ipv6CidrBlocks", "prefixListIds", "self", "sourceSecurityGroupId"} {
					if _, ok := m[key]; ok {
						return ""
					}
				}
				return "one of cidrBlocks, ipv6CidrBlocks, prefixListIds, self, sourceSecurityGroupId must be specified"
			}},
		},
		typeBalancer:      {exclusive("name", "namePrefix"), exclusive("subnets", "subnetMappings"), either("subnets", "subnetMappings")},
		typeCertificate:   {either("domainName", "privateKey")},
		typeSecret:        {exclusive("name", "namePrefix")},
		typeObject:        {exclusive("source", "content")},
		typeSecretVersion: {exclusive("secretString", "secretBinary")},
	}
})

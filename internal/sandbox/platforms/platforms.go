// Package platforms holds the AWS services that run apps: Elastic Beanstalk, and ECS as far as its resource types go. They
// are services like those in package services, which they build on. In addition they list their apps, so that package gateway
// can answer on the apps' host names.
//
// A new platform is one file and one entry in All.
package platforms

import (
	"github.com/branchenv/branchenv/internal/sandbox/cloud"
)

// All returns the platforms that exist. A new platform is registered here.
func All() []cloud.Service { return []cloud.Service{beanstalkService(), ecsService()} }

package sandbox

import (
	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/gateway"
)

// The types of the sandbox's packages that its users need, so that they import this package alone.
type (
	// Waits are how long the operations take that take long on AWS.
	Waits = cloud.Waits
	// Fault makes the embedded AWS misbehave.
	Fault = cloud.Fault
	// FaultKind says what a Fault does.
	FaultKind = cloud.FaultKind
	// Resource is one thing that exists in the sandbox.
	Resource = cloud.Resource
	// Site is an environment as a visitor of its host name finds it.
	Site = gateway.Site
)

// The kinds of faults. Package cloud says what each does.
const (
	Fail     = cloud.Fail
	Throttle = cloud.Throttle
	Expired  = cloud.Expired
	Hang     = cloud.Hang
	Red      = cloud.Red
	Kill     = cloud.Kill
	Stall    = cloud.Stall
)

// DefaultWaits are long enough to be seen: 2 s for an environment, 3 s for a database, 1 s for the others.
func DefaultWaits() Waits { return cloud.DefaultWaits() }

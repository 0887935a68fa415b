package sandbox

import (
	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/gateway"
)

// Types that users of the sandbox need. They come from its packages.
type (
	// Waits says how long operations take.
	Waits = cloud.Waits
	// Fault makes the embedded AWS misbehave.
	Fault = cloud.Fault
	// FaultKind says what a Fault does.
	FaultKind = cloud.FaultKind
	// Resource is a resource that exists in the sandbox.
	Resource = cloud.Resource
	// Site is an app that answers on a host name.
	Site = gateway.Site
)

// The kinds of faults, as package cloud describes them.
const (
	Fail     = cloud.Fail
	Throttle = cloud.Throttle
	Expired  = cloud.Expired
	Hang     = cloud.Hang
	Red      = cloud.Red
	Kill     = cloud.Kill
	Stall    = cloud.Stall
)

// DefaultWaits returns waits that a person notices: 2 s for an environment, 3 s for a database, 1 s for the others.
func DefaultWaits() Waits { return cloud.DefaultWaits() }

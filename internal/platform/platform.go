// Package platform is the seam between an environment and the service that runs its app. Elastic Beanstalk is the first.
//
// A platform follows updates, reports whether the app is healthy, waits until an interrupted environment can be changed
// again, and provides the versions that it runs. Package stacks names no platform; package program creates its resources.
package platform

import (
	"context"

	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/engine"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/stacks/program"
)

// Resource is a resource of a stack's state, or one that was being created.
type Resource struct {
	Type   string // Pulumi type token
	Inputs map[string]any
}

// Platform is the service that runs the apps of a project.
type Platform interface {
	// Name is the platform's name in the settings.
	Name() string
	// Watch follows an update of a stack from now on. tell receives the events of the platform. Watch.End must be called.
	Watch(ctx context.Context, tell func(operation.Event)) Watch
	// Healthy returns the problem of an environment whose app is not healthy. unknown is why AWS cannot tell; it says nothing
	// about the app.
	Healthy(ctx context.Context, environment string) (problem, unknown error)
	// Environment returns the name of a stack's environment.
	Environment(stack string) string
	// Runs reports whether a resource runs the app, and in which group of environments (see program.Shared).
	Runs(r Resource) bool
	// WaitUntilReady waits until r can be changed, if r runs the app: a platform refuses changes while it is at work. report
	// is told the state that is waited for to end, and the environment's name.
	WaitUntilReady(ctx context.Context, r Resource, report func(environment, state string)) error
	// Discard removes what the interrupted creation of an application version may have left, if r is one. It reports whether
	// r is one.
	Discard(ctx context.Context, stack string, r Resource) (bool, error)
	// Resolve finds out which version a stack will run, without changing anything. The bundle, if there is one, must be
	// provided before the update.
	Resolve(ctx context.Context, stack string, s Source, group Group) (program.Version, Bundle, error)
	// Provide puts a bundle where the program looks for it.
	Provide(ctx context.Context, b Bundle) error
}

// Watch follows one update. It is used by one goroutine.
type Watch interface {
	// Event sees each event of the engine.
	Event(e engine.Event)
	// Changed returns the name of the environment that the update changed, or "" if it changed none.
	Changed() string
	// End stops following. It returns err with what the platform reported about it.
	End(err error) error
}

// Source says where an environment's version comes from. At most one of Version, Bundle, Label and Key is set. The zero
// Source stands for no version.
//
// Every environment owns its versions: a bundle lies below its own prefix in the versions bucket, and the application
// version that points to it is a resource of its own stack. So one environment can be deleted while a copy of it, or one
// that was given its version, stays.
type Source struct {
	Version program.Version // complete
	Bundle  string          // a file to upload
	Label   string          // an application version of Group to take over
	Key     string          // a bundle in the versions bucket to take over
	Kept    bool            // Version is what the environment runs already
}

// Group is a set of environments that share their versions: an application of Elastic Beanstalk.
type Group struct {
	Application string
	Bucket      string // the versions bucket
}

// Bundle is a source bundle that has to be put in place. The zero Bundle stands for none.
type Bundle struct {
	File string     // uploaded, or
	From aws.Object // copied
	To   aws.Object
}

// IsZero reports whether there is nothing to put in place.
func (b Bundle) IsZero() bool { return b == Bundle{} }

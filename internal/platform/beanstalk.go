package platform

import (
	"context"

	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/stacks/names"
)

// Beanstalk is AWS Elastic Beanstalk.
type Beanstalk struct {
	AWS     *aws.Client
	Project string
}

// Name returns "beanstalk".
func (Beanstalk) Name() string { return "beanstalk" }

// Environment returns the name of a stack's Beanstalk environment.
func (b Beanstalk) Environment(stack string) string { return names.EnvironmentName(b.Project, stack) }

// Runs reports whether r is a Beanstalk environment.
func (Beanstalk) Runs(r Resource) bool { return r.Type == aws.TypeEnvironment }

// Healthy returns the problem of an environment that is red: Beanstalk's "Ready" says only that it has stopped working on
// the environment. Throttled and broken calls have been tried again by then (package aws).
func (b Beanstalk) Healthy(ctx context.Context, environment string) (problem, unknown error) {
	h, err := b.AWS.EnvironmentHealth(ctx, environment)
	if err != nil {
		return nil, err
	}
	if h.Colour != "Red" {
		return nil, nil
	}
	why := "no cause given"
	if len(h.Causes) > 0 {
		why = h.Causes[0]
	}
	return fault.Failedf("environment %s is up but its health is red: %s", environment, why).
		WithHint("look at the app's logs; then %s again with a version that works", fault.Command{"up"}), nil
}

// WaitUntilReady waits until a Beanstalk environment is neither launching, updating nor terminating.
func (b Beanstalk) WaitUntilReady(ctx context.Context, r Resource, report func(environment, state string)) error {
	name, _ := r.Inputs["name"].(string)
	if !b.Runs(r) || name == "" {
		return nil
	}
	return b.AWS.AwaitIdle(ctx, name, aws.Wait{Report: func(state string) { report(name, state) }})
}

// Discard removes an application version whose creation was interrupted: the next run creates it again.
func (b Beanstalk) Discard(ctx context.Context, stack string, r Resource) (bool, error) {
	if r.Type != aws.TypeVersion {
		return false, nil
	}
	application, _ := r.Inputs["application"].(string)
	label, _ := r.Inputs["name"].(string)
	if application == "" || label == "" {
		return true, nil
	}
	return true, b.AWS.DiscardVersion(ctx, application, label, names.BundlePrefix(stack))
}

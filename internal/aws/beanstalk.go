package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	beans "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/cenkalti/backoff/v5"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
)

// EnvEvent is one of Beanstalk's events of an environment.
type EnvEvent struct {
	Time     time.Time
	Severity string // TRACE, DEBUG, INFO, WARN, ERROR or FATAL
	Message  string // one clean line
}

// EnvironmentEvents returns an environment's events after since, the oldest first. An earlier environment may have had the
// same name, so since should not be before the start of the command.
func (c *Client) EnvironmentEvents(ctx context.Context, environment string, since time.Time) ([]EnvEvent, error) {
	var events []EnvEvent
	pages := elasticbeanstalk.NewDescribeEventsPaginator(c.beans(), &elasticbeanstalk.DescribeEventsInput{
		EnvironmentName: &environment,
		StartTime:       &since,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failed(err, "read the events of environment %q", environment)
		}
		for _, e := range page.Events {
			// StartTime is inclusive and coarser than the events' times.
			if at := awssdk.ToTime(e.EventDate); at.After(since) {
				events = append(events, EnvEvent{at, text.Line(string(e.Severity)), text.Line(awssdk.ToString(e.Message))})
			}
		}
	}
	slices.Reverse(events) // AWS lists the newest first
	slices.SortStableFunc(events, func(a, b EnvEvent) int { return a.Time.Compare(b.Time) })
	return events, nil
}

// Health is the state and health of an environment.
type Health struct {
	Status string   // Launching, Updating, Ready, Aborting, Terminating, Terminated; "" if there is no such environment
	Colour string   // Green, Yellow, Red or Grey
	Causes []string // why it is not Green, each one clean line; only with enhanced health
}

// EnvironmentHealth returns an environment's state and health.
func (c *Client) EnvironmentHealth(ctx context.Context, environment string) (Health, error) {
	row, err := c.environmentRow(ctx, environment)
	if err != nil || row == nil {
		return Health{}, err
	}
	health := Health{Status: text.Line(string(row.Status)), Colour: text.Line(string(row.Health))}
	out, err := c.beans().DescribeEnvironmentHealth(ctx, &elasticbeanstalk.DescribeEnvironmentHealthInput{
		EnvironmentName: &environment,
		AttributeNames:  []beans.EnvironmentHealthAttribute{beans.EnvironmentHealthAttributeColor, beans.EnvironmentHealthAttributeCauses},
	})
	switch code(err) {
	case "InvalidRequestException", "ElasticBeanstalkServiceException", "InvalidParameterValue": // no enhanced health, or no longer
		return health, nil
	}
	if err != nil {
		return health, failed(err, "read the health of environment %q", environment)
	}
	if colour := awssdk.ToString(out.Color); colour != "" {
		health.Colour = text.Line(colour)
	}
	for _, cause := range out.Causes {
		health.Causes = append(health.Causes, text.Line(cause))
	}
	return health, nil
}

// environmentRow returns the environment of that name that is not terminated, or nil.
func (c *Client) environmentRow(ctx context.Context, name string) (*beans.EnvironmentDescription, error) {
	out, err := c.beans().DescribeEnvironments(ctx, &elasticbeanstalk.DescribeEnvironmentsInput{
		EnvironmentNames: []string{name},
		IncludeDeleted:   awssdk.Bool(false),
	})
	if err != nil {
		return nil, failed(err, "look up environment %q", name)
	}
	for _, e := range out.Environments {
		if awssdk.ToString(e.EnvironmentName) == name && e.Status != beans.EnvironmentStatusTerminated {
			return &e, nil
		}
	}
	return nil, nil
}

// VersionInfo is an application version and the place of its source bundle.
type VersionInfo struct {
	Application string
	Label       string
	Description string // one clean line
	Bucket      string // bucket of the source bundle; "" for the sample application
	Key         string
	Status      string // Processed, Unprocessed, Failed, Processing or Building
	CreatedAt   time.Time
}

// RecentVersions returns the labels of an application's newest versions, the newest first, at most limit (1 to 1000).
func (c *Client) RecentVersions(ctx context.Context, application string, limit int32) ([]string, error) {
	out, err := c.beans().DescribeApplicationVersions(ctx, &elasticbeanstalk.DescribeApplicationVersionsInput{ApplicationName: &application, MaxRecords: &limit})
	if err != nil {
		return nil, failed(err, "list the versions of application %q", application)
	}
	var labels []string
	for _, v := range out.ApplicationVersions {
		labels = append(labels, text.Line(awssdk.ToString(v.VersionLabel)))
	}
	return labels, nil
}

// ApplicationVersion returns one version of a Beanstalk application. It reports false if there is none.
func (c *Client) ApplicationVersion(ctx context.Context, application, label string) (VersionInfo, bool, error) {
	out, err := c.beans().DescribeApplicationVersions(ctx, &elasticbeanstalk.DescribeApplicationVersionsInput{
		ApplicationName: &application,
		VersionLabels:   []string{label},
	})
	// Beanstalk has no error code of its own for an application that does not exist.
	if code(err) == "InvalidParameterValue" && strings.Contains(err.Error(), "No Application named") {
		return VersionInfo{}, false, nil
	}
	if err != nil {
		return VersionInfo{}, false, failed(err, "look up version %q of application %q", label, application)
	}
	for _, v := range out.ApplicationVersions {
		if awssdk.ToString(v.VersionLabel) != label || awssdk.ToString(v.ApplicationName) != application {
			continue
		}
		info := VersionInfo{
			Application: application,
			Label:       label,
			Description: text.Line(awssdk.ToString(v.Description)),
			Status:      text.Line(string(v.Status)),
			CreatedAt:   awssdk.ToTime(v.DateCreated),
		}
		if v.SourceBundle != nil {
			info.Bucket, info.Key = awssdk.ToString(v.SourceBundle.S3Bucket), awssdk.ToString(v.SourceBundle.S3Key)
		}
		return info, true, nil
	}
	return VersionInfo{}, false, nil
}

// errTooSlow is the cause of a wait that ran out of time.
var errTooSlow = errors.New("too slow")

// Wait says how AwaitIdle waits.
type Wait struct {
	Timeout time.Duration       // default 30m
	Poll    time.Duration       // the first pause between two requests; later ones grow to four times as much; default 5s
	Report  func(status string) // receives each new status; may be nil
}

// AwaitIdle waits until Beanstalk does nothing with an environment, so that it can be updated or terminated, or until the
// environment is gone. It aborts an update in progress, and waits for a launch, an abort or a termination. It terminates
// nothing. A missing environment is no error.
func (c *Client) AwaitIdle(ctx context.Context, environment string, w Wait) error {
	w.Timeout = cmp.Or(w.Timeout, 30*time.Minute)
	w.Poll = cmp.Or(w.Poll, 5*time.Second)
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = w.Poll, 4*w.Poll
	ctx, cancel := context.WithTimeoutCause(ctx, w.Timeout, errTooSlow)
	defer cancel()
	var last beans.EnvironmentStatus
	aborted := false
	for {
		row, err := c.environmentRow(ctx, environment)
		switch {
		case ctx.Err() != nil:
			return waitError(ctx, environment, last, w.Timeout)
		case err != nil:
			return err
		case row == nil || row.Status == beans.EnvironmentStatusReady:
			return nil
		}
		if row.Status != last && w.Report != nil {
			w.Report(text.Line(string(row.Status)))
		}
		last = row.Status
		if !aborted && awssdk.ToBool(row.AbortableOperationInProgress) {
			// AWS refuses this if the update has just ended; the next request shows it.
			_, err := c.beans().AbortEnvironmentUpdate(ctx, &elasticbeanstalk.AbortEnvironmentUpdateInput{EnvironmentName: &environment})
			if c := code(err); err != nil && c != "InvalidParameterValue" && ctx.Err() == nil {
				return failed(err, "abort the update of environment %q", environment)
			}
			aborted = true
		}
		select {
		case <-time.After(pauses.NextBackOff()):
		case <-ctx.Done():
			return waitError(ctx, environment, last, w.Timeout)
		}
	}
}

func waitError(ctx context.Context, environment string, last beans.EnvironmentStatus, limit time.Duration) error {
	if context.Cause(ctx) != errTooSlow {
		return fmt.Errorf("wait for environment %q: %w", environment, ctx.Err())
	}
	return fault.Failedf("environment %q is still %s after %s", environment, strings.ToLower(text.Line(string(last))), limit).
		WithHint("look at its events in the Beanstalk console, and run the same command again")
}

package aws

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	beans "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
)

// EnvEvent is one event that Beanstalk reported about an environment.
type EnvEvent struct {
	Time     time.Time
	Severity string // TRACE, DEBUG, INFO, WARN, ERROR or FATAL
	Message  string // one clean line
}

// EnvironmentEvents are an environment's events after since, oldest first. An environment's name can have been another
// one's before: since should not be earlier than the command's beginning.
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
			// StartTime is inclusive and of a coarser grain than the events.
			if at := awssdk.ToTime(e.EventDate); at.After(since) {
				events = append(events, EnvEvent{at, text.Line(string(e.Severity)), text.Line(awssdk.ToString(e.Message))})
			}
		}
	}
	slices.Reverse(events) // AWS lists the newest first
	slices.SortStableFunc(events, func(a, b EnvEvent) int { return a.Time.Compare(b.Time) })
	return events, nil
}

// Health is how an environment is.
type Health struct {
	Status string   // Launching, Updating, Ready, Aborting, Terminating, Terminated; "" where there is no such environment
	Colour string   // Green, Yellow, Red or Grey
	Causes []string // why it is not Green, each one clean line; only enhanced health tells
}

// EnvironmentHealth is an environment's state and health.
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
	case "InvalidRequestException", "ElasticBeanstalkServiceException", "InvalidParameterValue": // basic health only, or not any more
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

// environmentRow is the environment of that name that is not terminated, or nil.
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

// VersionInfo is an application version: where its source bundle lies.
type VersionInfo struct {
	Application string
	Label       string
	Description string // one clean line
	Bucket      string // of the source bundle; "" for the sample application
	Key         string
	Status      string // Processed, Unprocessed, Failed, Processing or Building
	CreatedAt   time.Time
}

// RecentVersions are the labels of an application's newest versions, no more than limit (1 to 1000), the newest first.
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

// ApplicationVersion looks up one version of a Beanstalk application.
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

// Settling says how long SettleEnvironment waits.
type Settling struct {
	Timeout time.Duration       // default 30m
	Poll    time.Duration       // first pause between two looks, which grows to four times as much; default 5s
	Report  func(status string) // told each new status; may be nil
}

// SettleEnvironment brings an environment into a state in which Beanstalk agrees to terminate it, or waits until it is
// gone: one that is being updated is aborted, one that is being launched or aborted is waited for, and one that is
// being terminated is waited for to the end. It terminates nothing itself. An environment that does not exist is fine.
func (c *Client) SettleEnvironment(ctx context.Context, name string, s Settling) error {
	if s.Timeout <= 0 {
		s.Timeout = 30 * time.Minute
	}
	if s.Poll <= 0 {
		s.Poll = 5 * time.Second
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.Timeout, errTooSlow)
	defer cancel()
	var last beans.EnvironmentStatus
	aborted := false
	for pause := s.Poll; ; pause = min(pause*3/2, 4*s.Poll) {
		row, err := c.environmentRow(ctx, name)
		switch {
		case ctx.Err() != nil:
			return settleError(ctx, name, last, s.Timeout)
		case err != nil:
			return err
		case row == nil || row.Status == beans.EnvironmentStatusReady:
			return nil
		}
		if row.Status != last && s.Report != nil {
			s.Report(text.Line(string(row.Status)))
		}
		last = row.Status
		if !aborted && awssdk.ToBool(row.AbortableOperationInProgress) {
			// Refused when the update has just ended by itself; the next look tells.
			_, err := c.beans().AbortEnvironmentUpdate(ctx, &elasticbeanstalk.AbortEnvironmentUpdateInput{EnvironmentName: &name})
			if c := code(err); err != nil && c != "InvalidParameterValue" && ctx.Err() == nil {
				return failed(err, "abort the update of environment %q", name)
			}
			aborted = true
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)): // #nosec G404 -- jitter
		case <-ctx.Done():
			return settleError(ctx, name, last, s.Timeout)
		}
	}
}

func settleError(ctx context.Context, name string, last beans.EnvironmentStatus, limit time.Duration) error {
	if context.Cause(ctx) != errTooSlow {
		return fmt.Errorf("wait for environment %q: %w", name, ctx.Err())
	}
	return fault.Failedf("environment %q is still %s after %s", name, strings.ToLower(text.Line(string(last))), limit).
		WithHint("look at its events in the Beanstalk console, and run the same command again")
}

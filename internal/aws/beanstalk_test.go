package aws

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/fault"
)

func row(status string, abortable bool) reply {
	return result("DescribeEnvironments", fmt.Sprintf("<Environments><member><EnvironmentName>n</EnvironmentName><Status>%s</Status>"+
		"<Health>Grey</Health><AbortableOperationInProgress>%t</AbortableOperationInProgress></member></Environments>", status, abortable))
}

func TestEnvironmentEvents(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	event := "<member><EventDate>%s</EventDate><Severity>%s</Severity><Message>%s</Message></member>"
	c := fakeAWS(t, func(op string, p url.Values) (reply, bool) {
		if p.Get("EnvironmentName") != "n" || p.Get("StartTime") != "2026-01-02T03:04:05Z" {
			t.Errorf("asked with %v", p)
		}
		if p.Get("NextToken") == "" {
			return result(op, "<Events>"+fmt.Sprintf(event, "2026-01-02T03:04:09Z", "ERROR", "broken&#xA;badly")+"</Events><NextToken>2</NextToken>"), op == "DescribeEvents"
		}
		return result(op, "<Events>"+fmt.Sprintf(event, "2026-01-02T03:04:06.5Z", "INFO", "createEnvironment is starting.")+
			fmt.Sprintf(event, "2026-01-02T03:04:05Z", "INFO", "seen before")+"</Events>"), op == "DescribeEvents"
	})
	got, err := c.EnvironmentEvents(t.Context(), "n", since)
	if err != nil {
		t.Fatal(err)
	}
	want := []EnvEvent{
		{since.Add(1500 * time.Millisecond), "INFO", "createEnvironment is starting."},
		{since.Add(4 * time.Second), "ERROR", "broken badly"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEnvironmentHealth(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		row, health reply
		want        Health
	}{
		"enhanced": {row("Ready", false), result("DescribeEnvironmentHealth", "<Color>Red</Color><Causes><member>100 % of requests fail.</member></Causes>"),
			Health{"Ready", "Red", []string{"100 % of requests fail."}}},
		"basic": {row("Updating", true), xmlError(400, "InvalidRequestException"), Health{"Updating", "Grey", nil}},
		"gone":  {row("Terminated", false), reply{}, Health{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := fakeAWS(t, func(op string, _ url.Values) (reply, bool) {
				if op == "DescribeEnvironments" {
					return tt.row, true
				}
				return tt.health, op == "DescribeEnvironmentHealth" && tt.health.status != 0
			})
			got, err := c.EnvironmentHealth(t.Context(), "n")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestApplicationVersion(t *testing.T) {
	t.Parallel()
	c := fakeAWS(t, func(op string, p url.Values) (reply, bool) {
		if p.Get("VersionLabels.member.1") != "v1" {
			return result(op, "<ApplicationVersions/>"), true
		}
		return result(op, "<ApplicationVersions><member><ApplicationName>a</ApplicationName><VersionLabel>v1</VersionLabel><Status>PROCESSED</Status>"+
			"<DateCreated>2026-01-02T03:04:05Z</DateCreated><Description>x&#x9;y</Description>"+
			"<SourceBundle><S3Bucket>b</S3Bucket><S3Key>k/1.zip</S3Key></SourceBundle></member></ApplicationVersions>"), op == "DescribeApplicationVersions"
	})
	got, found, err := c.ApplicationVersion(t.Context(), "a", "v1")
	want := VersionInfo{"a", "v1", "x y", "b", "k/1.zip", "PROCESSED", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	if diff := cmp.Diff(want, got); diff != "" || !found || err != nil {
		t.Errorf("%s %t %v", diff, found, err)
	}
	if _, found, err := c.ApplicationVersion(t.Context(), "a", "v2"); found || err != nil {
		t.Errorf("got %t, %v", found, err)
	}
}

func TestAwaitIdle(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rows   []reply // one a look; the last one stays
		abort  reply
		limit  time.Duration
		want   []string // statuses reported
		aborts int
		err    string
	}{
		"ready":               {rows: []reply{row("Ready", false)}},
		"missing":             {rows: []reply{result("DescribeEnvironments", "<Environments/>")}},
		"updating is aborted": {rows: []reply{row("Updating", true), row("Aborting", false), row("Ready", false)}, want: []string{"Updating", "Aborting"}, aborts: 1},
		"aborted only once": {rows: []reply{row("Updating", true), row("Updating", true), row("Updating", true), row("Ready", false)},
			want: []string{"Updating"}, aborts: 1},
		"launching is waited for": {rows: []reply{row("Launching", false), row("Launching", false), row("Ready", false)},
			want: []string{"Launching"}},
		"terminating is waited for": {rows: []reply{row("Terminating", false), row("Terminated", false)}, want: []string{"Terminating"}},
		"an update that just ended": {rows: []reply{row("Updating", true), row("Ready", false)}, abort: xmlError(400, "InvalidParameterValue"),
			want: []string{"Updating"}, aborts: 1},
		"an abort that is forbidden": {rows: []reply{row("Updating", true)}, abort: xmlError(403, "AccessDenied"), want: []string{"Updating"}, aborts: 1,
			err: `abort the update of environment "n": AccessDenied: m`},
		"for ever": {rows: []reply{row("Launching", false)}, limit: 3 * time.Second, want: []string{"Launching"},
			err: `environment "n" is still launching after 3s`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			looks, aborts := 0, 0
			c := fakeAWS(t, func(op string, _ url.Values) (reply, bool) {
				mu.Lock()
				defer mu.Unlock()
				switch op {
				case "DescribeEnvironments":
					looks++
					return tt.rows[min(looks, len(tt.rows))-1], true
				case "AbortEnvironmentUpdate":
					aborts++
					if tt.abort.status != 0 {
						return tt.abort, true
					}
					return ok("<AbortEnvironmentUpdateResponse/>"), true
				}
				return reply{}, false
			})
			var reported []string
			err := c.AwaitIdle(t.Context(), "n", Wait{Timeout: tt.limit, Poll: time.Millisecond, Report: func(s string) { reported = append(reported, s) }})
			if text := fmt.Sprint(err); (tt.err == "" && err != nil) || (tt.err != "" && text != tt.err) {
				t.Errorf("got %v", err)
			}
			if diff := cmp.Diff(tt.want, reported); diff != "" || aborts != tt.aborts {
				t.Errorf("%d aborts, %s", aborts, diff)
			}
			if tt.limit > 0 && fault.Hint(err).IsZero() {
				t.Error("no hint")
			}
		})
	}
}

func TestAwaitIdleCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := fakeAWS(t, fixed("DescribeEnvironments", row("Launching", false)))
	err := c.AwaitIdle(ctx, "n", Wait{Report: func(string) { cancel() }})
	if !errors.Is(err, context.Canceled) || err.Error() != `wait for environment "n": context canceled` {
		t.Errorf("got %v", err)
	}
}

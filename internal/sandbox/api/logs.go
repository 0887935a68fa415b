package api

import (
	"fmt"
	"slices"
	"strings"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/platforms"
	"github.com/branchenv/branchenv/internal/sandbox/services"
)

func logs() service {
	return service{protocol: "json", actions: map[string]action{
		"DescribeLogGroups": func(c *call) (any, error) {
			prefix := c.body.Text("logGroupNamePrefix")
			records, err := c.inRegion(services.TypeLogGroup, func(r *cloud.Record) bool { return strings.HasPrefix(r.Name, prefix) })
			out := []map[string]any{}
			for _, r := range records {
				group := map[string]any{"logGroupName": r.Name, "arn": r.Text("arn") + ":*", "creationTime": r.Created.UnixMilli(), "storedBytes": 0}
				if days := r.Outputs.Int("retentionInDays"); days > 0 {
					group["retentionInDays"] = days
				}
				out = append(out, group)
			}
			return map[string]any{"logGroups": out}, err
		},
		// No app runs in an environment here, so there are no logs. Its events take their place.
		"FilterLogEvents": func(c *call) (any, error) {
			group := c.body.Text("logGroupName")
			parts := strings.Split(strings.TrimPrefix(group, "/aws/elasticbeanstalk/"), "/")
			envs, err := c.inRegion(platforms.TypeEnvironment, func(r *cloud.Record) bool { return r.Name == parts[0] })
			if err != nil {
				return nil, err
			}
			known, err := c.inRegion(services.TypeLogGroup, func(r *cloud.Record) bool { return r.Name == group })
			if err != nil {
				return nil, err
			}
			if len(envs) == 0 && len(known) == 0 {
				return nil, cloud.Errorf("ResourceNotFoundException", "The specified log group does not exist.")
			}
			out := []map[string]any{}
			for _, r := range envs {
				for _, e := range slices.Backward(r.EventsUntil(c.Tx.Now)) {
					out = append(out, map[string]any{
						"eventId": fmt.Sprint(e.At.UnixNano()), "timestamp": e.At.UnixMilli(), "message": e.Message, "logStreamName": r.ID,
					})
				}
			}
			return map[string]any{"events": out}, nil
		},
	}}
}

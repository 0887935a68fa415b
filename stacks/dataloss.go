package stacks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/stacks/names"
)

// losses returns the data that an update of a stack in state s to these settings would lose: of a database, or a bucket,
// that leaves the program, of a bucket that is not named as bucket is, and of a database that AWS can only replace by a
// new one, which is empty. The schema of the provider says which properties these are (aws:rds/instance:Instance,
// replaceOnChanges).
func losses(s backend.State, next config.Settings, bucket string) []string {
	var lost []string
	for _, r := range s.AWS() {
		switch r.Type {
		case aws.TypeDatabase:
			name := backend.DisplayName(r.ID, r.Inputs)
			if next.Database.Engine == "none" {
				lost = append(lost, fmt.Sprintf("database %s would be deleted: database.engine is none", name))
				continue
			}
			for _, p := range []struct{ property, setting, value string }{
				{"engine", "database.engine", next.Database.Engine},
				{"username", "database.username", next.Database.Username},
				{"dbName", "database.name", next.Database.Name},
			} {
				if was, known := r.Inputs[p.property].(string); known && was != p.value {
					lost = append(lost, fmt.Sprintf("database %s would be replaced by an empty one: %s was %s and is %s", name, p.setting, was, p.value))
					break
				}
			}
		case aws.TypeBucket:
			switch {
			case !next.Assets.Enabled:
				lost = append(lost, fmt.Sprintf("bucket %s would be deleted with all that is in it: assets.enabled is false", r.ID))
			case r.ID != bucket:
				lost = append(lost, fmt.Sprintf("bucket %s would be replaced by an empty one, %s: the tag %s has another suffix", r.ID, bucket, names.TagBucket))
			}
		}
	}
	slices.Sort(lost)
	return lost
}

// checkData refuses an update that would lose data, unless the request allows that.
func (p *updatePlan) checkData(r UpRequest, l backend.Location) error {
	if len(p.losses) == 0 || r.AllowDataLoss {
		return nil
	}
	e := fault.Refusedf("the update of stack %s would lose data: %s", p.spec.Stack, strings.Join(p.losses, "; "))
	if p.bucket != "" && p.spec.Settings.Assets.Enabled {
		return e.WithHint("%s; then run the same command again, or, if the data may go, with --allow-data-loss", l.SetTagCommand(p.spec.Stack, names.TagBucket, p.bucket))
	}
	return e.WithHint("set it back in the settings (%s says where it comes from), or, if the data may go, repeat it with --allow-data-loss", fault.Command{"config", "show", p.spec.Branch})
}

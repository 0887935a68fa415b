package stacks

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/stackstest"
	"github.com/branchenv/branchenv/stacks/program"
)

func TestLosses(t *testing.T) {
	t.Parallel()
	made := config.Settings{Database: config.Database{Engine: "postgres", Username: "app", Name: "app", Storage: 20}, Assets: config.Assets{Enabled: true}}
	s := stackstest.State("x", nil, aws.TypeDatabase, aws.TypeBucket)
	s.Resources[1].Inputs = map[string]any{"identifier": "shop-x", "engine": "postgres", "username": "app", "dbName": "app"}
	restored := stackstest.State("x", nil, aws.TypeDatabase)
	restored.Resources[1].Inputs = map[string]any{"identifier": "shop-x", "engine": "postgres"} // the snapshot has the rest
	for name, test := range map[string]struct {
		state  backend.State
		change func(*config.Settings)
		want   []string
	}{
		"nothing": {s, func(*config.Settings) {}, nil},
		"new":     {backend.State{}, func(s *config.Settings) { s.Database.Engine, s.Assets.Enabled = "none", false }, nil},
		"harmless": {s, func(s *config.Settings) {
			s.Database.Storage, s.Database.MultiAZ, s.Assets.NoncurrentDays = 50, true, 1
		}, nil},
		"no database": {s, func(s *config.Settings) { s.Database = config.Database{Engine: "none"} }, []string{"database shop-x would be deleted: database.engine is none"}},
		"engine and user": {s, func(s *config.Settings) { s.Database.Engine, s.Database.Username = "mysql", "admin" }, []string{
			"database shop-x would be replaced by an empty one: database.engine was postgres and is mysql",
		}},
		"user":          {s, func(s *config.Settings) { s.Database.Username = "ada" }, []string{"database shop-x would be replaced by an empty one: database.username was app and is ada"}},
		"name":          {s, func(s *config.Settings) { s.Database.Name = "shop" }, []string{"database shop-x would be replaced by an empty one: database.name was app and is shop"}},
		"from snapshot": {restored, func(s *config.Settings) { s.Database.Username, s.Database.Name = "ada", "shop" }, nil},
		"no bucket":     {s, func(s *config.Settings) { s.Assets.Enabled = false }, []string{"bucket id would be deleted with all that is in it: assets.enabled is false"}},
		"both": {s, func(s *config.Settings) { s.Database.Engine, s.Assets.Enabled = "none", false }, []string{
			"bucket id would be deleted with all that is in it: assets.enabled is false", "database shop-x would be deleted: database.engine is none",
		}},
	} {
		next := made
		test.change(&next)
		got := losses(test.state, next, "id")
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		u := &updatePlan{spec: program.Spec{Stack: "x", Branch: "x"}, losses: got}
		if err := u.checkData(UpRequest{AllowDataLoss: true}, backend.Location{}); err != nil {
			t.Errorf("%s, allowed: %v", name, err)
		}
		err := u.checkData(UpRequest{}, backend.Location{})
		if (err != nil) != (len(test.want) > 0) || err != nil && (fault.Code(err) != fault.Refused || !strings.Contains(err.Error(), test.want[0])) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

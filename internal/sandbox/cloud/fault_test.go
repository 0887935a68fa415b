package cloud_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/status"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/platforms"
	"github.com/branchenv/branchenv/internal/sandbox/sandboxtest"
	"github.com/branchenv/branchenv/internal/sandbox/services"
)

func TestFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault cloud.Fault
		want  []string // parts of the errors of four creates of a log group; "": no error
	}{
		{"once", cloud.Fault{On: "create", Kind: cloud.Fail}, []string{"InternalFailure", "", "", ""}},
		{"the third", cloud.Fault{On: "create", Kind: cloud.Fail, Nth: 3, Error: "LimitExceededException: no more"}, []string{"", "", "LimitExceededException: no more", ""}},
		{"two from the second", cloud.Fault{On: "create", Kind: cloud.Throttle, Nth: 2, Times: 2}, []string{"", "Throttling: Rate exceeded", "Throttling: Rate exceeded", ""}},
		{"all from the second", cloud.Fault{On: "create", Kind: cloud.Expired, Nth: 2, Times: -1}, []string{"", "ExpiredToken", "ExpiredToken", "ExpiredToken"}},
		{"another type", cloud.Fault{On: "create", Type: services.TypeBucket, Kind: cloud.Fail}, []string{"", "", "", ""}},
		{"by name", cloud.Fault{On: "create", Type: services.TypeLogGroup, Name: "g2", Kind: cloud.Fail}, []string{"", "", "InternalFailure", ""}},
		{"by pattern", cloud.Fault{On: "create", Name: "g[13]", Times: -1, Kind: cloud.Fail}, []string{"", "InternalFailure", "", "InternalFailure"}},
		{"another operation", cloud.Fault{On: "delete", Kind: cloud.Fail}, []string{"", "", "", ""}},
		{"ends badly", cloud.Fault{On: "create", Kind: cloud.Red}, []string{"unexpected state 'failed'", "", "", ""}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for i, want := range test.want {
				// Each create is in another process. All processes count together.
				c := sandboxtest.New(t, cloud.Config{Dir: dir, Faults: []cloud.Fault{test.fault}})
				name := "g" + string(rune('0'+i))
				_, _, err := c.TryCreate(services.TypeLogGroup, name, map[string]any{"name": name})
				if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
					t.Errorf("create %d: got %v, want %q", i, err, want)
				}
			}
		})
	}
}

// If an environment turns red, its creation fails with the event in the message, and the environment exists.
func TestFaultRed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, cloud.FaultsFile), []byte(`[{"on": "create", "type": "aws:elasticbeanstalk/environment:Environment", "kind": "red", "error": "the app does not start"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	c := sandboxtest.New(t, cloud.Config{Dir: dir})
	c.Platform()
	_, _, err := c.TryCreate(platforms.TypeEnvironment, "env", sandboxtest.Environment("an-env", nil))
	if err == nil || !strings.Contains(err.Error(), "the app does not start") {
		t.Fatalf("got %v", err)
	}
	details := status.Convert(err).Details()
	if len(details) != 1 {
		t.Fatalf("details: %v", details)
	}
	failed, ok := details[0].(*pulumirpc.ErrorResourceInitFailed)
	if !ok || !strings.HasPrefix(failed.GetId(), "e-") {
		t.Fatalf("the engine is not told of what was made: %v", details[0])
	}
	// The next update repairs it.
	in, _ := c.Check(platforms.TypeEnvironment, "env", sandboxtest.Environment("an-env", map[string]any{"description": "mended"}), nil)
	if _, err := c.Provider.Update(t.Context(), &pulumirpc.UpdateRequest{Urn: sandboxtest.URN(platforms.TypeEnvironment, "env"), Id: failed.GetId(), News: in}); err != nil {
		t.Errorf("update: %v", err)
	}
}

func TestFaultHang(t *testing.T) {
	t.Parallel()
	c := sandboxtest.New(t, cloud.Config{Faults: []cloud.Fault{{On: "create", Type: services.TypeDatabase, Kind: cloud.Hang}}})
	in, _ := c.Check(services.TypeDatabase, "db", sandboxtest.Database("db", nil), nil)
	_, err := c.Provider.Create(t.Context(), &pulumirpc.CreateRequest{Urn: sandboxtest.URN(services.TypeDatabase, "db"), Properties: in, Timeout: 0.05})
	if err == nil || !strings.Contains(err.Error(), "timeout while waiting for state to become ready") {
		t.Errorf("got %v", err)
	}
}

func TestFaultsFileWrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, cloud.FaultsFile), []byte(`{`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := sandboxtest.New(t, cloud.Config{Dir: dir}).TryCreate(services.TypeLogGroup, "g", nil); err == nil || !strings.Contains(err.Error(), cloud.FaultsFile) {
		t.Errorf("got %v", err)
	}
}

package sandbox

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/status"
)

func TestFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault Fault
		want  []string // parts of the errors of four creates of a log group, "" for none
	}{
		{"once", Fault{On: "create", Kind: Fail}, []string{"InternalFailure", "", "", ""}},
		{"the third", Fault{On: "create", Kind: Fail, Nth: 3, Error: "LimitExceededException: no more"}, []string{"", "", "LimitExceededException: no more", ""}},
		{"two from the second", Fault{On: "create", Kind: Throttle, Nth: 2, Times: 2}, []string{"", "Throttling: Rate exceeded", "Throttling: Rate exceeded", ""}},
		{"all from the second", Fault{On: "create", Kind: Expired, Nth: 2, Times: -1}, []string{"", "ExpiredToken", "ExpiredToken", "ExpiredToken"}},
		{"another type", Fault{On: "create", Type: typeBucket, Kind: Fail}, []string{"", "", "", ""}},
		{"by name", Fault{On: "create", Type: typeLogGroup, Name: "g2", Kind: Fail}, []string{"", "", "InternalFailure", ""}},
		{"by pattern", Fault{On: "create", Name: "g[13]", Times: -1, Kind: Fail}, []string{"", "InternalFailure", "", "InternalFailure"}},
		{"another operation", Fault{On: "delete", Kind: Fail}, []string{"", "", "", ""}},
		{"ends badly", Fault{On: "create", Kind: Red}, []string{"unexpected state 'failed'", "", "", ""}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for i, want := range test.want {
				// Each create is another process's: what was met is counted for all together.
				c := newCaller(t, cloudConfig{Dir: dir, Faults: []Fault{test.fault}})
				name := "g" + string(rune('0'+i))
				_, _, err := c.tryCreate(typeLogGroup, name, map[string]any{"name": name})
				if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
					t.Errorf("create %d: got %v, want %q", i, err, want)
				}
			}
		})
	}
}

// An environment that turns red exists, and its creation fails with the event in the message.
func TestFaultRed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, faultFile), []byte(`[{"on": "create", "type": "aws:elasticbeanstalk/environment:Environment", "kind": "red", "error": "the app does not start"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	c := newCaller(t, cloudConfig{Dir: dir})
	c.platform()
	_, _, err := c.tryCreate(typeEnvironment, "env", environment("an-env", nil))
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
	// The next update mends it.
	in, _ := c.check(typeEnvironment, "env", environment("an-env", map[string]any{"description": "mended"}), nil)
	if _, err := c.p.Update(t.Context(), &pulumirpc.UpdateRequest{Urn: urnOf(typeEnvironment, "env"), Id: failed.GetId(), News: in}); err != nil {
		t.Errorf("update: %v", err)
	}
}

func TestFaultHang(t *testing.T) {
	t.Parallel()
	c := newCaller(t, cloudConfig{Faults: []Fault{{On: "create", Type: typeDatabase, Kind: Hang}}})
	in, _ := c.check(typeDatabase, "db", database("db", nil), nil)
	_, err := c.p.Create(t.Context(), &pulumirpc.CreateRequest{Urn: urnOf(typeDatabase, "db"), Properties: in, Timeout: 0.05})
	if err == nil || !strings.Contains(err.Error(), "timeout while waiting for state to become ready") {
		t.Errorf("got %v", err)
	}
}

func TestFaultsFileWrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, faultFile), []byte(`{`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := newCaller(t, cloudConfig{Dir: dir}).tryCreate(typeLogGroup, "g", nil); err == nil || !strings.Contains(err.Error(), faultFile) {
		t.Errorf("got %v", err)
	}
}

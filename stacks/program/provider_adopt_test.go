package program

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/branchenv/branchenv/internal/engine"
	"github.com/branchenv/branchenv/stacks/names"
)

// TestRealProviderAdopts takes over, as after a kill, resources of which the state has only the inputs, and has the real
// AWS provider refresh them: it plans no change of them, and still knows what AWS cannot tell, such as how long to wait.
func TestRealProviderAdopts(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the real engine")
	}
	t.Parallel()
	r := newEngineRun(t)
	real := r.realClient(t)
	r.Up(r.stack(names.ApplicationStack, names.ApplicationKey, applicationSpec()))
	for _, spec := range []Spec{branchSpec(t), productionSpec(t)} {
		spec.Version = branchSpec(t).Version
		stack := r.stack(spec.Stack, names.SpecKey, spec)
		r.Up(stack)
		for _, res := range r.resources(stack) {
			if res.Type != "aws:elasticbeanstalk/environment:Environment" && res.Type != "aws:rds/instance:Instance" {
				continue
			}
			t.Run(spec.Kind+" "+res.URN.Name(), func(t *testing.T) {
				if _, secret := res.Inputs["password"]; secret {
					res.Inputs["password"] = "open-sesame"
				}
				res.Outputs = adopted(t, res)
				read, err := real.Read(t.Context(), &pulumirpc.ReadRequest{
					Id: string(res.ID), Urn: string(res.URN), Name: res.URN.Name(), Type: string(res.Type),
					Properties: properties(t, res.Outputs), Inputs: properties(t, res.Inputs),
				})
				if err != nil {
					t.Fatal(err)
				}
				if read.GetId() != string(res.ID) {
					t.Fatalf("the provider finds %q, want %q", read.GetId(), res.ID)
				}
				res.Outputs = revealed(t, read.GetProperties())
				for _, name := range []string{"waitForReadyTimeout", "skipFinalSnapshot", "finalSnapshotIdentifier", "password", "applyImmediately", "deleteAutomatedBackups"} {
					if want, given := res.Inputs[name]; given && res.Outputs[name] != want {
						t.Errorf("after the refresh %s is %v, want %v", name, res.Outputs[name], want)
					}
				}
				if got := verdict(t, real, res, res.Inputs); got != "nothing" {
					t.Errorf("the next update plans: %s", got)
				}
			})
		}
	}
}

// adopted are the outputs that adopt gives a resource of which only the inputs are known.
func adopted(t *testing.T, res apitype.ResourceV3) map[string]any {
	t.Helper()
	text, err := json.Marshal(map[string]any{"version": 3, "deployment": map[string]any{"pending_operations": []any{
		map[string]any{"type": "creating", "resource": map[string]any{"urn": res.URN, "type": res.Type, "custom": true, "inputs": res.Inputs}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	edited, err := engine.ImportPending(text, map[string]string{string(res.URN): string(res.ID)})
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Deployment apitype.DeploymentV3 }
	if err := json.Unmarshal(edited, &file); err != nil {
		t.Fatal(err)
	}
	return file.Deployment.Resources[0].Outputs
}

// properties are a resource's properties as they are sent.
func properties(t *testing.T, m map[string]any) *structpb.Struct {
	t.Helper()
	s, err := structpb.NewStruct(m)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// revealed are properties with the secrets among them in plain.
func revealed(t *testing.T, s *structpb.Struct) map[string]any {
	t.Helper()
	m, err := plugin.UnmarshalProperties(s, plugin.MarshalOptions{})
	if err != nil {
		t.Fatal(err)
	}
	plain := m.Mappable()
	maps.DeleteFunc(plain, func(_ string, v any) bool { return v == nil })
	return plain
}

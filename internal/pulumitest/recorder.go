// Package pulumitest records the resources that a Pulumi program registers, for tests. It needs no engine, provider or
// network.
package pulumitest

import (
	"cmp"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Resource is one registered resource. Secret inputs are written as [secret].
type Resource struct {
	Type    string         `json:"type"`
	Name    string         `json:"name"`
	Parent  string         `json:"parent,omitempty"` // its name
	Inputs  map[string]any `json:"inputs,omitempty"`
	Options map[string]any `json:"options,omitempty"`

	dependencies []string
}

// DependsOn reports whether the resource directly depends on the one of that type and name.
func (r Resource) DependsOn(typ, name string) bool {
	return slices.ContainsFunc(r.dependencies, func(urn string) bool { return strings.HasSuffix(urn, typ+"::"+name) })
}

// Recorder is a mock of the engine that records resources. A resource's outputs are its inputs and Computed, its id is
// NAME-id.
type Recorder struct {
	// Computed are the further outputs that a provider would compute. The key is TYPE/NAME, or TYPE/* for all names.
	Computed map[string]map[string]any
	// Functions are the answers of look-ups by token.
	Functions map[string]func(args map[string]any) (map[string]any, error)

	mu        sync.Mutex
	resources []Resource
}

// Run runs the program for a stack of a project, and returns its error. The keys of config are full ones.
func (r *Recorder) Run(project, stack string, config map[string]string, program pulumi.RunFunc) error {
	return pulumi.RunErr(program, pulumi.WithMocks(project, stack, r), func(info *pulumi.RunInfo) { info.Config = config })
}

// Resources returns the registered resources, sorted by type and name.
func (r *Recorder) Resources() []Resource {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.SortedFunc(slices.Values(r.resources), func(a, b Resource) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name))
	})
}

// Find returns the resource of that type and name. The test fails if there is none.
func (r *Recorder) Find(t *testing.T, typ, name string) Resource {
	t.Helper()
	for _, found := range r.Resources() {
		if found.Type == typ && found.Name == name {
			return found
		}
	}
	t.Fatalf("no %s called %s was registered", typ, name)
	return Resource{}
}

// NewResource implements pulumi.MockResourceMonitor.
func (r *Recorder) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	recorded := Resource{Type: args.TypeToken, Name: args.Name, Inputs: plain(args.Inputs)}
	if rpc := args.RegisterRPC; rpc != nil {
		recorded.Options = options(rpc)
		recorded.dependencies = rpc.GetDependencies()
		if parent := rpc.GetParent(); !strings.Contains(parent, "pulumi:pulumi:Stack") {
			recorded.Parent = parent[strings.LastIndex(parent, ":")+1:]
		}
	}
	r.mu.Lock()
	r.resources = append(r.resources, recorded)
	r.mu.Unlock()
	outputs := args.Inputs.Copy()
	for _, key := range []string{args.TypeToken + "/*", args.TypeToken + "/" + args.Name} {
		maps.Copy(outputs, resource.NewPropertyMapFromMap(r.Computed[key]))
	}
	return args.Name + "-id", outputs, nil
}

// Call implements pulumi.MockResourceMonitor.
func (r *Recorder) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	answer, ok := r.Functions[args.Token]
	if !ok {
		return resource.PropertyMap{}, nil
	}
	result, err := answer(plain(args.Args))
	return resource.NewPropertyMapFromMap(result), err
}

// plain turns properties into ordinary values, and hides secrets.
func plain(m resource.PropertyMap) map[string]any {
	return m.MapRepl(nil, func(v resource.PropertyValue) (any, bool) {
		if v.IsSecret() || v.IsOutput() && v.OutputValue().Secret {
			return "[secret]", true
		}
		return nil, false
	})
}

// options returns the resource options that tests compare.
func options(rpc *pulumirpc.RegisterResourceRequest) map[string]any {
	o := map[string]any{}
	if rpc.GetDeleteBeforeReplace() {
		o["deleteBeforeReplace"] = true
	}
	if rpc.GetProtect() {
		o["protect"] = true
	}
	if l := rpc.GetIgnoreChanges(); len(l) > 0 {
		o["ignoreChanges"] = l
	}
	if l := rpc.GetAdditionalSecretOutputs(); len(l) > 0 {
		o["additionalSecretOutputs"] = l
	}
	if c := rpc.GetCustomTimeouts(); c.GetCreate()+c.GetUpdate()+c.GetDelete() != "" {
		o["timeouts"] = []string{c.GetCreate(), c.GetUpdate(), c.GetDelete()}
	}
	if v := rpc.GetReplacementTrigger(); v != nil {
		o["replacementTrigger"] = v.AsInterface()
	}
	return o
}

// Golden compares v, as JSON, with the file testdata/NAME.golden.json, or writes it with -update.
func Golden(t *testing.T, name string, v any) {
	t.Helper()
	got, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	path := filepath.Join("testdata", name+".golden.json")
	if *update {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; make it with: go test -update", err)
	}
	if diff := gocmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// Package sandboxtest calls the simulated provider as Pulumi's engine does, for tests of the sandbox. It needs no engine.
package sandboxtest

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/platforms"
	"github.com/branchenv/branchenv/internal/sandbox/provider"
	"github.com/branchenv/branchenv/internal/sandbox/services"
)

// An Engine calls a provider. Its methods fail the test if a call fails, unless they return an error.
type Engine struct {
	t        *testing.T
	Provider *provider.Provider
	Cloud    *cloud.Cloud
}

// New opens an embedded AWS with all services. By default it is in a temporary directory and in eu-central-1.
func New(t *testing.T, conf cloud.Config) *Engine {
	t.Helper()
	conf.Dir = cmp.Or(conf.Dir, t.TempDir())
	conf.Region = cmp.Or(conf.Region, "eu-central-1")
	conf.Services = slices.Concat(services.All(), platforms.All())
	c, err := cloud.New(conf)
	if err != nil {
		t.Fatal(err)
	}
	return Over(t, provider.New(c), c)
}

// Over returns an Engine that calls an existing provider.
func Over(t *testing.T, p *provider.Provider, c *cloud.Cloud) *Engine { return &Engine{t, p, c} }

// Resources returns what exists.
func (c *Engine) Resources() []cloud.Resource {
	c.t.Helper()
	all, err := c.Cloud.Resources()
	if err != nil {
		c.t.Fatal(err)
	}
	return all
}

// URN returns the URN of a resource with a type and a name in the program.
func URN(typ, name string) string { return "urn:pulumi:dev::test::" + typ + "::" + name }

// Props marshals properties.
func Props(t *testing.T, m map[string]any) *structpb.Struct {
	t.Helper()
	s, err := plugin.MarshalProperties(resource.NewPropertyMapFromMap(m), plugin.MarshalOptions{KeepUnknowns: true, SkipNulls: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Values unmarshals properties, without the provider's own notes.
func Values(t *testing.T, s *structpb.Struct) map[string]any {
	t.Helper()
	m, err := plugin.UnmarshalProperties(s, plugin.MarshalOptions{SkipNulls: true})
	if err != nil {
		t.Fatal(err)
	}
	return cloud.WithoutNotes(m.Mappable())
}

// Check checks inputs. It returns the completed inputs, and a line for each failure.
func (c *Engine) Check(typ, name string, inputs, olds map[string]any) (*structpb.Struct, []string) {
	c.t.Helper()
	res, err := c.Provider.Check(c.t.Context(), &pulumirpc.CheckRequest{
		Urn: URN(typ, name), News: Props(c.t, inputs), Olds: Props(c.t, olds), RandomSeed: []byte("0123456789abcdef0123456789abcdef"),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	var problems []string
	for _, f := range res.GetFailures() {
		problems = append(problems, f.GetProperty()+": "+f.GetReason())
	}
	return res.GetInputs(), problems
}

// TryCreate checks and creates a resource. It returns the id and the outputs. A failed check is an error too.
func (c *Engine) TryCreate(typ, name string, inputs map[string]any) (string, map[string]any, error) {
	c.t.Helper()
	in, problems := c.Check(typ, name, inputs, nil)
	if len(problems) > 0 {
		return "", nil, errors.New("check: " + strings.Join(problems, "; "))
	}
	res, err := c.Provider.Create(c.t.Context(), &pulumirpc.CreateRequest{Urn: URN(typ, name), Properties: in, Timeout: (10 * time.Second).Seconds()})
	if err != nil {
		return "", nil, err
	}
	return res.GetId(), Values(c.t, res.GetProperties()), nil
}

// Create checks and creates a resource. It returns the id and the outputs.
func (c *Engine) Create(typ, name string, inputs map[string]any) (string, map[string]any) {
	c.t.Helper()
	id, out, err := c.TryCreate(typ, name, inputs)
	if err != nil {
		c.t.Fatalf("create %s %s: %v", typ, name, err)
	}
	return id, out
}

// Remove deletes a resource. state is its outputs in the engine's state.
func (c *Engine) Remove(typ, id string, state map[string]any) error {
	c.t.Helper()
	_, err := c.Provider.Delete(c.t.Context(), &pulumirpc.DeleteRequest{Urn: URN(typ, "x"), Id: id, Properties: Props(c.t, state), Timeout: 10})
	return err
}

// Read reads a resource. It returns its id and its outputs, "" and nil if it is gone.
func (c *Engine) Read(typ, id string) (string, map[string]any) {
	c.t.Helper()
	res, err := c.Provider.Read(c.t.Context(), &pulumirpc.ReadRequest{Urn: URN(typ, "x"), Id: id})
	if err != nil {
		c.t.Fatal(err)
	}
	if res.GetId() == "" {
		return "", nil
	}
	return res.GetId(), Values(c.t, res.GetProperties())
}

// Invoke calls a function.
func (c *Engine) Invoke(token string, args map[string]any) (map[string]any, error) {
	c.t.Helper()
	res, err := c.Provider.Invoke(c.t.Context(), &pulumirpc.InvokeRequest{Tok: token, Args: Props(c.t, args)})
	if err != nil {
		return nil, err
	}
	if f := res.GetFailures(); len(f) > 0 {
		return nil, errors.New(f[0].GetProperty() + ": " + f[0].GetReason())
	}
	return Values(c.t, res.GetReturn()), nil
}

// Platform creates what an environment needs: an application with a version, and an instance profile.
func (c *Engine) Platform() {
	c.t.Helper()
	c.Create(platforms.TypeApplication, "app", map[string]any{"name": "app"})
	c.Create(services.TypeBucket, "versions", map[string]any{"bucket": "versions"})
	c.Create(services.TypeObject, "bundle", map[string]any{"bucket": "versions", "key": "v1.zip", "content": "zip"})
	c.Create(platforms.TypeApplicationVersion, "v1", map[string]any{"name": "v1", "application": "app", "bucket": "versions", "key": "v1.zip"})
	c.Create(services.TypeRole, "role", map[string]any{"name": "role", "assumeRolePolicy": `{"Statement": []}`})
	c.Create(services.TypeInstanceProfile, "profile", map[string]any{"name": "profile", "role": "role"})
}

// Environment returns the inputs of an environment on that platform, with changes. A change to nil removes an input.
func Environment(name string, changes map[string]any) map[string]any {
	in := map[string]any{
		"name": name, "application": "app", "version": "v1", "solutionStackName": platforms.SolutionStacks()[0],
		"settings": []any{Option("aws:autoscaling:launchconfiguration", "IamInstanceProfile", "profile")},
	}
	for k, v := range changes {
		if v == nil {
			delete(in, k)
		} else {
			in[k] = v
		}
	}
	return in
}

// Option returns an option setting of an environment.
func Option(namespace, name, value string) map[string]any {
	return map[string]any{"namespace": namespace, "name": name, "value": value}
}

// Database returns the inputs of a database, with changes. A change to nil removes an input.
func Database(name string, changes map[string]any) map[string]any {
	in := map[string]any{
		"identifier": name, "engine": "postgres", "engineVersion": "16", "instanceClass": "db.t4g.micro", "allocatedStorage": 20,
		"username": "app", "password": "correct-horse", "skipFinalSnapshot": true,
	}
	for k, v := range changes {
		if v == nil {
			delete(in, k)
		} else {
			in[k] = v
		}
	}
	return in
}

package sandbox

import (
	"cmp"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/structpb"
)

// A caller does to the provider what the engine does, without one.
type caller struct {
	t   *testing.T
	p   *provider
	aws *cloud
}

// newCaller opens an embedded AWS with all services. It lies in a temporary directory, in eu-central-1, unless conf says
// otherwise.
func newCaller(t *testing.T, conf cloudConfig) *caller {
	t.Helper()
	conf.Dir = cmp.Or(conf.Dir, t.TempDir())
	conf.Region = cmp.Or(conf.Region, "eu-central-1")
	conf.Services = allServices()
	c, err := newCloud(conf)
	if err != nil {
		t.Fatal(err)
	}
	return newCallerOf(t, newProvider(c), c)
}

// newCallerOf calls a provider that is there already.
func newCallerOf(t *testing.T, p *provider, c *cloud) *caller { return &caller{t, p, c} }

// resources lists what exists.
func (c *caller) resources() []Resource {
	c.t.Helper()
	all, err := c.aws.resources()
	if err != nil {
		c.t.Fatal(err)
	}
	return all
}

func urnOf(typ, name string) string { return "urn:pulumi:dev::test::" + typ + "::" + name }

func props(t *testing.T, m map[string]any) *structpb.Struct {
	t.Helper()
	s, err := encode(resource.NewPropertyMapFromMap(m), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// values is a struct as plain values, without what the provider notes for itself.
func values(t *testing.T, s *structpb.Struct) map[string]any {
	t.Helper()
	m, err := decode(s)
	if err != nil {
		t.Fatal(err)
	}
	return withoutInternal(plainObject(m))
}

// check returns the completed inputs and the problems, a line each.
func (c *caller) check(typ, name string, inputs, olds map[string]any) (*structpb.Struct, []string) {
	c.t.Helper()
	res, err := c.p.Check(c.t.Context(), &pulumirpc.CheckRequest{
		Urn: urnOf(typ, name), News: props(c.t, inputs), Olds: props(c.t, olds), RandomSeed: []byte("0123456789abcdef0123456789abcdef"),
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

// create makes a resource; a problem of Check is an error like one of Create.
func (c *caller) tryCreate(typ, name string, inputs map[string]any) (string, map[string]any, error) {
	c.t.Helper()
	in, problems := c.check(typ, name, inputs, nil)
	if len(problems) > 0 {
		return "", nil, errors.New("check: " + strings.Join(problems, "; "))
	}
	res, err := c.p.Create(c.t.Context(), &pulumirpc.CreateRequest{Urn: urnOf(typ, name), Properties: in, Timeout: (10 * time.Second).Seconds()})
	if err != nil {
		return "", nil, err
	}
	return res.GetId(), values(c.t, res.GetProperties()), nil
}

func (c *caller) create(typ, name string, inputs map[string]any) (string, map[string]any) {
	c.t.Helper()
	id, out, err := c.tryCreate(typ, name, inputs)
	if err != nil {
		c.t.Fatalf("create %s %s: %v", typ, name, err)
	}
	return id, out
}

func (c *caller) remove(typ, id string, state map[string]any) error {
	c.t.Helper()
	_, err := c.p.Delete(c.t.Context(), &pulumirpc.DeleteRequest{Urn: urnOf(typ, "x"), Id: id, Properties: props(c.t, state), Timeout: 10})
	return err
}

// read returns the outputs, nil if the thing is gone, and the id that the provider says it has.
func (c *caller) read(typ, id string) (string, map[string]any) {
	c.t.Helper()
	res, err := c.p.Read(c.t.Context(), &pulumirpc.ReadRequest{Urn: urnOf(typ, "x"), Id: id})
	if err != nil {
		c.t.Fatal(err)
	}
	if res.GetId() == "" {
		return "", nil
	}
	return res.GetId(), values(c.t, res.GetProperties())
}

func (c *caller) invoke(token string, args map[string]any) (map[string]any, error) {
	c.t.Helper()
	res, err := c.p.Invoke(c.t.Context(), &pulumirpc.InvokeRequest{Tok: token, Args: props(c.t, args)})
	if err != nil {
		return nil, err
	}
	if f := res.GetFailures(); len(f) > 0 {
		return nil, errors.New(f[0].GetProperty() + ": " + f[0].GetReason())
	}
	return values(c.t, res.GetReturn()), nil
}

// platform is what an environment needs: an application with a version, and an instance profile.
func (c *caller) platform() {
	c.t.Helper()
	c.create(typeApplication, "app", map[string]any{"name": "app"})
	c.create(typeBucket, "versions", map[string]any{"bucket": "versions"})
	c.create(typeObject, "bundle", map[string]any{"bucket": "versions", "key": "v1.zip", "content": "zip"})
	c.create(typeApplicationVersion, "v1", map[string]any{"name": "v1", "application": "app", "bucket": "versions", "key": "v1.zip"})
	c.create(typeRole, "role", map[string]any{"name": "role", "assumeRolePolicy": `{"Statement": []}`})
	c.create(typeInstanceProfile, "profile", map[string]any{"name": "profile", "role": "role"})
}

// environment are an environment's inputs on that platform, with changes.
func environment(name string, changes map[string]any) map[string]any {
	in := map[string]any{
		"name": name, "application": "app", "version": "v1", "solutionStackName": solutionStacks()[0],
		"settings": []any{option("aws:autoscaling:launchconfiguration", "IamInstanceProfile", "profile")},
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

func option(namespace, name, value string) map[string]any {
	return map[string]any{"namespace": namespace, "name": name, "value": value}
}

func database(name string, changes map[string]any) map[string]any {
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

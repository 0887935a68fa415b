package program

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/blang/semver"
	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	pulumiproject "github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/branchenv/branchenv/internal/pulumitest"
	"github.com/branchenv/branchenv/internal/sandbox"
	"github.com/branchenv/branchenv/stacks/names"
)

// engineRun runs the program in the real engine over an embedded AWS, one state for all stacks.
type engineRun struct {
	t   *testing.T
	dir string // of the embedded AWS
	env map[string]string
	cli auto.PulumiCommand
}

func newEngineRun(t *testing.T) *engineRun {
	t.Helper()
	r := &engineRun{t: t, dir: t.TempDir()}
	server, err := sandbox.Start(t.Context(), sandbox.Options{Dir: r.dir, Region: "eu-central-1", Waits: &sandbox.Waits{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	r.env = map[string]string{
		"PULUMI_CONFIG_PASSPHRASE": "", "PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_BACKEND_URL": "file://" + t.TempDir(),
	}
	for _, v := range server.Env() {
		name, value, _ := strings.Cut(v, "=")
		r.env[name] = value
	}
	r.cli, err = auto.NewPulumiCommand(&auto.PulumiCommandOptions{
		Root: filepath.Dir(filepath.Dir(pulumitest.Path(t))), Version: semver.MustParse("3.211.0"), SkipVersionCheck: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// stack opens a stack, with the spec in its config.
func (r *engineRun) stack(name, key string, spec any) auto.Stack {
	r.t.Helper()
	return r.Open(name, Standalone, configOf(r.t, key, spec))
}

// Open opens a stack of a program.
func (r *engineRun) Open(name string, testProgram pulumi.RunFunc, config map[string]string) auto.Stack {
	r.t.Helper()
	ws, err := auto.NewLocalWorkspace(r.t.Context(), auto.Pulumi(r.cli), auto.WorkDir(r.t.TempDir()), auto.PulumiHome(r.t.TempDir()),
		auto.Program(testProgram), auto.EnvVars(r.env),
		auto.Project(pulumiproject.Project{Name: "shop", Runtime: pulumiproject.NewProjectRuntimeInfo("go", nil)}))
	if err != nil {
		r.t.Fatal(err)
	}
	stack, err := auto.UpsertStack(r.t.Context(), name, ws)
	if err != nil {
		r.t.Fatal(err)
	}
	values := auto.ConfigMap{"aws:region": {Value: "eu-central-1"}}
	for k, v := range config {
		values[k] = auto.ConfigValue{Value: v}
	}
	if err := stack.SetAllConfig(r.t.Context(), values); err != nil {
		r.t.Fatal(err)
	}
	return stack
}

// Up updates a stack and returns what was done other than leaving things as they were: operations by type and name.
func (r *engineRun) Up(stack auto.Stack) map[string]string {
	r.t.Helper()
	stream, done := make(chan events.EngineEvent), make(chan map[string]string)
	go func() {
		changes := map[string]string{}
		for e := range stream {
			if e.ResourcePreEvent == nil {
				continue
			}
			m := e.ResourcePreEvent.Metadata
			if m.Op != apitype.OpSame && m.Op != apitype.OpRead {
				changes[m.Type+" "+m.URN[strings.LastIndex(m.URN, ":")+1:]+" "+string(m.Op)] = strings.Join(m.Keys, ",")
			}
		}
		done <- changes
	}()
	_, err := stack.Up(r.t.Context(), optup.EventStreams(stream))
	changes := <-done
	if err != nil {
		r.t.Fatal(err)
	}
	return changes
}

// state is the stack's state.
func (r *engineRun) state(stack auto.Stack) string {
	r.t.Helper()
	exported, err := stack.Export(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return string(exported.Deployment)
}

// TestProgramInEngine makes the application stack and environments of each kind in the real engine: a second run
// changes nothing, what must be replaced is, what must stay stays, no password is plain, and nothing is left.
func TestProgramInEngine(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the real engine")
	}
	t.Parallel()
	r := newEngineRun(t)
	app := r.stack(names.ApplicationStack, names.ApplicationKey, applicationSpec())
	if r.Up(app); len(r.Up(app)) > 0 {
		t.Error("a second run changed the application stack")
	}
	production := productionSpec(t)
	production.Version, production.Settings.Balancer = branchSpec(t).Version, "shared"
	for _, spec := range []Spec{branchSpec(t), production, bareSpec(t)} {
		spec.Stack = spec.Kind + "-" + spec.Settings.Balancer
		spec.Host = spec.Stack
		stack := r.stack(spec.Stack, names.SpecKey, spec)
		r.Up(stack)
		if again := r.Up(stack); len(again) > 0 {
			t.Errorf("a second run changed %s: %v", spec.Stack, again)
		}
	}
}

var password = regexp.MustCompile(`"(password|secretString)":"`)

// TestDatabaseStays changes an environment in ways that must not touch its database, and one that must replace it.
func TestDatabaseStays(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the real engine")
	}
	t.Parallel()
	r := newEngineRun(t)
	r.Up(r.stack(names.ApplicationStack, names.ApplicationKey, applicationSpec()))
	spec := branchSpec(t)
	spec.Stack = "login"
	r.Up(r.stack(spec.Stack, names.SpecKey, spec))
	first := r.state(r.stack(spec.Stack, names.SpecKey, spec))
	if password.MatchString(first) {
		t.Error("a password is plain in the state")
	}

	spec.Version.Image = "registry.example.com/shop:next"
	steps := slices.Sorted(maps.Keys(r.Up(r.stack(spec.Stack, names.SpecKey, spec))))
	want := []string{
		"aws:elasticbeanstalk/applicationVersion:ApplicationVersion environment create-replacement",
		"aws:elasticbeanstalk/applicationVersion:ApplicationVersion environment delete-replaced",
		"aws:elasticbeanstalk/applicationVersion:ApplicationVersion environment replace",
		"aws:elasticbeanstalk/environment:Environment environment update",
		"aws:s3/bucketObjectv2:BucketObjectv2 environment-bundle create-replacement",
		"aws:s3/bucketObjectv2:BucketObjectv2 environment-bundle delete-replaced",
		"aws:s3/bucketObjectv2:BucketObjectv2 environment-bundle replace",
	}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Errorf("steps for a new version (-want +got):\n%s", diff)
	}

	spec.Settings.Balancer = "none"
	steps = slices.Sorted(maps.Keys(r.Up(r.stack(spec.Stack, names.SpecKey, spec))))
	if !slices.Contains(steps, "aws:elasticbeanstalk/environment:Environment environment delete-replaced") {
		t.Errorf("another balancer did not replace the environment: %v", steps)
	}
	for _, step := range steps {
		if strings.HasPrefix(step, "aws:rds/") || strings.HasPrefix(step, "aws:secretsmanager/") || strings.HasPrefix(step, "aws:s3/bucketV2") {
			t.Errorf("another balancer touched the data: %s", step)
		}
	}

	stack := r.stack(spec.Stack, names.SpecKey, spec)
	if _, err := stack.Destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	left, err := sandbox.Resources(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range left {
		if strings.Contains(found.Name, "shop-login") {
			t.Errorf("%s %s is left", found.Type, found.Name)
		}
	}
}

// TestNoApplicationStack wants an error that tells what is missing where the application stack never was, and where it
// was destroyed but not removed, which Pulumi reads as a stack without outputs.
func TestNoApplicationStack(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the real engine")
	}
	t.Parallel()
	r := newEngineRun(t)
	spec := branchSpec(t)
	stack := r.stack(spec.Stack, names.SpecKey, spec)
	fails := func(want string) {
		t.Helper()
		if _, err := stack.Preview(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not tell %q: %v", want, err)
		}
	}
	fails(`unknown stack "organization/shop/application"`)
	r.stack(names.ApplicationStack, names.ApplicationKey, applicationSpec())
	fails("the application stack of shop, which environments share, has no output vpc; hint: branchenv application up")
}

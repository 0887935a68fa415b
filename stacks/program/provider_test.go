package program

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/branchenv/branchenv/components"
	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/stacks/names"
)

// withReal is the run with the real provider in place of the simulated one, over the same state and endpoint.
func (r *engineRun) withReal(t *testing.T) *engineRun {
	t.Helper()
	port, _ := realProvider(t, r.env["AWS_ENDPOINT_URL"])
	real := *r
	real.env = maps.Clone(r.env)
	real.env["PULUMI_DEBUG_PROVIDERS"] = "aws:" + strconv.Itoa(port)
	return &real
}

// Preview tells what an update would do other than leaving things as they are: operations by type and name, with the
// properties that force a replacement and, of what is replaced, whether the old one is deleted first; and the error it
// would end with.
func (r *engineRun) Preview(t *testing.T, stack auto.Stack) (map[string]string, error) {
	t.Helper()
	stream, done := make(chan events.EngineEvent), make(chan map[string]string)
	go func() {
		changes := map[string]string{}
		for e := range stream {
			if e.ResourcePreEvent == nil || strings.HasPrefix(e.ResourcePreEvent.Metadata.Type, "pulumi:") {
				continue
			}
			m := e.ResourcePreEvent.Metadata
			name := m.Type + " " + m.URN[strings.LastIndex(m.URN, ":")+1:]
			if m.Op == apitype.OpSame || m.Op == apitype.OpRead {
				continue
			}
			changes[name+" "+string(m.Op)] = strings.Join(slices.Sorted(slices.Values(m.Keys)), ",")
			if _, deleted := changes[name+" "+string(apitype.OpDeleteReplaced)]; deleted && m.Op == apitype.OpCreateReplacement {
				changes[name+" "+string(m.Op)] += " after the deletion"
			}
		}
		done <- changes
	}()
	_, err := stack.Preview(t.Context(), optpreview.EventStreams(stream))
	return <-done, err
}

// environments are specs that make use of every mode of every component.
func environments(t testing.TB) map[string]Spec {
	specs := map[string]Spec{"branch": branchSpec(t), "production": productionSpec(t), "bare": bareSpec(t)}
	add := func(name string, from Spec, change func(*Spec)) {
		change(&from)
		specs[name] = from
	}
	add("mysql", branchSpec(t), func(s *Spec) { s.Settings.Database.Engine, s.Settings.Database.Version = "mysql", "8.4" })
	add("bundle", branchSpec(t), func(s *Spec) { s.Version = Version{BundleKey: "bundle/app.zip", Label: "build-17"} })
	add("own", branchSpec(t), func(s *Spec) { s.Settings.Balancer = "own" })
	add("single", branchSpec(t), func(s *Spec) { s.Settings.Balancer = "none" })
	add("immutable", branchSpec(t), func(s *Spec) { s.Settings.Deployment.Policy = "Immutable" })
	add("spot", branchSpec(t), func(s *Spec) { s.Settings.Instances.Spot = true })
	add("protected", branchSpec(t), func(s *Spec) { s.Settings.Protected = true })
	for name, s := range specs {
		s.Stack, s.Host = name, name
		specs[name] = s
	}
	return specs
}

// TestRealProviderAccepts previews both programs in every mode on the real AWS provider, look-ups included: it has no
// objection, and plans to make what the simulated one does.
func TestRealProviderAccepts(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the real engine")
	}
	t.Parallel()
	r := newEngineRun(t)
	real := r.withReal(t)
	compare := func(t *testing.T, name, key string, spec any) {
		want, err := r.Preview(t, r.stack(name, key, spec))
		if err != nil {
			t.Fatal(err)
		}
		got, err := real.Preview(t, real.stack(name, key, spec))
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-simulated +real\n%s", diff)
		}
	}
	given := applicationSpec()
	given.Zone, given.Certificate = "Z1", "arn:aws:acm:eu-central-1:123456789012:certificate/1"
	t.Run("application-given", func(t *testing.T) { compare(t, names.ApplicationStack, names.ApplicationKey, given) })
	t.Run("application", func(t *testing.T) { compare(t, names.ApplicationStack, names.ApplicationKey, applicationSpec()) })
	r.Up(r.stack(names.ApplicationStack, names.ApplicationKey, applicationSpec()))
	for name, spec := range environments(t) {
		t.Run(name, func(t *testing.T) { compare(t, spec.Stack, names.SpecKey, spec) })
	}
}

// TestRealProviderPlans previews changes of environments that exist, on the real AWS provider and the simulated one:
// both plan the same operations, and the same properties force the same replacements.
func TestRealProviderPlans(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the real engine")
	}
	t.Parallel()
	r := newEngineRun(t)
	real := r.withReal(t)
	r.Up(r.stack(names.ApplicationStack, names.ApplicationKey, applicationSpec()))
	branch, production := branchSpec(t), productionSpec(t)
	branch.Stack, branch.Host = "branch", "branch"
	production.Version = branch.Version
	for _, spec := range []Spec{branch, production} {
		r.Up(r.stack(spec.Stack, names.SpecKey, spec))
	}
	changes := map[string]func(*Spec){
		"nothing": func(*Spec) {},
		"image":   func(s *Spec) { s.Version.Image = "registry.example.com/shop:next" },
		"host":    func(s *Spec) { s.Host = "other" },
		"balancer": func(s *Spec) {
			s.Settings.Balancer = map[string]string{"own": "shared", "shared": "own"}[s.Settings.Balancer]
		},
		"single": func(s *Spec) {
			s.Settings.Balancer, s.Settings.Instances = "none", config.Instances{Type: "t3.small", Min: 1, Max: 1}
			s.Settings.Deployment.Policy = "AllAtOnce"
		},
		"suffix":    func(s *Spec) { s.BucketSuffix = "zzzzzz" },
		"protected": func(s *Spec) { s.Settings.Protected = !s.Settings.Protected },
		"application": func(s *Spec) {
			s.Settings.Application = map[string]string{"staging": "production", "production": "staging"}[s.Settings.Application]
		},
		"engine": func(s *Spec) { s.Settings.Database.Engine, s.Settings.Database.Version = "mariadb", "11.4" },
		"other engine": func(s *Spec) {
			s.Settings.Database.Engine, s.Settings.Database.Version = map[string]string{"mysql": "postgres", "postgres": "mysql"}[s.Settings.Database.Engine], "17"
		},
		"version":     func(s *Spec) { s.Settings.Database.Version = "17" },
		"old version": func(s *Spec) { s.Settings.Database.Engine, s.Settings.Database.Version = "postgres", "14" },
		"class":       func(s *Spec) { s.Settings.Database.Class = "db.m7g.large" },
		"storage":     func(s *Spec) { s.Settings.Database.Storage += 100 },
		"multi-AZ":    func(s *Spec) { s.Settings.Database.MultiAZ = !s.Settings.Database.MultiAZ },
		"backups":     func(s *Spec) { s.Settings.Database.BackupDays = 3 },
		"user":        func(s *Spec) { s.Settings.Database.Username = "other" },
		"database":    func(s *Spec) { s.Settings.Database.Name = "other" },
		"no database": func(s *Spec) { s.Settings.Database.Engine = "none" },
		"no assets":   func(s *Spec) { s.Settings.Assets.Enabled = false },
		"assets": func(s *Spec) {
			s.Settings.Assets.NoncurrentDays, s.Settings.Assets.CORSOrigins = 5, []string{"https://a.example.com"}
		},
		"instances": func(s *Spec) { s.Settings.Instances = config.Instances{Type: "m7g.medium", Min: 2, Max: 3, Spot: true} },
		"policy":    func(s *Spec) { s.Settings.Deployment.Policy = "Immutable" },
		"logs":      func(s *Spec) { s.Settings.Logs = config.Logs{} },
		"variables": func(s *Spec) { s.Settings.Environment = map[string]string{"A": "1"}; s.Settings.Secrets = nil },
		"timeout":   func(s *Spec) { s.Settings.Timeout = config.Duration(time.Hour) },
	}
	for _, from := range []Spec{branch, production} {
		for name, change := range changes {
			t.Run(from.Kind+" "+name, func(t *testing.T) {
				spec := from
				change(&spec)
				want, wantErr := r.Preview(t, r.stack(spec.Stack, names.SpecKey, spec))
				got, gotErr := real.Preview(t, real.stack(spec.Stack, names.SpecKey, spec))
				if (wantErr == nil) != (gotErr == nil) {
					t.Errorf("simulated: %v\nreal: %v", wantErr, gotErr)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("-simulated +real\n%s", diff)
				}
			})
		}
	}
}

// TestRealProviderBucket makes, changes and destroys an assets bucket with the real AWS provider over S3 in path style,
// with the configuration that every command writes where AWS_ENDPOINT_URL is set.
func TestRealProviderBucket(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the real engine")
	}
	t.Parallel()
	r := newEngineRun(t)
	r.env["AWS_ENDPOINT_URL"] = strings.Replace(r.env["AWS_ENDPOINT_URL"], "127.0.0.1", "localhost", 1) // an address is in path style anyway
	r = r.withReal(t)
	written := map[string]any{
		"aws:region": "eu-central-1", "aws:s3UsePathStyle": true,
		"aws:defaultTags": map[string]any{"tags": map[string]string{names.TagProject: "shop", names.TagStack: "topic", names.TagBranch: "topic"}},
	}
	values := map[string]string{}
	for name, value := range written {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		values[name] = strings.Trim(string(text), `"`)
	}
	const bucket = "shop-topic-abc123"
	args := components.AssetsBucketArgs{Name: bucket, NoncurrentDays: 7, CORSOrigins: []string{"https://a.example.com"}}
	stack := r.Open("topic", func(ctx *pulumi.Context) error {
		_, err := components.NewAssetsBucket(ctx, "assets", args)
		return err
	}, values)
	r.Up(stack)
	if again := r.Up(stack); len(again) > 0 {
		t.Errorf("a second run changed %v", again)
	}
	args.NoncurrentDays, args.CORSOrigins = 3, nil
	if changes := r.Up(stack); len(changes) != 2 {
		t.Errorf("changes: %v", changes)
	}
	client := s3.New(s3.Options{
		BaseEndpoint: aws.String(r.env["AWS_ENDPOINT_URL"]), UsePathStyle: true, Region: "eu-central-1",
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	for range 3 {
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("k"), Body: strings.NewReader("text")})
		if err != nil {
			t.Fatal(err)
		}
	}
	versions, err := client.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String(bucket)})
	if err != nil || len(versions.Versions) != 3 {
		t.Errorf("versions: %+v, %v", versions, err)
	}
	if _, err := stack.Destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := client.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String(bucket)}); err == nil {
		t.Error("the bucket is left")
	}
}

// TestRealProviderDiffs changes and leaves out each input of each resource that exists: the real AWS provider and the
// simulated one agree on whether that is a change, and whether it replaces the resource.
func TestRealProviderDiffs(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the real engine")
	}
	t.Parallel()
	r := newEngineRun(t)
	simulated, real := r.attached(t), r.realClient(t)
	r.Up(r.stack(names.ApplicationStack, names.ApplicationKey, applicationSpec()))
	branch, production := branchSpec(t), productionSpec(t)
	production.Version = branch.Version
	stacks := []auto.Stack{r.stack(names.ApplicationStack, names.ApplicationKey, applicationSpec())}
	for _, spec := range []Spec{branch, production} {
		stack := r.stack(spec.Stack, names.SpecKey, spec)
		r.Up(stack)
		stacks = append(stacks, stack)
	}
	want, got := map[string]string{}, map[string]string{}
	for _, stack := range stacks {
		for _, res := range r.resources(stack) {
			for name, change := range changedInputs(res.Inputs) {
				key := typeOf(string(res.URN)) + " " + stack.Name() + "/" + res.URN.Name() + ": " + name
				want[key] = verdict(t, simulated, res, change)
				got[key] = verdict(t, real, res, change)
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if want[key] != got[key] && want[key] != "refused" { // the simulated one refuses what AWS would, too
			t.Errorf("%s\n  simulated: %s\n  real:      %s", key, want[key], got[key])
		}
	}
}

// attached is a client of the simulated provider.
func (r *engineRun) attached(t *testing.T) pulumirpc.ResourceProviderClient {
	t.Helper()
	port := strings.TrimPrefix(r.env["PULUMI_DEBUG_PROVIDERS"], "aws:")
	conn, err := grpc.NewClient("127.0.0.1:"+port, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return pulumirpc.NewResourceProviderClient(conn)
}

// realClient is a client of the real provider, configured.
func (r *engineRun) realClient(t *testing.T) pulumirpc.ResourceProviderClient {
	t.Helper()
	_, client := realProvider(t, r.env["AWS_ENDPOINT_URL"])
	args := &structpb.Struct{Fields: map[string]*structpb.Value{"region": structpb.NewStringValue("eu-central-1")}}
	if _, err := client.Configure(t.Context(), &pulumirpc.ConfigureRequest{
		Variables: map[string]string{"aws:config:region": "eu-central-1"}, Args: args, AcceptSecrets: true, SendsOldInputs: true,
	}); err != nil {
		t.Fatal(err)
	}
	return client
}

// resources are those of AWS in the stack's state.
func (r *engineRun) resources(stack auto.Stack) []apitype.ResourceV3 {
	r.t.Helper()
	var d apitype.DeploymentV3
	if err := json.Unmarshal([]byte(r.state(stack)), &d); err != nil {
		r.t.Fatal(err)
	}
	return slices.DeleteFunc(d.Resources, func(res apitype.ResourceV3) bool { return !strings.HasPrefix(string(res.Type), "aws:") })
}

// changedInputs are the inputs with one of them changed or left out, by what was done.
func changedInputs(inputs map[string]any) map[string]map[string]any {
	inputs = maps.Clone(inputs)
	maps.DeleteFunc(inputs, func(name string, _ any) bool { return strings.HasPrefix(name, "__") }) // not the program's
	out := map[string]map[string]any{"as it was": inputs}
	for name, v := range inputs {
		if !slices.Contains([]string{"name", "bucket", "identifier", "description"}, name) { // the provider would fill them in
			without := maps.Clone(inputs)
			delete(without, name)
			out[name+" left out"] = without
		}
		changed := maps.Clone(inputs)
		switch v := v.(type) {
		case string:
			changed[name] = v + "x"
		case float64:
			changed[name] = v + 1
		case bool:
			changed[name] = !v
		default:
			continue
		}
		out[name+" changed"] = changed
	}
	return out
}

// verdict is what a provider says to new inputs: refused, nothing, update or replace, the last with its order and the
// properties that force it.
func verdict(t *testing.T, provider pulumirpc.ResourceProviderClient, res apitype.ResourceV3, news map[string]any) string {
	t.Helper()
	seed := []byte("0123456789abcdef0123456789abcdef")
	checked, err := provider.Check(t.Context(), &pulumirpc.CheckRequest{
		Urn: string(res.URN), Name: res.URN.Name(), Type: string(res.Type), Olds: properties(t, res.Inputs), News: properties(t, news), RandomSeed: seed,
	})
	if err != nil {
		return "error: " + err.Error()
	}
	if len(checked.GetFailures()) > 0 {
		return "refused"
	}
	out, err := provider.Diff(t.Context(), &pulumirpc.DiffRequest{
		Id: string(res.ID), Urn: string(res.URN), Name: res.URN.Name(), Type: string(res.Type),
		Olds: properties(t, res.Outputs), OldInputs: properties(t, res.Inputs), News: checked.GetInputs(),
	})
	switch {
	case err != nil:
		return "error: " + err.Error()
	case len(out.GetReplaces()) > 0:
		how := "replace "
		if out.GetDeleteBeforeReplace() && !slices.Contains(otherwiseNamed(), string(res.Type)) {
			how = "delete, then replace "
		}
		return how + strings.Join(slices.Sorted(slices.Values(out.GetReplaces())), ",")
	case out.GetChanges() == pulumirpc.DiffResponse_DIFF_SOME:
		return "update"
	}
	return "nothing"
}

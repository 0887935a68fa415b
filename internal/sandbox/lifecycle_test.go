package sandbox

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/elasticbeanstalk"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/rds"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/branchenv/branchenv/internal/sandbox/platforms"
	"github.com/branchenv/branchenv/internal/sandbox/services"
)

// names returns what exists, as "Type name".
func names(t *testing.T, dir string) []string {
	t.Helper()
	all, err := Resources(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range all {
		out = append(out, r.Type[strings.LastIndex(r.Type, ":")+1:]+" "+r.Name)
	}
	return out
}

func TestEngineBucket(t *testing.T) {
	notShort(t)
	t.Parallel()
	dir := t.TempDir()
	s := start(t, Options{Dir: dir})
	bucket := func(name string, force bool) pulumi.RunFunc {
		return func(ctx *pulumi.Context) error {
			b, err := s3.NewBucketV2(ctx, "assets", &s3.BucketV2Args{Bucket: pulumi.String(name), ForceDestroy: pulumi.Bool(force)})
			if err != nil {
				return err
			}
			_, err = s3.NewBucketVersioningV2(ctx, "assets", &s3.BucketVersioningV2Args{
				Bucket:                  b.ID(),
				VersioningConfiguration: &s3.BucketVersioningV2VersioningConfigurationArgs{Status: pulumi.String("Enabled")},
			})
			return err
		}
	}
	p := newProgram(t, s, nil)
	steps := []struct {
		name  string
		force bool
		want  map[string]int
	}{
		{"first-name", false, map[string]int{"create": 3}},
		{"first-name", false, map[string]int{"same": 3}},
		{"second-name", false, map[string]int{"same": 1, "replace": 2}},
	}
	for _, step := range steps {
		if diff := cmp.Diff(step.want, p.up(bucket(step.name, step.force))); diff != "" {
			t.Errorf("up %s: -want +got\n%s", step.name, diff)
		}
	}
	if diff := cmp.Diff([]string{"BucketV2 second-name", "BucketVersioningV2 second-name"}, names(t, dir)); diff != "" {
		t.Errorf("resources: -want +got\n%s", diff)
	}
	if _, err := s.cloud.S3.PutObject("second-name", "key", nil, strings.NewReader("content"), 7, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := p.stack.Destroy(t.Context()); err == nil || !strings.Contains(err.Error(), "BucketNotEmpty") {
		t.Fatalf("a bucket that is not empty: %v", err)
	}
	p.up(bucket("second-name", true))
	if _, err := p.stack.Destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("after destroy: %v", got)
	}
}

// web is a program with an environment, a database and a DNS record.
func web(ctx *pulumi.Context, kind string) error {
	zoneName := "preview.example.com"
	zone, err := route53.LookupZone(ctx, &route53.LookupZoneArgs{Name: &zoneName})
	if err != nil {
		return err
	}
	app, err := elasticbeanstalk.NewApplication(ctx, "app", nil)
	if err != nil {
		return err
	}
	env, err := elasticbeanstalk.NewEnvironment(ctx, "web", &elasticbeanstalk.EnvironmentArgs{
		Application: app.Name, SolutionStackName: pulumi.String(platforms.SolutionStacks()[0]), Tags: pulumi.StringMap{"kind": pulumi.String(kind)},
		Settings: elasticbeanstalk.EnvironmentSettingArray{elasticbeanstalk.EnvironmentSettingArgs{
			Namespace: pulumi.String("aws:autoscaling:launchconfiguration"), Name: pulumi.String("IamInstanceProfile"), Value: pulumi.String("profile"),
		}},
	})
	if err != nil {
		return err
	}
	db, err := rds.NewInstance(ctx, "db", &rds.InstanceArgs{
		Identifier: pulumi.String("web-db"), Engine: pulumi.String("postgres"), InstanceClass: pulumi.String("db.t4g.micro"), AllocatedStorage: pulumi.Int(20),
		Username: pulumi.String("app"), Password: pulumi.ToSecret(pulumi.String("correct-horse")).(pulumi.StringOutput), SkipFinalSnapshot: pulumi.Bool(true),
	})
	if err != nil {
		return err
	}
	_, err = route53.NewRecord(ctx, "web", &route53.RecordArgs{
		ZoneId: pulumi.String(zone.ZoneId), Name: pulumi.String("web"), Type: pulumi.String("CNAME"), Ttl: pulumi.Int(60),
		Records: pulumi.StringArray{env.EndpointUrl},
	})
	ctx.Export("database", db.Endpoint)
	return err
}

func TestEngineEnvironment(t *testing.T) {
	notShort(t)
	t.Parallel()
	dir := t.TempDir()
	s, c := served(t, Options{Dir: dir})
	c.Create(services.TypeRole, "role", map[string]any{"name": "role", "assumeRolePolicy": `{"Statement": []}`})
	c.Create(services.TypeInstanceProfile, "profile", map[string]any{"name": "profile", "role": "role"})
	run := func(kind string) pulumi.RunFunc { return func(ctx *pulumi.Context) error { return web(ctx, kind) } }
	home := t.TempDir()
	p := newProgramIn(t, s, home, run("branch"))
	preview, err := p.stack.Preview(t.Context(), optpreview.Diff())
	if err != nil {
		t.Fatal(err)
	}
	if preview.ChangeSummary["create"] != 5 {
		t.Errorf("preview: %v", preview.ChangeSummary)
	}
	for _, step := range []struct {
		kind string
		want map[string]int
	}{
		{"branch", map[string]int{"create": 5}},
		{"branch", map[string]int{"same": 5}},
		{"staging", map[string]int{"same": 4, "update": 1}},
	} {
		if diff := cmp.Diff(step.want, p.up(run(step.kind))); diff != "" {
			t.Errorf("up %s: -want +got\n%s", step.kind, diff)
		}
	}
	// A refresh finds nothing new, and the password is nowhere in the state.
	refreshed, err := p.stack.Refresh(t.Context())
	if err != nil || (*refreshed.Summary.ResourceChanges)["same"] != 5 {
		t.Errorf("refresh: %v, %v", refreshed.Summary.ResourceChanges, err)
	}
	err = filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte("correct-horse")) {
			t.Errorf("%s holds the password", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	// A refresh forgets a resource that was deleted by hand, and the next up creates it again.
	id, out := c.Read(services.TypeDatabase, "web-db")
	if err := c.Remove(services.TypeDatabase, id, out); err != nil {
		t.Fatal(err)
	}
	if _, err := p.stack.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"create": 1, "same": 4}, p.up(run("staging"))); diff != "" {
		t.Errorf("after a deletion by hand: -want +got\n%s", diff)
	}
	if _, err := p.stack.Destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"InstanceProfile profile", "Role role"}, names(t, dir)); diff != "" {
		t.Errorf("after destroy: -want +got\n%s", diff)
	}
}

package sandbox

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func TestEngineBucket(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, Options{Dir: dir})
	bucket := func(name string) pulumi.RunFunc {
		return func(ctx *pulumi.Context) error {
			b, err := s3.NewBucketV2(ctx, "assets", &s3.BucketV2Args{Bucket: pulumi.String(name)})
			if err != nil {
				return err
			}
			ctx.Export("arn", b.Arn)
			return nil
		}
	}
	p := newProgram(t, s, bucket("first-name"))
	steps := []struct {
		name string
		want map[string]int
	}{
		{"first-name", map[string]int{"create": 2}},
		{"first-name", map[string]int{"same": 2}},
		{"second-name", map[string]int{"same": 1, "replace": 1}},
	}
	for _, step := range steps {
		if diff := cmp.Diff(step.want, p.up(bucket(step.name))); diff != "" {
			t.Errorf("up %s: -want +got\n%s", step.name, diff)
		}
	}
	got, err := Resources(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Resource{{Type: typeBucket, Name: "second-name", ID: "second-name", Tags: map[string]string{}}}, got); diff != "" {
		t.Errorf("resources: -want +got\n%s", diff)
	}
	if _, err := p.stack.Destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err = Resources(dir); err != nil || len(got) != 0 {
		t.Errorf("after destroy: %v, %v", got, err)
	}
}

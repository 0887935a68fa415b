package stacks

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/stackstest"
)

// bucketState has a bucket with what is set on it, and what is not the bucket's.
func bucketState() backend.State {
	made := func(urn, typ, id string, inputs map[string]any) backend.Resource {
		return backend.Resource{URN: urn, Custom: true, Type: typ, ID: id, Inputs: inputs}
	}
	of := map[string]any{"bucket": "shop-a"}
	return backend.State{Resources: []backend.Resource{
		made("bucket", aws.TypeBucket, "shop-a", of),
		made("policy", "aws:s3/bucketPolicy:BucketPolicy", "shop-a", of),
		made("versioning", "aws:s3/bucketVersioningV2:BucketVersioningV2", "shop-a", of),
		made("bundle", "aws:s3/bucketObjectv2:BucketObjectv2", "k", map[string]any{"bucket": "versions", "key": "k"}),
		made("version", aws.TypeVersion, "v", of),
		made("database", aws.TypeDatabase, "db-1", map[string]any{"identifier": "shop-a"}),
	}}
}

func TestWithSettings(t *testing.T) {
	t.Parallel()
	s := bucketState()
	if diff := cmp.Diff([]string{"bucket", "policy", "versioning"}, s.BucketURNs(s.Buckets())); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestCandidates(t *testing.T) {
	t.Parallel()
	tagged := map[string]any{"branchenv:stack": "topic"}
	s := backend.State{Resources: []backend.Resource{
		{URN: "listed", Custom: true, Type: aws.TypeDatabase, Outputs: map[string]any{"arn": "arn:1", "tagsAll": tagged}},
		{URN: "not listed", Custom: true, Type: aws.TypeDatabase, Outputs: map[string]any{"arn": "arn:2", "tagsAll": tagged}},
		{URN: "no tags", Custom: true, Type: aws.TypeVersion, Outputs: map[string]any{"arn": "arn:3"}},
		{URN: "no ARN", Custom: true, Type: aws.TypeRecord, Outputs: map[string]any{}},
		{URN: "a setting", Custom: true, Type: "aws:s3/bucketPolicy:BucketPolicy", Outputs: map[string]any{}},
	}}
	var got []string
	for _, r := range candidates(s, map[string]bool{"arn:1": true}) {
		got = append(got, r.URN)
	}
	if diff := cmp.Diff([]string{"not listed", "no ARN"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestKeptState(t *testing.T) {
	t.Parallel()
	b := stackstest.Open(t, t.TempDir())
	before := bucketState()
	ref, err := b.SaveState(t.Context(), backend.Facts{Name: "a", State: before})
	if err != nil || ref == "" {
		t.Fatalf("kept as %q: %v", ref, err)
	}
	kept, err := b.SavedState(t.Context(), "a", ref)
	if err != nil {
		t.Fatal(err)
	}
	now := backend.State{Resources: []backend.Resource{before.Resources[0], {URN: "new", ID: "n"}}}
	var got []string
	for _, r := range now.Merge(kept).Resources {
		got = append(got, r.URN)
	}
	if diff := cmp.Diff([]string{"bucket", "new", "policy", "versioning", "bundle", "version", "database"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for range 2 {
		if err := b.DropSavedState(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.SavedState(t.Context(), "a", ref); err == nil {
		t.Error("it is still there")
	}
}

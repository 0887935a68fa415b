package engine

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAdopt(t *testing.T) {
	t.Parallel()
	before := `{"version":3,"features":["x"],"deployment":{
		"manifest":{"time":"2026-01-01T00:00:00Z","big":12345678901234567890},
		"resources":[{"urn":"a","type":"pulumi:pulumi:Stack"}],
		"pending_operations":[
			{"type":"creating","resource":{"urn":"b","type":"aws:s3/bucketV2:BucketV2","inputs":{"__defaults":[],"bucket":"<b>&"}}},
			{"type":"creating","resource":{"urn":"c"}},
			{"type":"deleting","resource":{"urn":"d","id":"d-1"}}],
		"metadata":{}}}`
	want := `{"version":3,"features":["x"],"deployment":{
		"manifest":{"time":"2026-01-01T00:00:00Z","big":12345678901234567890},
		"resources":[
			{"urn":"a","type":"pulumi:pulumi:Stack"},
			{"id":"b-1","urn":"b","type":"aws:s3/bucketV2:BucketV2","inputs":{"__defaults":[],"bucket":"<b>&"},"outputs":{"bucket":"<b>&"}}],
		"pending_operations":[
			{"type":"creating","resource":{"urn":"c"}},
			{"type":"deleting","resource":{"urn":"d","id":"d-1"}}],
		"metadata":{}}}`
	got, err := ImportPending([]byte(before), map[string]string{"b": "b-1", "d": "never: it is not being created"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(parse(t, want), parse(t, string(got))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func parse(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

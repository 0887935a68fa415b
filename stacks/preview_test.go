package stacks

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/engine"
)

func TestPreviewObserve(t *testing.T) {
	t.Parallel()
	p := Preview{Changes: map[string]int{}}
	for _, e := range recordedEvents(t) {
		p.observe(e)
	}
	const bucket = "aws:s3/bucketV2:BucketV2"
	for _, line := range []string{
		`{"op":"update","type":"` + bucket + `","urn":"urn:pulumi:x::shop::` + bucket + `::b","diffs":["tags"],"detailedDiff":{"tags.b":{"diffKind":"add"},"forceDestroy":{"diffKind":"update"}}}`,
		`{"op":"update","type":"` + bucket + `","urn":"urn:pulumi:x::shop::` + bucket + `::c","diffs":["tags","bucket"]}`,
	} {
		var e engine.Event
		if err := json.Unmarshal([]byte(`{"resourcePreEvent":{"metadata":`+line+`}}`), &e); err != nil {
			t.Fatal(err)
		}
		p.observe(e)
	}
	want := Preview{
		Changes: map[string]int{"create": 2, "delete": 1, "replace": 1, "same": 1, "update": 2},
		Steps: []PreviewStep{
			{Op: "create", Type: bucket, Name: "assets"},
			{Op: "replace", Type: "aws:rds/instance:Instance", Name: "database"},
			{Op: "create", Type: "aws:elasticbeanstalk/environment:Environment", Name: "environment"},
			{Op: "delete", Type: "aws:route53/record:Record", Name: "dns"},
			{Op: "update", Type: bucket, Name: "b", Diff: []string{"forceDestroy", "tags.b"}},
			{Op: "update", Type: bucket, Name: "c", Diff: []string{"bucket", "tags"}},
		},
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// recordedEvents are events of the engine: an update in which the making of a Beanstalk environment failed.
func recordedEvents(t *testing.T) (events []engine.Event) {
	t.Helper()
	file, err := os.Open("../internal/engine/testdata/engine-events.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var e engine.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

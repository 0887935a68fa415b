package engine

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/internal/pulumitest"
)

// recordedEvents are events of the engine: an update in which the making of a Beanstalk environment failed.
func recordedEvents(t *testing.T) (events []Event) {
	t.Helper()
	file, err := os.Open("testdata/engine-events.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var e Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

// TestTranslator holds what people are told of an update against a golden file.
func TestTranslator(t *testing.T) {
	t.Parallel()
	names := map[operation.EventKind]string{operation.ResourceStart: "start", operation.ResourceDone: "done", operation.ResourceFailed: "failed", operation.Warning: "warning"}
	type told struct{ Kind, Op, Type, Name, Message string }
	var got struct {
		Events   []told
		Failures []string
	}
	events, watched := recordedEvents(t), 0
	translate := newTranslator("login", func(e operation.Event) {
		if e.Stack != "login" || e.Time.IsZero() || e.Elapsed < 0 || names[e.Kind] == "" {
			t.Errorf("event %+v", e)
		}
		got.Events = append(got.Events, told{names[e.Kind], e.Op, e.Type, e.Name, e.Message.String()})
	}, func(Event) { watched++ })
	silent := newTranslator("login", nil, nil)
	for _, e := range events {
		translate.event(e)
		silent.event(e)
	}
	got.Failures = translate.failures
	pulumitest.Golden(t, "translator", got)
	if watched != len(events) {
		t.Errorf("%d of %d events were seen by the watcher", watched, len(events))
	}
	if diff := cmp.Diff(translate.failures, silent.failures); diff != "" {
		t.Errorf("failures without an observer differ:\n%s", diff)
	}
}

func TestElapsed(t *testing.T) {
	t.Parallel()
	translate := newTranslator("x", nil, nil)
	translate.started["urn"] = time.Now().Add(-time.Hour)
	if got := translate.elapsed("urn"); got < time.Hour || translate.elapsed("other") != 0 {
		t.Errorf("elapsed %s and %s", got, translate.elapsed("other"))
	}
}

func TestCause(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                      "",
		"warning: old\nerror: no stack\nmore\n": "no stack",
		"error: \n  on the next line":           "on the next line",
		"  error: indented":                     "indented",
		"only\nthe last\n":                      "the last",
		"a bug!\npanic: nil pointer\ngoroutine 1\n/home/x/main.go:69 +0x6d": "pulumi crashed: panic: nil pointer",
		"error: \x1b[31mred\x1b[0m\u202e<{%reset%}>":                        "red",
		"an error: in the middle":                                           "an error: in the middle",
	} {
		if got := cause(in); got != want {
			t.Errorf("cause(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestEngineLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"<{%fg 13%}><{%bold%}>two\n\tlines<{%reset%}>\n": "two lines",
		"<{% not closed":      "<{% not closed",
		"<{%<{%reset%}>x%}>":  "<{%x%}>",
		"100%}> of <{\"a\"}>": "100%}> of <{\"a\"}>",
	} {
		if got := engineLine(in); got != want {
			t.Errorf("engineLine(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestURNName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"urn:pulumi:x::shop::aws:s3/bucketV2:BucketV2::assets": "assets", "": "", "odd": "odd", "a::": ""} {
		if got := URNName(in); got != want {
			t.Errorf("urnName(%q) = %q, want %q", in, got, want)
		}
	}
}

// An Observer is called by one goroutine at a time, wherever the events come from.
func TestOneAtATime(t *testing.T) {
	t.Parallel()
	var inside, total int
	observe := operation.Observer(func(operation.Event) {
		inside++
		total += inside
		inside--
	}).Serialized()
	done := make(chan struct{})
	for range 4 {
		go func() {
			for range 500 {
				observe(operation.Event{})
			}
			done <- struct{}{}
		}()
	}
	for range 4 {
		<-done
	}
	if total != 2000 {
		t.Errorf("%d, want 2000", total)
	}
	if operation.Observer(nil).Serialized() != nil {
		t.Error("no Observer became one")
	}
}

package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vbauerster/mpb/v8"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/internal/text"
)

var progressStart = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// runEvents is an update and the emptying of a bucket, as the manager tells them, a time after the start.
func runEvents() []operation.Event {
	const database, bucket = "aws:rds/instance:Instance", "aws:s3/bucketV2:BucketV2"
	at := func(seconds int, e operation.Event) operation.Event {
		e.Time = progressStart.Add(time.Duration(seconds) * time.Second)
		return e
	}
	return []operation.Event{
		at(0, operation.Event{Kind: operation.Step, Op: "update"}),
		at(1, operation.Event{Kind: operation.ResourceStart, Op: "create", Type: "pulumi:pulumi:Stack", Name: "acme-x"}),
		at(1, operation.Event{Kind: operation.ResourceStart, Op: "same", Type: bucket, Name: "old"}),
		at(2, operation.Event{Kind: operation.ResourceStart, Op: "create", Type: "branchenv:index:BranchDatabase", Name: "x"}),
		at(2, operation.Event{Kind: operation.ResourceStart, Op: "create", Type: database, Name: "x-database"}),
		at(2, operation.Event{Kind: operation.ResourceStart, Op: "create", Type: bucket, Name: "x-assets"}),
		at(3, operation.Event{Kind: operation.ResourceDone, Op: "create", Type: bucket, Name: "x-assets", Elapsed: time.Second}),
		at(40, operation.Event{Kind: operation.AWS, Message: fault.Textf("Environment health is Red \x1b[31m")}),
		at(65, operation.Event{Kind: operation.ResourceFailed, Op: "create", Type: database, Name: "x-database", Elapsed: 63 * time.Second, Message: fault.Textf("no capacity")}),
		at(66, operation.Event{Kind: operation.Emptying, Bucket: "acme-x", Done: 1000}),
		at(67, operation.Event{Kind: operation.Emptying, Bucket: "acme-x", Done: 2000}),
		at(72, operation.Event{Kind: operation.Emptying, Bucket: "acme-x", Done: 12000}),
		at(73, operation.Event{Kind: operation.Warning, Message: fault.Textf("mind the gap")}),
		at(74, operation.Event{Kind: operation.Note, Message: fault.Textf("done\nhere")}),
	}
}

func TestProgressLog(t *testing.T) {
	t.Parallel()
	log := progressLog{words: eventWords{render: fault.Text.String}, start: progressStart, last: progressStart}
	var lines []string
	for _, e := range runEvents() {
		for tick := 0; tick < 3; tick++ { // the clock goes on before each event
			lines = append(lines, log.tick(log.last.Add(min(heartbeat, e.Time.Sub(log.last))))...)
		}
		lines = append(lines, log.event(e)...)
	}
	for i := range lines {
		lines[i] = text.Escape(lines[i])
	}
	golden(t, "progress-plain.txt", strings.Join(lines, "\n")+"\n")
}

func TestQuietProgress(t *testing.T) {
	t.Parallel()
	var written bytes.Buffer
	s := &session{err: &printer{to: &written}, quiet: true, live: true, now: time.Now}
	p := s.startProgress()
	for _, e := range runEvents() {
		p.observe(e)
	}
	p.close()
	want := "branchenv: creating database x-database failed (1m03s): no capacity\nbranchenv: warning: mind the gap\n"
	if diff := cmp.Diff(want, written.String()); diff != "" {
		t.Error(diff)
	}
}

// What remains at a terminal after live progress is a line for each thing that ended, all of them clean.
func TestLive(t *testing.T) {
	t.Parallel()
	var written bytes.Buffer
	err := &printer{to: &written}
	l := newLive(err, progressStart, fault.Text.String, mpb.WithAutoRefresh(), mpb.WithRefreshRate(time.Millisecond))
	for _, e := range runEvents() {
		l.observe(e)
	}
	l.close()
	err.linef("after")
	text := written.String()
	for _, line := range []string{
		"    3s  created bucket x-assets (1s)\n",
		"   40s  AWS: Environment health is Red \\x1b[31m\n",
		" 1m05s  creating database x-database failed (1m03s): no capacity\n",
		" 1m13s  warning: mind the gap\n",
		" 1m14s  done\\x0ahere\n",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("missing: %q", line)
		}
	}
	if !strings.HasSuffix(text, "after\n") {
		t.Errorf("the stream was not given back: %q", text[max(0, len(text)-100):])
	}
}

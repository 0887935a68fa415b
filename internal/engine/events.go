package engine

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
)

// Event is an event of the engine.
type Event = apitype.EngineEvent

// translator turns the engine's events into branchenv's events and collects the errors among them.
type translator struct {
	stack    string
	observe  operation.Observer
	watch    func(Event) // sees every event unchanged; may be nil
	started  map[string]time.Time
	failures []string
	causes   map[string]string // the last error of each resource, by URN
}

func newTranslator(stack string, observe operation.Observer, watch func(Event)) *translator {
	return &translator{stack: stack, observe: observe, watch: watch, started: map[string]time.Time{}, causes: map[string]string{}}
}

func (t *translator) report(e operation.Event) {
	if t.observe != nil {
		e.Stack, e.Time = t.stack, time.Now()
		t.observe(e)
	}
}

func (t *translator) event(e Event) {
	if t.watch != nil {
		t.watch(e)
	}
	switch {
	case e.ResourcePreEvent != nil:
		if m := e.ResourcePreEvent.Metadata; reported(m) && !e.ResourcePreEvent.Planning {
			t.started[m.URN] = time.Now()
			t.report(operation.Event{Kind: operation.ResourceStart, Op: string(m.Op), Type: m.Type, Name: URNName(m.URN)})
		}
	case e.ResOutputsEvent != nil:
		if m := e.ResOutputsEvent.Metadata; reported(m) && !e.ResOutputsEvent.Planning {
			t.report(operation.Event{Kind: operation.ResourceDone, Op: string(m.Op), Type: m.Type, Name: URNName(m.URN), Elapsed: t.elapsed(m.URN)})
		}
	case e.ResOpFailedEvent != nil:
		m := e.ResOpFailedEvent.Metadata
		t.report(operation.Event{Kind: operation.ResourceFailed, Op: string(m.Op), Type: m.Type, Name: URNName(m.URN), Elapsed: t.elapsed(m.URN), Message: fault.Textf("%s", t.causes[m.URN])})
	case e.DiagnosticEvent != nil:
		t.diagnostic(*e.DiagnosticEvent)
	}
}

func (t *translator) elapsed(urn string) time.Duration {
	if s, ok := t.started[urn]; ok {
		return time.Since(s)
	}
	return 0
}

func (t *translator) diagnostic(d apitype.DiagnosticEvent) {
	text := engineLine(d.Message)
	switch d.Severity {
	case "error":
		// The engine's last error only says that there were errors.
		if text == "" || text == "update failed" || text == "preview failed" || strings.HasPrefix(text, "resource registration failed") {
			return
		}
		t.causes[d.URN] = text
		if d.URN != "" && !strings.Contains(d.URN, "::pulumi:pulumi:Stack::") {
			text = URNName(d.URN) + ": " + text
		}
		if !slices.Contains(t.failures, text) {
			t.failures = append(t.failures, text)
		}
	case "warning":
		t.report(operation.Event{Kind: operation.Warning, Message: fault.Textf("%s", text)})
	}
}

// reported reports whether observers see a step: it changes an AWS resource.
func reported(m apitype.StepEventMetadata) bool {
	return strings.HasPrefix(m.Type, "aws:") && m.Op != apitype.OpSame && m.Op != apitype.OpReplace
}

// URNName returns the logical name at the end of a URN.
func URNName(urn string) string {
	if i := strings.LastIndex(urn, "::"); i >= 0 {
		return urn[i+2:]
	}
	return urn
}

// colours matches the colour marks in the engine's messages, such as <{%fg 1%}>.
var colours = regexp.MustCompile(`<\{%[^%]*%\}>`)

// engineLine returns a message of the engine as one line, without colours. It also removes the count that the engine puts
// before an error that came after a resource was created.
func engineLine(s string) string {
	return strings.TrimPrefix(fault.Line(colours.ReplaceAllString(s, "")), "1 error occurred: * ")
}

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/internal/reconcile"
	"github.com/branchenv/branchenv/internal/reconcile/plan"
	"github.com/branchenv/branchenv/stacks"
)

func TestConfirm(t *testing.T) {
	t.Parallel()
	for answer, confirmed := range map[string]bool{
		"yes\n": true, " yes \n": true, "yes": true, "y\n": false, "no\n": false, "\n": false, "": false, "yes please\n": false,
	} {
		s := &session{in: strings.NewReader(answer), err: &printer{to: io.Discard}}
		err := s.confirm(t.Context())
		if (err == nil) != confirmed || fault.Code(err) != map[bool]int{true: 0, false: fault.Failed}[confirmed] {
			t.Errorf("answer %q: %v", answer, err)
		}
	}
}

// An interrupt while the question waits ends the command though nobody answers.
func TestConfirmInterrupted(t *testing.T) {
	t.Parallel()
	in, out := io.Pipe()
	defer out.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &session{in: in, err: &printer{to: io.Discard}}
	if err := s.confirm(ctx); err == nil || err.Error() != "interrupted; nothing was changed" {
		t.Error(err)
	}
}

func TestSignals(t *testing.T) {
	t.Parallel()
	var said []string
	ctx, cancel := context.WithCancel(t.Context())
	s := &signals{cancel: cancel}
	stop := operation.NewStopper()
	s.changing(stop, func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) })
	type state struct {
		said              int
		stopped, canceled bool
	}
	var got []state
	for range 3 {
		s.signal()
		got = append(got, state{len(said), stop.Stopped(), ctx.Err() != nil})
	}
	want := []state{{1, true, false}, {2, true, false}, {2, true, true}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(state{})); diff != "" {
		t.Error(diff)
	}
}

// Before anything is changed the first signal ends the command.
func TestSignalWhileReading(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := &signals{cancel: cancel}
	s.signal()
	if ctx.Err() == nil {
		t.Error("the command was not cancelled")
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"plain":  {errors.New("no luck"), "branchenv: error: no luck\n"},
		"hint":   {fault.Usagef("bad").WithHint("do\x1b it"), "branchenv: error: bad\nbranchenv: hint: do\\x1b it\n"},
		"joined": {errors.Join(errors.New("a"), fmt.Errorf("b: %w", errors.New("c"))), "branchenv: error: a\nbranchenv: error: b: c\n"},
		"lines":  {fault.Failedf("update: %w", errors.New("first\r\n\n  second\u202e\n")), "branchenv: error: update: first\nbranchenv: error:   second\\u202e\n"},
	} {
		var written bytes.Buffer
		s := &session{err: &printer{to: &written}}
		s.report(test.err)
		if diff := cmp.Diff(test.want, written.String()); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

// What cannot be written is an error: a full disk must not look like success.
func TestOutputFails(t *testing.T) {
	t.Parallel()
	var messages bytes.Buffer
	code := Main(t.Context(), []string{"version"}, Streams{
		In: strings.NewReader(""), Out: brokenWriter{}, Err: &messages, Env: func(string) string { return "" },
	})
	if diff := cmp.Diff("branchenv: error: write to standard output: no space\n", messages.String()); code != fault.Failed || diff != "" {
		t.Errorf("exit code %d:\n%s", code, diff)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no space") }

// A destroy that leaves something behind has failed, and its receipt says what is left.
func TestReceiptWithRemainder(t *testing.T) {
	t.Parallel()
	var written bytes.Buffer
	s := &session{out: &printer{to: &written}, json: true}
	err := s.printReceipt(stacks.Receipt{
		Branch: "b", Stack: "b", Remaining: []stacks.Resource{{Type: "aws:s3/bucketV2:BucketV2", Name: "x", Note: "still there"}},
	})
	if fault.Code(err) != fault.Failed || err.Error() != "1 resource of stack b left behind" {
		t.Errorf("%v", err)
	}
	if !strings.Contains(written.String(), `"deleted": [],`) {
		t.Error(written.String())
	}
}

// TestHintsStayInTheSandbox: a command that is named in the sandbox must not lead to the real account, whatever commands there
// are.
func TestHintsStayInTheSandbox(t *testing.T) {
	t.Parallel()
	s := &session{sandbox: true}
	without := []string{"init", "config", "sandbox", "version", "completion", "complete"} // work on no account
	for _, c := range s.commands() {
		want := program + " --sandbox " + c.Name + " x"
		if slices.Contains(without, c.Name) {
			want = program + " " + c.Name + " x"
		}
		if got := s.render(fault.Textf("%s", fault.Command{c.Name, "x"})); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	up := fault.Textf("run %s", fault.Command{"up", "$(x)"})
	if got := (&session{config: "a b.yaml", sandbox: true}).render(up); got != "run branchenv --config 'a b.yaml' --sandbox up '$(x)'" {
		t.Errorf("with settings elsewhere: %q", got)
	}
	if got := (&session{}).render(up); got != "run branchenv up '$(x)'" {
		t.Errorf("outside the sandbox: %q", got)
	}
}

// TestCommandsEverywhere: whatever names a command names it with the flags of this one: errors, hints, messages, plans, reasons.
func TestCommandsEverywhere(t *testing.T) {
	t.Parallel()
	var written bytes.Buffer
	s := &session{out: &printer{to: &written}, err: &printer{to: &written}, sandbox: true}
	list := fault.Textf("see %s", fault.Command{"list"})
	s.report(errors.Join(
		fmt.Errorf("stack x: %w", fault.Refusedf("it is not yours, %s", list).WithHint("ask: %s", list)),
		fault.Failedf("no luck").WithHint("%s", fault.Command{"doctor"}), fault.Failedf("none either").WithHint("%s", fault.Command{"doctor"}),
	))
	s.say("%s", list)
	s.warn("%s", list)
	step := plan.Step{Branch: "x", Stack: "x", Action: plan.Keep, Reason: list}
	_ = s.printPlan(&reconcile.Run{Plan: plan.Plan{Source: "shop", Steps: []plan.Step{step}, Refused: list}, Input: plan.Input{Stacks: []plan.Stack{{Name: "x", Incomplete: true}}}})
	_ = s.printOutcome(reconcile.Outcome{Kept: []plan.Step{step}, Failed: []reconcile.Failure{{Step: step, Error: "no", Next: fault.Command{"up", "x"}}}})
	_ = s.printExplanation(explanation{Branch: "x", Reasons: []fault.Text{list}, Trace: []fault.Text{list}})
	for _, kind := range []operation.EventKind{operation.Warning, operation.Note, operation.Step} {
		e := operation.Event{Kind: kind, Stack: "x", Op: "keep", Message: list}
		s.quietProgress().observe(e)
		for _, line := range (&progressLog{words: eventWords{render: s.render, byStack: true}}).event(e) {
			s.out.linef("%s", strings.TrimSpace(line[strings.Index(line, "["):]))
		}
	}
	want := `branchenv: error: stack x: it is not yours, see branchenv --sandbox list
branchenv: error: no luck
branchenv: error: none either
branchenv: hint: ask: see branchenv --sandbox list
branchenv: hint: branchenv --sandbox doctor
branchenv: see branchenv --sandbox list
branchenv: see branchenv --sandbox list
ACTION  BRANCH  STACK  REASON
keep    x       x      see branchenv --sandbox list
branchenv: 1 stack half made or left behind: branchenv --sandbox doctor tells more

RESULT      ACTION  BRANCH  DETAIL
left alone  keep    x       see branchenv --sandbox list
FAILED      keep    x       no
branchenv: failed: keep of branch x: no
branchenv:         try: branchenv --sandbox up x
x
  see branchenv --sandbox list
reconcile
  see branchenv --sandbox list
branchenv: warning: see branchenv --sandbox list
[x] warning: see branchenv --sandbox list
[x] see branchenv --sandbox list
[x] keep: see branchenv --sandbox list
`
	if diff := cmp.Diff(want, written.String()); diff != "" {
		t.Error(diff)
	}
}

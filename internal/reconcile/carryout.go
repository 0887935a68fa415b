// Package reconcile brings the environments of a project in line with its branches: it reads the facts, has the plan made by
// package plan, carries it out, and keeps the heartbeat.
package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/internal/reconcile/plan"
	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks"
)

// Options says how a plan is carried out.
type Options struct {
	// Head asks the source for one branch, past every cache; false: it does not exist. It is asked right before each
	// step begins, from several goroutines. Required.
	Head func(ctx context.Context, branch string) (plan.Branch, bool, error)
	// Parallel is how many environments are worked on at once. Default: see DefaultParallel.
	Parallel int
	// Timeout bounds the work on one environment; then pulumi is interrupted, which lets what it has begun end. Default 1h.
	Timeout time.Duration
	// LockWait bounds how long a stack that another process works on is waited for. Default 5m.
	LockWait time.Duration
}

// Outcome is what became of a plan: each of its steps that were to change something is in one of the lists, which are
// in the plan's order.
type Outcome struct {
	Done   []plan.Step `json:"done"`
	Kept   []plan.Step `json:"kept"`   // decided otherwise right before it began; the reason says why
	Failed []Failure   `json:"failed"` // the next run tries again
	Left   []plan.Step `json:"left"`   // not begun, because someone asked to stop
}

// Failure is a step that failed.
type Failure struct {
	plan.Step
	Error string        `json:"error"`
	Next  fault.Command `json:"next"` // the command to try
}

// Err is nil where every step was done or kept; exit code 99 where some failed, 1 where some were not begun.
func (o Outcome) Err() error {
	switch {
	case len(o.Failed) > 0:
		return fault.Partialf("%s of %d failed", text.Count(len(o.Failed), "environment"), o.total()).WithHint("the next run tries them again")
	case len(o.Left) > 0:
		return fault.Failedf("%w: %s not begun", operation.ErrStopped, text.Count(len(o.Left), "step")).WithHint("run the same command again to go on")
	}
	return nil
}

func (o Outcome) total() int { return len(o.Done) + len(o.Kept) + len(o.Failed) + len(o.Left) }

// result is what became of one step.
type result struct {
	kept   fault.Text // why it was not carried out, where it was decided otherwise
	begun  bool
	failed error
}

// Run carries out what plan, which was made from in, has to do: all destructions first, because creates may need
// the room, then the rest. A step that fails, be it with a panic, does not stop the others. Right before each one
// begins, it is decided anew from the stack's facts and the branch as they are by then: a branch that came back, an
// environment that was updated or is to be kept by now, are left alone.
func Run(ctx context.Context, m stacks.Manager, in plan.Input, p plan.Plan, o Options) Outcome {
	o.Parallel = cmp.Or(o.Parallel, DefaultParallel())
	o.Timeout = cmp.Or(o.Timeout, time.Hour)
	o.LockWait = cmp.Or(o.LockWait, 5*time.Minute)
	todo := p.Todo()
	results := make([]result, len(todo))
	exists := map[string]bool{}
	for _, fact := range in.Stacks {
		exists[fact.Name] = true
	}
	if err := m.SweepWorkDirs(exists); err != nil { // a run that was killed may have left some, and nobody else would look
		m.Tell("", operation.Event{Kind: operation.Warning, Message: err.Error()})
	}
	d := &doing{m: m, Options: o, in: in}
	phase := func(destroys bool) {
		var group errgroup.Group
		group.SetLimit(max(1, o.Parallel))
		for i, step := range todo {
			if (step.Action == plan.Destroy) == destroys {
				group.Go(func() error {
					results[i] = d.step(ctx, step)
					return nil
				})
			}
		}
		_ = group.Wait() // no step returns an error
	}
	phase(true)
	phase(false)
	out := Outcome{Done: []plan.Step{}, Kept: []plan.Step{}, Failed: []Failure{}, Left: []plan.Step{}}
	for i, step := range todo {
		switch r := results[i]; {
		case !r.begun:
			out.Left = append(out.Left, step)
		case r.failed != nil:
			out.Failed = append(out.Failed, Failure{step, fault.Line(r.failed.Error()), step.Next()})
		case !r.kept.IsZero():
			step.Reason = r.kept
			out.Kept = append(out.Kept, step)
		default:
			out.Done = append(out.Done, step)
		}
	}
	return out
}

// doing is a plan that is being carried out.
type doing struct {
	m stacks.Manager
	Options
	mu sync.Mutex // for in: its rules are not for several goroutines
	in plan.Input
}

// step carries out one step.
func (d *doing) step(ctx context.Context, step plan.Step) (r result) {
	if d.m.Stop.Stopped() || ctx.Err() != nil {
		return result{}
	}
	r.begun = true
	defer func() {
		if p := recover(); p != nil {
			r.failed = fmt.Errorf("branchenv has a bug: %v", p)
		}
		d.report(step, r)
	}()
	limited, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	d.m.Tell(step.Stack, operation.Event{Kind: operation.Step, Op: string(step.Action), Message: step.Reason.String()})
	r.kept, r.failed = d.do(limited, step)
	if r.failed != nil && errors.Is(limited.Err(), context.DeadlineExceeded) {
		r.failed = fmt.Errorf("it took longer than %s: %w", config.Duration(d.Timeout), r.failed)
	}
	return r
}

func (d *doing) report(step plan.Step, r result) {
	switch {
	case r.failed != nil:
		d.m.Tell(step.Stack, operation.Event{Kind: operation.Warning, Message: string(step.Action) + ": " + r.failed.Error()})
	case !r.kept.IsZero():
		d.m.Tell(step.Stack, operation.Event{Kind: operation.Note, Message: "left alone: " + r.kept.String()})
	default:
		d.m.Tell(step.Stack, operation.Event{Kind: operation.Note, Message: string(step.Action) + " done"})
	}
}

// do decides once more and acts. Where another process works on the stack, or gets to it first, it waits for a while and
// decides again. kept is why it did not act.
func (d *doing) do(ctx context.Context, step plan.Step) (kept fault.Text, err error) {
	patience, cancel := context.WithTimeout(ctx, d.LockWait)
	defer cancel()
	for {
		kept, err = d.try(ctx, step)
		if !fault.IsConflict(err) || d.m.Stop.Stopped() {
			return kept, err
		}
		select {
		case <-time.After(time.Second + rand.N(4*time.Second)): // #nosec G404 -- jitter
		case <-patience.Done():
			return kept, err
		}
	}
}

// try does the step unless somebody else works on its stack: that is a conflict. Who begins after that is met by DestroyIf
// and Up.
func (d *doing) try(ctx context.Context, step plan.Step) (kept fault.Text, err error) {
	f, err := d.m.State().Read(ctx, step.Stack)
	if err != nil {
		return fault.Text{}, err
	}
	var fact *plan.Stack
	if f != nil {
		if live := slices.DeleteFunc(slices.Clone(f.Locks), backend.Lock.Abandoned); len(live) > 0 {
			return fault.Text{}, d.m.Location().LockedError(step.Stack, live[0].Describe(d.m.Now()))
		}
		s := stackFact(d.m.Settings().Project, *f)
		fact = &s
	}
	head, found, err := d.Head(ctx, step.Branch)
	if err != nil {
		return fault.Text{}, err
	}
	switch again := d.again(step, head, found, fact); {
	case (step.Action == plan.Destroy) != (again.Action == plan.Destroy), again.Action != plan.Destroy && again.Action != plan.Create && again.Action != plan.Update:
		return again.Reason, nil
	case again.Action == plan.Destroy:
		return d.destroy(ctx, step, *f)
	}
	_, err = d.m.Up(ctx, stacks.UpRequest{Branch: step.Branch, Commit: head.Commit})
	return fault.Text{}, err
}

// destroy destroys an environment by the same steps, with the same refusals, as the command does. decided are the facts
// that the decision rests on. A stack that is not the same any more is decided about again by do. Right before anything is
// deleted the branch is asked for and the decision is made once more: kept is why it came out otherwise.
func (d *doing) destroy(ctx context.Context, step plan.Step, decided backend.Facts) (kept fault.Text, err error) {
	receipt, err := d.m.DestroyIf(ctx, step.Branch, decided, func(ctx context.Context, now backend.Facts) error {
		head, found, err := d.Head(ctx, step.Branch)
		if err != nil {
			return err
		}
		fact := stackFact(d.m.Settings().Project, now)
		if again := d.again(step, head, found, &fact); again.Action != plan.Destroy {
			kept = again.Reason
			return errDecidedOtherwise
		}
		return nil
	})
	if errors.Is(err, errDecidedOtherwise) {
		return kept, nil
	}
	if err != nil || len(receipt.Remaining) == 0 {
		return fault.Text{}, err
	}
	var left []string
	for _, r := range receipt.Remaining {
		left = append(left, strings.TrimSpace(r.Type+" "+r.Name+" "+r.Note))
	}
	return fault.Text{}, fmt.Errorf("%s left behind: %s", text.Count(len(left), "resource"), strings.Join(left, ", "))
}

// errDecidedOtherwise ends a destroy that is not to be any more.
var errDecidedOtherwise = errors.New("it was decided otherwise right before anything was deleted")

func (d *doing) again(step plan.Step, head plan.Branch, found bool, stack *plan.Stack) plan.Step {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.in.Now = d.m.Now()
	return d.in.Redecide(step, head, found, stack)
}

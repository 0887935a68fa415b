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

// Options say how a plan is carried out.
type Options struct {
	// Parallel is the number of environments to work on at once. Default: one for each core as far as the memory goes, at most 8.
	Parallel int
	// Timeout limits the work on one environment. Then pulumi is interrupted and finishes what it has begun. Default 1h.
	Timeout time.Duration
	// LockWait limits the wait for a stack that another process works on. Default 5m.
	LockWait time.Duration
}

// Outcome is what became of a plan. Each step that was to change something is in one of the lists, in the plan's order.
type Outcome struct {
	Done     []plan.Step `json:"done"`
	Kept     []plan.Step `json:"kept"`   // left alone: the last decision before the step was another one; Reason says why
	Failed   []Failure   `json:"failed"` // the next run tries them again
	NotBegun []plan.Step `json:"left"`   // the run was stopped before
}

// Failure is a step that failed.
type Failure struct {
	plan.Step
	Error string        `json:"error"`
	Next  fault.Command `json:"next"` // tries this step again
}

// Err returns nil if every step was done or left alone. The exit code is 99 if some failed, 1 if some were not begun.
func (o Outcome) Err() error {
	switch {
	case len(o.Failed) > 0:
		return fault.Partialf("%s of %d failed", text.Count(len(o.Failed), "environment"), o.total()).WithHint("the next run tries them again")
	case len(o.NotBegun) > 0:
		return fault.Failedf("%w: %s not begun", operation.ErrStopped, text.Count(len(o.NotBegun), "step")).WithHint("run the same command again to go on")
	}
	return nil
}

func (o Outcome) total() int { return len(o.Done) + len(o.Kept) + len(o.Failed) + len(o.NotBegun) }

// result is what became of one step.
type result struct {
	begun  bool
	kept   fault.Text // why the environment was left alone; empty if it was not
	failed error
}

// CarryOut carries out the plan: first all destructions, because creations may need the room, then the rest. A step that fails or
// panics does not stop the others. Right before a step begins, it is decided again from new facts about its stack and its branch.
// If the branch came back, or the environment was updated or is kept by now, the environment is left alone.
func (r *Run) CarryOut(ctx context.Context, o Options) Outcome {
	o.Parallel = cmp.Or(o.Parallel, defaultParallel())
	o.Timeout = cmp.Or(o.Timeout, time.Hour)
	o.LockWait = cmp.Or(o.LockWait, 5*time.Minute)
	r.sweep()
	todo := r.Plan.Todo()
	results := make([]result, len(todo))
	e := &executor{Run: r, Options: o}
	phase := func(destroys bool) {
		var group errgroup.Group
		group.SetLimit(max(1, o.Parallel))
		for i, step := range todo {
			if (step.Action == plan.Destroy) == destroys {
				group.Go(func() error {
					results[i] = e.execute(ctx, step)
					return nil
				})
			}
		}
		_ = group.Wait() // no step returns an error
	}
	phase(true)
	phase(false)
	return outcome(todo, results)
}

// sweep removes the work directories that killed runs left behind. No other command would.
func (r *Run) sweep() {
	exists := map[string]bool{}
	for _, s := range r.Input.Stacks {
		exists[s.Name] = true
	}
	if err := r.manager.SweepWorkDirs(exists); err != nil {
		r.manager.Tell("", operation.Event{Kind: operation.Warning, Message: fault.Message(err)})
	}
}

func outcome(todo []plan.Step, results []result) Outcome {
	out := Outcome{Done: []plan.Step{}, Kept: []plan.Step{}, Failed: []Failure{}, NotBegun: []plan.Step{}}
	for i, step := range todo {
		switch r := results[i]; {
		case !r.begun:
			out.NotBegun = append(out.NotBegun, step)
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

// executor carries out the steps of a plan, several at once.
type executor struct {
	*Run
	Options
	mu sync.Mutex // guards Input: its rules are not safe for concurrent use
}

// execute carries out one step and tells the observer.
func (e *executor) execute(ctx context.Context, step plan.Step) (r result) {
	if e.manager.Stop.Stopped() || ctx.Err() != nil {
		return result{}
	}
	r.begun = true
	defer func() {
		if p := recover(); p != nil {
			r.failed = fmt.Errorf("branchenv has a bug: %v", p)
		}
		e.tell(step, r)
	}()
	limited, cancel := context.WithTimeout(ctx, e.Timeout)
	defer cancel()
	e.manager.Tell(step.Stack, operation.Event{Kind: operation.Step, Op: string(step.Action), Message: step.Reason})
	r.kept, r.failed = e.retry(limited, step)
	if r.failed != nil && errors.Is(limited.Err(), context.DeadlineExceeded) {
		r.failed = fmt.Errorf("it took longer than %s: %w", config.Duration(e.Timeout), r.failed)
	}
	return r
}

func (e *executor) tell(step plan.Step, r result) {
	switch {
	case r.failed != nil:
		e.manager.Tell(step.Stack, operation.Event{Kind: operation.Warning, Message: fault.Textf("%s: %v", step.Action, r.failed)})
	case !r.kept.IsZero():
		e.manager.Tell(step.Stack, operation.Event{Kind: operation.Note, Message: fault.Textf("left alone: %s", r.kept)})
	default:
		e.manager.Tell(step.Stack, operation.Event{Kind: operation.Note, Message: fault.Textf("%s done", step.Action)})
	}
}

// retry tries the step, for LockWait at most, until no other process works on its stack. kept says why the environment was left
// alone.
func (e *executor) retry(ctx context.Context, step plan.Step) (kept fault.Text, err error) {
	patience, cancel := context.WithTimeout(ctx, e.LockWait)
	defer cancel()
	for {
		kept, err = e.try(ctx, step)
		if !fault.IsConflict(err) || e.manager.Stop.Stopped() {
			return kept, err
		}
		select {
		case <-time.After(time.Second + rand.N(4*time.Second)): // #nosec G404 -- jitter
		case <-patience.Done():
			return kept, err
		}
	}
}

// try decides the step again and carries it out. If another process works on the stack, the error is a conflict. A process that
// begins after this check is found by DestroyIf and Up.
func (e *executor) try(ctx context.Context, step plan.Step) (kept fault.Text, err error) {
	f, err := e.manager.State().Read(ctx, step.Stack)
	if err != nil {
		return fault.Text{}, err
	}
	var stack *plan.Stack
	if f != nil {
		if live := slices.DeleteFunc(slices.Clone(f.Locks), backend.Lock.Abandoned); len(live) > 0 {
			return fault.Text{}, e.manager.Location().LockedError(step.Stack, live[0].Describe(e.manager.Now()))
		}
		s := stackFact(e.manager.Settings().Project, *f)
		stack = &s
	}
	head, found, err := e.head(ctx, step.Branch)
	if err != nil {
		return fault.Text{}, err
	}
	now := e.redecide(step, head, found, stack)
	if (step.Action == plan.Destroy) != (now.Action == plan.Destroy) || !now.Action.Changes() {
		return now.Reason, nil
	}
	if now.Action == plan.Destroy {
		return e.destroy(ctx, step, *f)
	}
	_, err = e.manager.Up(ctx, stacks.UpRequest{Branch: step.Branch, Commit: head.Commit})
	return fault.Text{}, err
}

// destroy destroys an environment as the command destroy does, with the same refusals. decided are the facts of the decision; if the
// stack has changed since, the error is a conflict, and retry decides again. Right before anything is deleted, the source is asked
// for the branch and the step is decided once more: kept says why the environment was left alone after all.
func (e *executor) destroy(ctx context.Context, step plan.Step, decided backend.Facts) (kept fault.Text, err error) {
	receipt, err := e.manager.DestroyIf(ctx, step.Branch, decided, func(ctx context.Context, now backend.Facts) error {
		head, found, err := e.head(ctx, step.Branch)
		if err != nil {
			return err
		}
		stack := stackFact(e.manager.Settings().Project, now)
		if again := e.redecide(step, head, found, &stack); again.Action != plan.Destroy {
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
	var remaining []string
	for _, r := range receipt.Remaining {
		remaining = append(remaining, strings.TrimSpace(r.Type+" "+r.Name+" "+r.Note))
	}
	return fault.Text{}, fmt.Errorf("%s left behind: %s", text.Count(len(remaining), "resource"), strings.Join(remaining, ", "))
}

// errDecidedOtherwise ends a destroy before anything is deleted.
var errDecidedOtherwise = errors.New("it was decided otherwise right before anything was deleted")

// redecide decides a step again, by the time that it is now.
func (e *executor) redecide(step plan.Step, head plan.Branch, found bool, stack *plan.Stack) plan.Step {
	e.mu.Lock()
	defer e.mu.Unlock()
	in := e.Input
	in.Now = e.manager.Now()
	return in.Redecide(step, head, found, stack)
}

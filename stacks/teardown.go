package stacks

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/engine"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks/names"
	"github.com/branchenv/branchenv/stacks/program"
)

// teardown is a destroy that is being carried out.
type teardown struct {
	Manager
	stack    *backend.Facts
	engine   *engine.Engine
	redecide Redecide      // may be nil
	expected backend.Facts // the stack as it must still be right before anything is deleted
	had      backend.State // what the stack had when the first run of the destroy began
	resumed  bool          // an earlier run of the destroy has begun it
	receipt  Receipt
}

// destroy carries out d, from the state alone. Every step may be interrupted; the next run continues after the last
// completed one.
//
//  1. pending creations of an interrupted run are imported, or they would leak;
//  2. everything but the buckets is destroyed, DNS first, then what writes to the buckets. A bucket keeps what guards it
//     (policy, public access block, versioning, …) for as long as something is in it. The engine's lock is taken here, so
//     a stack that is being updated is refused before anything is emptied;
//  3. the buckets are emptied, and the environment's bundles removed;
//  4. the rest is destroyed;
//  5. each resource that the state had, when the first run of the destroy began, is described, to be sure;
//  6. the stack itself is removed, unless something is left.
func (m Manager) destroy(ctx context.Context, d Destruction, redecide Redecide) (Receipt, error) {
	begun := m.now()
	t := &teardown{Manager: m, stack: d.before, redecide: redecide, receipt: newReceipt(d)}
	var err error
	if t.engine, err = m.launcher.engine(ctx, m.Control, ""); err != nil {
		return t.receipt, err
	}
	tags := maps.Clone(d.before.Tags) // recovery reads the stack anew
	if err := (recovery{m, t.engine, d.before}).recoverInterrupted(ctx); err != nil {
		return t.receipt, err
	}
	t.expected = *d.before
	t.expected.Tags = tags
	if err := t.run(ctx); err != nil {
		if t.removed(ctx) { // upon which pulumi fails in any way, with a crash for one
			return t.receipt, backend.ConflictError(t.stack.Name, "removed")
		}
		return t.receipt, err
	}
	exists, err := m.verifier(t.stack.Name).verify(ctx, t.stack, t.had, &t.receipt)
	if err != nil {
		return t.receipt, err
	}
	t.receipt.Seconds = m.now().Sub(begun).Seconds()
	return t.receipt, t.finish(ctx, exists)
}

// finish removes the stack, or records in its tags what is left. exists reports whether some of that is known to exist.
func (t *teardown) finish(ctx context.Context, exists bool) error {
	left := t.stack.Tags[names.TagLeft]
	switch {
	case len(t.receipt.Remaining) == 0:
	case exists || left == "":
		return t.recordLeft(ctx)
	default: // a person was told, and repeated the destroy; AWS may never tell of it
		t.warn(t.stack.Name, "an earlier destroy could not confirm that this is gone, nor can this one, and nothing knows of it any more: "+left)
		t.receipt.Remaining = []Resource{}
	}
	if err := t.removeStack(ctx, t.engine, t.stack.Name); err != nil && !t.removed(ctx) {
		return err
	}
	return t.backend.DropSavedState(ctx, t.stack.Name)
}

// run empties the stack.
func (t *teardown) run(ctx context.Context) (err error) {
	buckets := t.stack.State.Buckets()
	if err := checkMayEmpty(t.stack.Name, buckets); err != nil {
		return err
	}
	if t.had, err = t.keepState(ctx); err != nil {
		return err
	}
	if len(t.stack.State.Resources) == 0 { // never updated, but a bundle may be in place already; or all but removed
		if err := t.checkUnchanged(ctx); err != nil {
			return err
		}
		return t.removeBundles(ctx)
	}
	if err := t.backend.PrepareRun(*t.stack); err != nil {
		return err
	}
	c, err := t.launcher.lastConfig(t.stack)
	if err != nil {
		return err
	}
	w, err := t.engine.Open(ctx, t.stack.Name, c, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	if err := t.checkUnchanged(ctx); err != nil {
		return err
	}
	if len(buckets) > 0 {
		t.step(t.stack.Name, "destroy all but the buckets")
		if err := w.Destroy(ctx, t.stack.State.BucketURNs(buckets), nil); err != nil {
			return err
		}
	}
	if err := t.emptyBuckets(ctx, buckets); err != nil {
		return err
	}
	if err := t.removeBundles(ctx); err != nil {
		return err
	}
	if t.Stop.Stopped() {
		return stoppedBefore("last step of the destroy", t.stack.Name)
	}
	t.step(t.stack.Name, "destroy the rest")
	return w.Destroy(ctx, nil, nil)
}

// checkUnchanged reads the stack once more, right before the engine takes its lock: since the plan, minutes may have passed
// with questions about the credentials, pulumi and the platform. Half a second remains until the engine holds its lock. An
// `up` that begins within it is refused by the lock or refuses the engine's; it can only be missed if it also ends within it.
func (t *teardown) checkUnchanged(ctx context.Context) error {
	now, err := t.backend.Read(ctx, t.stack.Name)
	if err != nil {
		return err
	}
	if now == nil {
		return backend.ConflictError(t.stack.Name, "removed")
	}
	if err := changedSince(t.expected, *now); err != nil {
		return err
	}
	if t.stack.Name == names.ApplicationStack {
		return t.checkUnshared(ctx)
	}
	if t.redecide == nil {
		return nil
	}
	return t.redecide(ctx, *now)
}

// keepState returns the stack's state with what an interrupted destroy has removed from it already. The first run keeps the
// state, and records that in the stack's tags.
func (t *teardown) keepState(ctx context.Context) (backend.State, error) {
	f := t.stack
	if ref := t.expected.Tags[names.TagDestroying]; ref != "" {
		t.resumed = true
		before, err := t.backend.SavedState(ctx, f.Name, ref)
		if err != nil {
			t.warn(f.Name, "what an earlier run of this destroy removed is not known, and not in the receipt: "+err.Error())
		}
		return f.State.Merge(before), nil
	}
	if len(f.State.AWS()) == 0 {
		return f.State, nil
	}
	ref, err := t.backend.SaveState(ctx, *f)
	if err != nil {
		return backend.State{}, err
	}
	t.expected.Tags[names.TagDestroying] = ref
	_, err = t.retag(ctx, f.Name, func(tags map[string]string) { tags[names.TagDestroying] = ref })
	return f.State, err
}

// checkMayEmpty refuses a bucket that was created to keep what is in it, before anything of the stack is touched.
func checkMayEmpty(stack string, buckets []backend.Resource) error {
	for _, b := range buckets {
		if force, _ := b.Inputs["forceDestroy"].(bool); !force {
			return fault.Refusedf("bucket %s of stack %s may not be emptied: it was made without forceDestroy", b.ID, stack).
				WithHint("if its contents may go: %s with settings in which the environment is not protected, then destroy", fault.Command{"up"})
		}
	}
	return nil
}

// emptyBuckets empties the stack's own buckets.
func (t *teardown) emptyBuckets(ctx context.Context, buckets []backend.Resource) error {
	ctx, release := t.Stop.Interruptible(ctx)
	defer release()
	for _, b := range buckets {
		if t.Stop.Stopped() {
			return stoppedBefore("emptying of a bucket", t.stack.Name)
		}
		t.Tell(t.stack.Name, operation.Event{Kind: operation.Step, Op: "empty bucket", Bucket: b.ID})
		emptied, err := t.aws.EmptyBucket(ctx, b.ID, func(done int) {
			t.Tell(t.stack.Name, operation.Event{Kind: operation.Emptying, Bucket: b.ID, Done: done})
		})
		t.receipt.Objects += emptied.Total()
		if context.Cause(ctx) == operation.ErrStopped {
			return fault.Failedf("empty bucket %s: %w", b.ID, operation.ErrStopped).WithHint("run the same command again to go on")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// removeBundles removes the environment's source bundles from the versions bucket. They are found by the stack's own prefix
// and not through its state, from which an interrupted destroy may have removed the versions already.
func (t *teardown) removeBundles(ctx context.Context) error {
	if t.stack.Name == names.ApplicationStack {
		return nil
	}
	application, err := t.backend.Read(ctx, names.ApplicationStack)
	if err != nil || application == nil {
		return err
	}
	bucket, _ := application.State.Outputs()[program.OutVersionsBucket].(string)
	if bucket == "" {
		return nil
	}
	_, err = t.aws.DeletePrefix(ctx, bucket, names.BundlePrefix(t.stack.Name), nil)
	return err
}

// recordLeft records in the stack's tags what the destroy left behind. The state is empty by now: without the record, the
// next destroy would find nothing to do and say that all is well.
func (t *teardown) recordLeft(ctx context.Context) error {
	left := t.receipt.Remaining
	_, err := t.retag(ctx, t.stack.Name, func(tags map[string]string) {
		tags[names.TagLeft] = names.TruncateTag(text.Count(len(left), "resource") + ": " + strings.Join(resourceNames(left), ", "))
	})
	return err
}

// removed reports whether the stack is gone for certain.
func (t *teardown) removed(ctx context.Context) bool {
	f, err := t.backend.Read(ctx, t.stack.Name)
	return err == nil && f == nil
}

// removeStack removes a stack that has become empty.
func (m Manager) removeStack(ctx context.Context, e *engine.Engine, stack string) error {
	w, err := e.Open(ctx, stack, engine.Config{}, nil)
	if err != nil {
		return err
	}
	if err := errors.Join(w.Remove(ctx), w.Close()); err != nil {
		return err
	}
	return m.backend.DropStateCopy(stack)
}

package stacks

import (
	"context"
	"errors"

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/engine"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/stacks/names"
	"github.com/branchenv/branchenv/stacks/program"
)

// tearDown empties the stack. had is what it had when the first run of the destroy began.
func (m *Manager) tearDown(ctx context.Context, e *engine.Engine, d Destruction, tags map[string]string, r *Receipt) (had backend.State, err error) {
	f := d.before
	buckets := f.State.Buckets()
	if err := mayEmpty(f.Name, buckets); err != nil {
		return had, err
	}
	if had, err = m.whole(ctx, f, tags); err != nil {
		return had, err
	}
	if len(f.State.Resources) == 0 { // never updated, but a bundle may have been put in place already; or all but removed
		if err := m.unchangedAtLast(ctx, d, tags); err != nil {
			return had, err
		}
		return had, m.removeBundles(ctx, f)
	}
	if err := m.backend.PrepareRun(*f); err != nil {
		return had, err
	}
	c, err := m.standing(f)
	if err != nil {
		return had, err
	}
	w, err := e.Open(ctx, f.Name, c, nil)
	if err != nil {
		return had, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	if err := m.unchangedAtLast(ctx, d, tags); err != nil {
		return had, err
	}
	if len(buckets) > 0 {
		m.tell(f.Name, operation.Event{Kind: operation.Step, Op: "destroy all but the buckets"})
		if err := w.Destroy(ctx, f.State.WithSettings(buckets), nil); err != nil {
			return had, err
		}
	}
	if err := m.emptyBuckets(ctx, f, buckets, r); err != nil {
		return had, err
	}
	if err := m.removeBundles(ctx, f); err != nil {
		return had, err
	}
	if m.Stop.Stopped() {
		return had, stoppedBefore("last step of the destroy", f.Name)
	}
	m.tell(f.Name, operation.Event{Kind: operation.Step, Op: "destroy the rest"})
	return had, w.Destroy(ctx, nil, nil)
}

// mayEmpty refuses a bucket that was made to keep what is in it, before anything of the stack is touched.
func mayEmpty(stack string, buckets []backend.Resource) error {
	for _, b := range buckets {
		if force, _ := b.Inputs["forceDestroy"].(bool); !force {
			return fault.Refusedf("bucket %s of stack %s may not be emptied: it was made without forceDestroy", b.ID, stack).
				WithHint("if its contents may go: branchenv up with settings in which the environment is not protected, then destroy")
		}
	}
	return nil
}

// emptyBuckets empties the stack's own buckets.
func (m *Manager) emptyBuckets(ctx context.Context, f *backend.Facts, buckets []backend.Resource, r *Receipt) error {
	ctx, release := m.Stop.Interruptible(ctx)
	defer release()
	for _, b := range buckets {
		if m.Stop.Stopped() {
			return stoppedBefore("emptying of a bucket", f.Name)
		}
		m.tell(f.Name, operation.Event{Kind: operation.Step, Op: "empty bucket", Bucket: b.ID})
		emptied, err := m.aws.EmptyBucket(ctx, b.ID, func(done int) {
			m.tell(f.Name, operation.Event{Kind: operation.Emptying, Bucket: b.ID, Done: done})
		})
		r.Objects += emptied.Total()
		if context.Cause(ctx) == operation.ErrStopped {
			return fault.Failedf("empty bucket %s: %w", b.ID, operation.ErrStopped).WithHint("run the same command again to go on")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// removeBundles removes the environment's source bundles from the versions bucket. They are found by the stack's own
// prefix and not through its state, from which an interrupted destroy may have removed the versions already.
func (m *Manager) removeBundles(ctx context.Context, f *backend.Facts) error {
	if f.Name == names.ApplicationStack {
		return nil
	}
	shared, err := m.backend.Read(ctx, names.ApplicationStack)
	if err != nil || shared == nil {
		return err
	}
	bucket, _ := shared.State.Outputs()[program.OutVersionsBucket].(string)
	if bucket == "" {
		return nil
	}
	_, err = m.aws.DeletePrefix(ctx, bucket, names.BundlePrefix(f.Name), nil)
	return err
}

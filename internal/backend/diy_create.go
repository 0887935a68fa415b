package backend

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path"
	"time"

	"gocloud.dev/gcerrors"

	"github.com/branchenv/branchenv/internal/fault"
)

// Create creates an empty stack as `pulumi stack init` does, under the stack's lock. It writes only the tags and the first
// checkpoint: the first update chooses the secrets provider. The tags are written first, so that the stack is never without
// them. dead reports whether the holder of a lock is gone; such locks are removed.
func (b *diyBackend) Create(ctx context.Context, name string, tags map[string]string, dead func(Lock) bool) (err error) {
	ours := Lock{Stack: name, holders: b.writeNote(ctx, name, os.Getpid())}
	ours.Key, err = b.lock(ctx, name)
	release := func() error { return b.BreakLock(context.WithoutCancel(ctx), ours) }
	if err != nil {
		_ = release() // it may have been written in part
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	if err := b.removeDeadLocks(ctx, name, ours.Key, dead); err != nil {
		return err
	}
	// The stack is read only now: before the lock was taken it may have changed.
	switch f, err := b.Read(ctx, name); {
	case err != nil:
		return err
	case f != nil && !f.Unfinished:
		return ErrExists
	}
	checkpoint := `{"version":3,"checkpoint":{"stack":"organization/` + b.project + "/" + name + `"}}`
	if err := b.writeLayout(ctx); err != nil {
		return err
	}
	if len(tags) > 0 {
		if err := b.SetTags(ctx, name, tags); err != nil {
			return err
		}
	}
	if err := b.bucket.WriteAll(ctx, path.Join(".pulumi/stacks", b.project, name+".json"), []byte(checkpoint), nil); err != nil {
		return fault.Failedf("make stack %s: %w", name, err)
	}
	return nil
}

// Errors of Create.
var (
	ErrExists = errors.New("the stack exists")
	ErrLocked = errors.New("the stack is locked by another process")
)

// lock writes a lock of a stack as pulumi does (backend/diy/lock.go) and returns its key. The caller then checks whether there
// are other locks.
func (b *diyBackend) lock(ctx context.Context, stack string) (string, error) {
	host, err := os.Hostname()
	if err != nil {
		return "", fault.Failedf("lock stack %s: %w", stack, err)
	}
	l := Lock{Pid: os.Getpid(), Username: userName(), Hostname: host, Timestamp: time.Now()}
	content, err := json.Marshal(l)
	if err != nil {
		return "", err
	}
	key := b.folder("locks", stack) + rand.Text() + ".json"
	if err := b.bucket.WriteAll(ctx, key, content, nil); err != nil {
		return key, fault.Failedf("lock stack %s: %w", stack, err).WithHint("check that the credentials may write to backend %s", b.url)
	}
	return key, nil
}

// removeDeadLocks removes the locks of dead holders. It returns ErrLocked if another lock than ours remains.
func (b *diyBackend) removeDeadLocks(ctx context.Context, stack, ours string, dead func(Lock) bool) error {
	objects, err := b.objects(ctx, b.folder("locks", stack))
	if err != nil {
		return err
	}
	for _, o := range objects {
		if o.key == ours || path.Ext(o.key) != ".json" {
			continue
		}
		l, err := b.readLock(ctx, stack, o)
		if gcerrors.Code(err) == gcerrors.NotFound {
			continue // released since it was listed
		}
		if err != nil || !dead(l) {
			return ErrLocked
		}
		if err := b.BreakLock(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// writeLayout writes the layout version into a new backend, as pulumi does (backend/diy/meta.go).
func (b *diyBackend) writeLayout(ctx context.Context) error {
	_, err := b.bucket.ReadAll(ctx, layoutKey)
	if gcerrors.Code(err) == gcerrors.NotFound {
		err = b.bucket.WriteAll(ctx, layoutKey, []byte("version: 1\n"), nil)
	}
	if err != nil {
		return fault.Failedf("prepare backend %s: %w", b.url, err)
	}
	return nil
}

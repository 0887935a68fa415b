package stacks

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/engine"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/stacks/names"
)

// makeStack makes the stack if there is none, tags it, and brings one that is half made, or of which something was deleted
// by hand, in line with AWS.
func (m *Manager) makeStack(ctx context.Context, e *engine.Engine, u *undertaking) error {
	if u.before == nil {
		if u.spec.Settings.Protected {
			m.tell(u.spec.Stack, operation.Event{Kind: operation.Warning, Message: fmt.Sprintf("branch %s is of kind %s, whose environments are protected: branchenv will not destroy this one", u.spec.Branch, u.spec.Kind)})
		}
		m.tell(u.spec.Stack, operation.Event{Kind: operation.Step, Op: "create stack"})
		if e.PlainPassphrase && len(m.Extra) == 0 {
			m.tell(u.spec.Stack, operation.Event{Kind: operation.Warning, Message: "the secrets of this stack are encrypted with an empty passphrase, which protects nothing: " +
				"set secretsProvider in the settings, or PULUMI_CONFIG_PASSPHRASE"})
		}
		if err := m.Create(ctx, e, u.spec.Stack, u.tags); err != nil {
			return err
		}
		if err := m.settleHost(ctx, u); err != nil {
			return err
		}
		made, err := m.backend.Read(ctx, u.spec.Stack)
		if err != nil {
			return err
		}
		if made == nil {
			return fault.Failedf("stack %s was made but is not in the backend", u.spec.Stack)
		}
		u.before = made
		return nil
	}
	if !maps.Equal(u.before.Tags, u.tags) {
		now, err := m.backend.Read(ctx, u.spec.Stack)
		if err != nil {
			return err
		}
		if now == nil || now.Tags[names.TagBranch] != u.before.Tags[names.TagBranch] { // adopted, or removed, before we could
			return backend.JustChanged(u.spec.Stack, "made or removed")
		}
		if now.Tags[names.TagKeep] != "" { // somebody may have said so since all was read
			u.tags[names.TagKeep] = now.Tags[names.TagKeep]
		}
		if err := m.backend.SetTags(ctx, u.spec.Stack, u.tags); err != nil {
			return err
		}
	}
	if err := m.settle(ctx, e, u.before); err != nil {
		return err
	}
	return m.forgetMissing(ctx, e, u.before)
}

// settleHost looks once more whether the host label is free, now that others can see who wants it. Where two environments
// that were made at once chose the same, whoever sees the other takes the next label, at the last one that is its alone.
func (m *Manager) settleHost(ctx context.Context, u *undertaking) error {
	if u.spec.Stack == names.ApplicationStack {
		return nil
	}
	host, err := m.chooseHost(ctx, u.spec.Branch, u.spec.Stack)
	if err != nil || host == u.spec.Host {
		return err
	}
	u.spec.Host, u.tags[names.TagHost] = host, host
	return m.backend.SetTags(ctx, u.spec.Stack, u.tags)
}

// Create makes an empty stack with its tags, in the backend itself where that can be done: `pulumi stack init` takes half
// as long as a whole update.
func (m *Manager) Create(ctx context.Context, e *engine.Engine, stack string, tags map[string]string) error {
	for begun := m.Now(); ; {
		err := m.backend.Create(ctx, stack, tags, m.Abandoned)
		if errors.Is(err, errors.ErrUnsupported) {
			if err = e.Create(ctx, stack); err == nil {
				err = m.backend.SetTags(ctx, stack, tags)
			}
		}
		switch {
		case errors.Is(err, backend.ErrExists), errors.Is(err, engine.ErrExists):
			return backend.JustChanged(stack, "made")
		case !errors.Is(err, backend.ErrLocked):
			return err
		case m.Now().Sub(begun) > lockPatience || m.Stop.Stopped():
			return m.Where().Locked(stack)
		}
		if err := lockPause(ctx); err != nil {
			return err
		}
	}
}

// retag changes a stack's tags as they are now: others, such as keep, may have changed them since they were read.
func (m *Manager) retag(ctx context.Context, stack string, change func(tags map[string]string)) error {
	f, err := m.backend.Read(ctx, stack)
	if err != nil {
		return err
	}
	if f == nil {
		return backend.JustChanged(stack, "removed")
	}
	tags := maps.Clone(f.Tags)
	change(tags)
	return m.backend.SetTags(ctx, stack, tags)
}

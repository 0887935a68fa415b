package stacks

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/engine"
	"github.com/branchenv/branchenv/stacks/names"
)

// createStack creates a new stack with its tags.
func (u *update) createStack(ctx context.Context) error {
	p := u.plan
	if p.spec.Settings.Protected {
		u.warn(p.spec.Stack, fmt.Sprintf("branch %s is of kind %s, whose environments are protected: branchenv will not destroy this one", p.spec.Branch, p.spec.Kind))
	}
	if err := u.createEmpty(ctx, u.engine, p.spec.Stack, p.tags); err != nil {
		return err
	}
	if err := u.confirmHost(ctx); err != nil {
		return err
	}
	p.before = &backend.Facts{Name: p.spec.Stack, Project: u.file.Project, Tags: maps.Clone(p.tags)}
	return nil
}

// createEmpty creates an empty stack, and warns if its secrets will not be protected.
func (m Manager) createEmpty(ctx context.Context, e *engine.Engine, stack string, tags map[string]string) error {
	m.step(stack, "create stack")
	if e.EmptyPassphrase && len(m.launcher.extra) == 0 {
		m.warn(stack, "the secrets of this stack are encrypted with an empty passphrase, which protects nothing: "+
			"set secretsProvider in the settings, or PULUMI_CONFIG_PASSPHRASE")
	}
	return m.create(ctx, e, stack, tags)
}

// prepareStack tags a stack that exists, and brings it in line with AWS if it is half made or if somebody deleted something
// of it by hand. f is read anew if the stack was changed.
func (m Manager) prepareStack(ctx context.Context, e *engine.Engine, f *backend.Facts, tags map[string]string) error {
	if err := m.tagAgain(ctx, f, tags); err != nil {
		return err
	}
	r := recovery{m, e, f}
	if err := r.recoverInterrupted(ctx); err != nil {
		return err
	}
	return r.forgetMissing(ctx)
}

// tagAgain replaces a stack's tags. before are the facts that the new tags were decided from.
func (m Manager) tagAgain(ctx context.Context, before *backend.Facts, tags map[string]string) error {
	if maps.Equal(before.Tags, tags) {
		return nil
	}
	now, err := m.backend.Read(ctx, before.Name)
	if err != nil {
		return err
	}
	if now == nil || now.Tags[names.TagBranch] != before.Tags[names.TagBranch] { // adopted, or removed, before we could
		return backend.ConflictError(before.Name, "made or removed")
	}
	if now.Tags[names.TagKeep] != "" { // somebody may have said so since the facts were read
		tags[names.TagKeep] = now.Tags[names.TagKeep]
	}
	return m.backend.SetTags(ctx, before.Name, tags)
}

// confirmHost checks once more that the host label is free, now that others can see who wants it. If two environments that
// were made at once chose the same label, whoever sees the other takes the next one; the last one is its alone.
func (u *update) confirmHost(ctx context.Context) error {
	p := u.plan
	host, err := u.chooseHost(ctx, p.spec.Branch, p.spec.Stack)
	if err != nil || host == p.spec.Host {
		return err
	}
	p.spec.Host, p.tags[names.TagHost] = host, host
	return u.backend.SetTags(ctx, p.spec.Stack, p.tags)
}

// create creates an empty stack with its tags, in the backend itself if that is possible: `pulumi stack init` takes half as
// long as a whole update.
func (m Manager) create(ctx context.Context, e *engine.Engine, stack string, tags map[string]string) error {
	return m.retryLocked(ctx, stack, func() error {
		err := m.backend.Create(ctx, stack, tags, backend.Lock.Abandoned)
		if errors.Is(err, errors.ErrUnsupported) {
			if err = e.Create(ctx, stack); err == nil {
				err = m.backend.SetTags(ctx, stack, tags)
			}
		}
		if errors.Is(err, backend.ErrExists) || errors.Is(err, engine.ErrExists) {
			return backend.ConflictError(stack, "made")
		}
		return err
	})
}

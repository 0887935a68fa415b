package stacks

import (
	"context"
	"errors"
	"io"
)

// Preview tells what Up would change. A branch that has no stack gets one for the time of the preview only.
func (m *Manager) Preview(ctx context.Context, r UpRequest) (p Preview, err error) {
	p = Preview{Branch: r.Branch, Changes: map[string]int{}, Steps: []PreviewStep{}}
	err = m.previewing(ctx, r, func(w *workspace) error {
		p.Stack = w.name
		return w.preview(ctx, p.observe)
	})
	return p, err
}

// PulumiPreview runs `pulumi preview` itself in the settings' folder, so that pulumi starts the program by the
// Pulumi.yaml there, and copies to out what it prints.
func (m *Manager) PulumiPreview(ctx context.Context, r UpRequest, out io.Writer) error {
	return m.previewing(ctx, r, func(w *workspace) error { return w.pulumiPreview(ctx, m.File.Dir, out) })
}

// previewing opens the stack that r is about, as Up would configure it.
func (m *Manager) previewing(ctx context.Context, r UpRequest, do func(*workspace) error) error {
	r.IfExists = false
	u, err := m.decide(ctx, r)
	if err != nil {
		return err
	}
	for _, loss := range u.losses {
		m.tell(u.spec.Stack, Event{Kind: Warning, Message: loss + "; up refuses that without --allow-data-loss"})
	}
	c, err := m.stackConfig(u.spec.Stack, u.spec.Branch, specKey, u.spec, u.state())
	if err != nil {
		return err
	}
	return m.passing(ctx, u.spec.Stack, c, u.before == nil, do)
}

// passing opens a stack; one that has to be made for it is removed again.
func (m *Manager) passing(ctx context.Context, stack string, c stackConfig, create bool, do func(*workspace) error) error {
	e, err := m.engine(ctx)
	if err != nil {
		return err
	}
	if create {
		if err := m.create(ctx, e, stack); err != nil {
			return err
		}
	}
	w, err := e.open(ctx, stack, c, Program)
	if err != nil {
		return err
	}
	err = do(w)
	if create {
		err = errors.Join(err, w.remove(context.WithoutCancel(ctx)))
	}
	return errors.Join(err, w.close())
}

package stacks

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
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
	return m.withTemporaryStack(ctx, u.spec.Stack, c, u.before == nil, do)
}

// withTemporaryStack runs do on a stack and leaves the stack unchanged; create says that there is none, and one is made for that
// time.
func (m *Manager) withTemporaryStack(ctx context.Context, stack string, c stackConfig, create bool, do func(*workspace) error) (err error) {
	backendURL := m.backendURL
	if create && m.backend.selfManaged() {
		var beside workDir
		if beside, err = makeWorkDir(m.File.Project, stack); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, beside.close()) }()
		if err := m.backend.scratch(ctx, beside.path, stack); err != nil {
			return err
		}
		backendURL = "file://" + beside.path
	}
	e, err := m.engineOn(ctx, backendURL)
	if err != nil {
		return err
	}
	if create && !m.backend.selfManaged() { // Pulumi Cloud
		if err := e.create(ctx, stack); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, m.removeUnowned(context.WithoutCancel(ctx), e, stack)) }()
	}
	w, err := e.open(ctx, stack, c, Program)
	if err != nil {
		return err
	}
	return errors.Join(do(w), w.close())
}

// removeUnowned removes a stack that was made for a while, unless an `up` has adopted it since.
func (m *Manager) removeUnowned(ctx context.Context, e *engine, stack string) error {
	f, err := m.backend.read(ctx, stack)
	if err != nil || f == nil || len(f.tags[tagStack]) > 0 || !f.state.blank() || len(f.locks) > 0 {
		return err
	}
	return m.removeStack(ctx, e, f)
}

// observe gathers an event of the engine into the preview.
func (p *Preview) observe(e apiEvent) {
	if e.ResourcePreEvent == nil {
		return
	}
	m := e.ResourcePreEvent.Metadata
	if !isAWS(m.Type) {
		return
	}
	switch m.Op {
	case apitype.OpCreateReplacement, apitype.OpDeleteReplaced, apitype.OpRead: // parts of a replacement; look-ups
		return
	}
	p.Changes[string(m.Op)]++
	if m.Op == apitype.OpSame {
		return
	}
	step := PreviewStep{Op: string(m.Op), Type: m.Type, Name: urnName(m.URN)}
	for path := range m.DetailedDiff {
		step.Diff = append(step.Diff, path)
	}
	if len(step.Diff) == 0 {
		step.Diff = append(step.Diff, m.Diffs...)
	}
	slices.Sort(step.Diff)
	p.Steps = append(p.Steps, step)
}

package stacks

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/engine"
	"github.com/branchenv/branchenv/stacks/names"
	"github.com/branchenv/branchenv/stacks/program"
)

// Preview tells what Up would change. A branch that has no stack gets one for the time of the preview only.
func (m Manager) Preview(ctx context.Context, r UpRequest) (p Preview, err error) {
	p = Preview{Branch: r.Branch, Changes: map[string]int{}, Steps: []PreviewStep{}}
	err = m.withPreviewedStack(ctx, r, func(w *engine.Workspace) error {
		p.Stack = w.Name
		return w.Preview(ctx, p.observe)
	})
	return p, err
}

// PulumiPreview runs `pulumi preview` itself in the settings' folder, so that pulumi starts the program by the
// Pulumi.yaml there, and copies to out what it prints.
func (m Manager) PulumiPreview(ctx context.Context, r UpRequest, out io.Writer) error {
	return m.withPreviewedStack(ctx, r, func(w *engine.Workspace) error { return w.PulumiPreview(ctx, m.file.Dir, out) })
}

// withPreviewedStack runs do on the stack that r is about, configured as Up would configure it.
func (m Manager) withPreviewedStack(ctx context.Context, r UpRequest, do func(*engine.Workspace) error) error {
	r.IfExists = false
	u, err := m.planUpdate(ctx, r)
	if err != nil {
		return err
	}
	for _, loss := range u.losses {
		m.warn(u.spec.Stack, loss+"; up refuses that without --allow-data-loss")
	}
	c, err := m.launcher.config(u.spec.Stack, u.spec.Branch, names.SpecKey, u.spec, u.state())
	if err != nil {
		return err
	}
	return m.withTemporaryStack(ctx, u.spec.Stack, c, u.before == nil, do)
}

// withTemporaryStack runs do on a stack and leaves the stack unchanged; create says that there is none, and one is made for that
// time.
func (m Manager) withTemporaryStack(ctx context.Context, stack string, c engine.Config, create bool, do func(*engine.Workspace) error) (err error) {
	address := "" // the Manager's backend
	if create && m.backend.SelfManaged() {
		var beside engine.WorkDir
		if beside, err = engine.MakeWorkDir(m.file.Project, stack); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, beside.Close()) }()
		if err := m.backend.Scratch(ctx, beside.Path, stack); err != nil {
			return err
		}
		address = "file://" + beside.Path
	}
	e, err := m.launcher.engine(ctx, m.Control, address)
	if err != nil {
		return err
	}
	if create && !m.backend.SelfManaged() { // Pulumi Cloud
		if err := e.Create(ctx, stack); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, m.removeUnowned(context.WithoutCancel(ctx), e, stack)) }()
	}
	w, err := e.Open(ctx, stack, c, program.Run)
	if err != nil {
		return err
	}
	return errors.Join(do(w), w.Close())
}

// removeUnowned removes a stack that was made for a while, unless an `up` has adopted it since.
func (m Manager) removeUnowned(ctx context.Context, e *engine.Engine, stack string) error {
	f, err := m.backend.Read(ctx, stack)
	if err != nil || f == nil || len(f.Tags[names.TagStack]) > 0 || !f.State.Blank() || len(f.Locks) > 0 {
		return err
	}
	return m.removeStack(ctx, e, f.Name)
}

// observe gathers an event of the engine into the preview.
func (p *Preview) observe(e engine.Event) {
	if e.ResourcePreEvent == nil {
		return
	}
	m := e.ResourcePreEvent.Metadata
	if !backend.IsAWS(m.Type) {
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
	step := PreviewStep{Op: string(m.Op), Type: m.Type, Name: engine.URNName(m.URN)}
	for path := range m.DetailedDiff {
		step.Diff = append(step.Diff, path)
	}
	if len(step.Diff) == 0 {
		step.Diff = append(step.Diff, m.Diffs...)
	}
	slices.Sort(step.Diff)
	p.Steps = append(p.Steps, step)
}

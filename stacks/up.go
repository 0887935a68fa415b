package stacks

import (
	"context"
	"errors"
	"time"

	"github.com/branchenv/branchenv/internal/engine"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/stacks/names"
	"github.com/branchenv/branchenv/stacks/program"
)

// UpRequest asks for one branch's environment. At most one of Image, Bundle and Version is set. If none is, a new
// environment gets the version of Like, any other the settings' image for Commit. Without either it keeps its version.
type UpRequest struct {
	Branch   string
	Image    string // container image to run, or
	Bundle   string // path of a source bundle to upload and run, or
	Version  string // label of an application version that exists
	Commit   string // the branch's head, with which the settings' image template is filled in; may be empty
	Like     string // branch whose settings and version to start from; counts at creation only
	IfExists bool   // do nothing where there is no environment yet
	// CommitUnknown is why Commit is empty, for the error if the image template needs it.
	CommitUnknown string
	// AllowDataLoss lets an update delete or replace the database or the bucket, where the settings ask for it.
	AllowDataLoss bool
	Timeout       time.Duration // bound for each wait for AWS; 0: the settings' timeout
}

// Up creates or updates an environment; with IfExists and none there, it does nothing and returns the zero
// Environment. Every step may be interrupted; the next run continues after the last completed one:
//
//  1. facts are read and everything is decided from them; what is wrong is refused, and nothing was touched;
//  2. a new stack is made and tagged at once;
//  3. an interrupted run's pending creates are imported or forgotten;
//  4. a bundle is put in place;
//  5. the engine runs the program.
func (m *Manager) Up(ctx context.Context, r UpRequest) (Environment, error) {
	e, u, err := m.begin(ctx, r)
	if err != nil || u == nil {
		return Environment{}, err
	}
	if err := m.place(ctx, u); err != nil {
		return Environment{}, err
	}
	if err := m.run(ctx, e, u); err != nil {
		return Environment{}, err
	}
	return m.Show(ctx, r.Branch)
}

// begin decides, and makes and tags the stack. A new one is tagged before the next is decided about: two environments
// that are made at once must not choose the same host name.
func (m *Manager) begin(ctx context.Context, r UpRequest) (*engine.Engine, *undertaking, error) {
	u, e, err := m.beginNew(ctx, r)
	if err != nil || u == nil {
		return nil, nil, err
	}
	if e == nil {
		if e, err = m.engine(ctx); err != nil {
			return nil, nil, err
		}
		if err := m.makeStack(ctx, e, u); err != nil {
			return nil, nil, err
		}
	}
	return e, u, m.applicationStays(ctx, u)
}

// beginNew decides, and makes the stack where there is none yet: then the engine is not nil.
func (m *Manager) beginNew(ctx context.Context, r UpRequest) (*undertaking, *engine.Engine, error) {
	m.naming.Lock()
	defer m.naming.Unlock()
	u, err := m.decide(ctx, r)
	if err != nil || u == nil {
		return nil, nil, err
	}
	if err := u.keepsData(r); err != nil || u.before != nil {
		return u, nil, err
	}
	e, err := m.engine(ctx)
	if err != nil {
		return nil, nil, err
	}
	return u, e, m.makeStack(ctx, e, u)
}

// run runs the program. What turns out to be gone while it runs is forgotten, and the program run once more.
func (m *Manager) run(ctx context.Context, e *engine.Engine, u *undertaking) error {
	changed, err := m.update(ctx, e, u)
	if err != nil && !m.Stop.Stopped() && goneInAWS.MatchString(err.Error()) {
		m.tell(u.spec.Stack, operation.Event{Kind: operation.Warning, Message: "something of it is gone from AWS: the state is brought in line, and the update repeated. " + err.Error()})
		if err := m.refresh(ctx, e, u.before, nil); err != nil {
			return err
		}
		changed, err = m.update(ctx, e, u)
	}
	if err != nil {
		return err
	}
	return m.conclude(ctx, u, changed)
}

// update runs the program once, and returns the name of the Beanstalk environment that it changed; "" for none.
func (m *Manager) update(ctx context.Context, e *engine.Engine, u *undertaking) (changed string, err error) {
	if m.Stop.Stopped() {
		return "", stoppedBefore("update", u.spec.Stack)
	}
	if err := m.backend.PrepareRun(*u.before); err != nil {
		return "", err
	}
	c, err := m.stackConfig(u.spec.Stack, u.spec.Branch, names.SpecKey, u.spec, u.before.State)
	if err != nil {
		return "", err
	}
	w, err := e.Open(ctx, u.spec.Stack, c, program.Run)
	if err != nil {
		return "", err
	}
	m.tell(u.spec.Stack, operation.Event{Kind: operation.Step, Op: "update"})
	news := m.follow(ctx, u.spec.Stack)
	err = w.Up(ctx, news.event)
	return news.name, errors.Join(news.end(err), w.Close())
}

// conclude notes how the update went: the engine calls one good whose environment is red, and its backend tells only the
// last run of any kind, so that a refresh by hand hides the update. changed is the environment that it changed; "" for none.
func (m *Manager) conclude(ctx context.Context, u *undertaking, changed string) error {
	if changed == "" && u.tags[names.TagUnhealthy] != "" { // it may have recovered
		changed = names.EnvironmentName(m.File.Project, u.spec.Stack)
	}
	var sick error
	known := true
	if changed != "" {
		sick, known = m.healthy(ctx, u.spec.Stack, changed)
	}
	return errors.Join(sick, m.retag(ctx, u.spec.Stack, func(tags map[string]string) {
		switch {
		case sick != nil:
			tags[names.TagUnhealthy] = names.CutTag(fault.Line(sick.Error()))
			return
		case known:
			delete(tags, names.TagUnhealthy)
		}
		if tags[names.TagUnhealthy] == "" {
			tags[names.TagUpdated] = m.Now().UTC().Format(time.RFC3339)
		}
	}))
}

func stoppedBefore(step, stack string) error {
	return fault.Failedf("stopped before the %s of stack %s: %w", step, stack, operation.ErrStopped).
		WithHint("run the same command again to go on")
}

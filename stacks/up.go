package stacks

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/engine"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/internal/platform"
	"github.com/branchenv/branchenv/internal/text"
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
	IfExists bool   // do nothing if there is no environment yet
	// CommitUnknown is why Commit is empty, for the error if the image template needs it.
	CommitUnknown string
	// AllowDataLoss lets an update delete or replace the database or the bucket, if the settings ask for it.
	AllowDataLoss bool
	Timeout       time.Duration // bound for each wait for AWS; 0: the settings' timeout
}

// Up creates or updates an environment. With IfExists and none there, it does nothing and returns the zero Environment.
// Every step may be interrupted; the next run continues after the last completed one:
//
//  1. facts are read and everything is decided from them; what is wrong is refused, and nothing was touched;
//  2. a new stack is created and tagged at once;
//  3. an interrupted run's pending creations are imported or forgotten;
//  4. a bundle is put in place;
//  5. the engine runs the program.
func (m Manager) Up(ctx context.Context, r UpRequest) (Environment, error) {
	u, err := m.beginUpdate(ctx, r)
	if err != nil || u == nil {
		return Environment{}, err
	}
	if !u.plan.bundle.IsZero() {
		m.step(u.plan.spec.Stack, "upload bundle")
		if err := m.platform.Provide(ctx, u.plan.bundle); err != nil {
			return Environment{}, err
		}
	}
	changed, err := u.run(ctx)
	if err != nil {
		return Environment{}, err
	}
	after, err := u.recordResult(ctx, changed)
	if err != nil {
		return Environment{}, err
	}
	e := describeStack(m.file, config.RulesOf(m.file), after)
	e.Branch = r.Branch
	return e, nil
}

// planUpdate reads the facts and decides everything that Up does. It changes nothing, except that it removes a lock which a
// dead process left behind. nil: there is nothing to do.
func (m Manager) planUpdate(ctx context.Context, r UpRequest) (*updatePlan, error) {
	stack, err := names.Slug(r.Branch)
	if err != nil {
		return nil, err
	}
	if reason := names.StorageProblem(r.Branch); reason != "" {
		return nil, fault.Usagef("branch %q can have no environment: %s", r.Branch, reason).WithHint("rename the branch")
	}
	f := updateFacts{stack: stack, now: m.now()}
	if f.before, err = m.backend.Read(ctx, stack); err != nil || f.before == nil && r.IfExists {
		return nil, err
	}
	application, err := m.readyApplication(ctx, &f)
	if err != nil {
		return nil, err
	}
	if err := m.checkStack(ctx, r.Branch, &f); err != nil {
		return nil, err
	}
	if f.like, err = m.likeFacts(ctx, r); err != nil {
		return nil, err
	}
	if f.host = f.before.HostLabel(m.file.Project); f.host == "" && (f.before == nil || f.before.Tags[names.TagHost] == "") {
		if f.host, err = m.chooseHost(ctx, r.Branch, stack); err != nil {
			return nil, err
		}
	}
	if f.suffix, err = names.RandomSuffix(); err != nil {
		return nil, err
	}
	p, err := buildSpec(m.file, r, f)
	if err != nil {
		return nil, err
	}
	for _, w := range p.warnings {
		m.warn(stack, w)
	}
	return p, m.resolveVersion(ctx, p, application)
}

// readyApplication reads the application stack, and refuses one that no environment can be made from.
func (m Manager) readyApplication(ctx context.Context, f *updateFacts) (*backend.Facts, error) {
	application, err := m.backend.Read(ctx, names.ApplicationStack)
	if err != nil {
		return nil, err
	}
	if err := applicationReady(application, m.file.Domain); err != nil {
		return nil, err
	}
	if f.location, err = m.currentLocation(ctx); err != nil {
		return nil, err
	}
	if err := f.location.check(*application, m.file.Path); err != nil {
		return nil, err
	}
	_, err = m.checkSource(ctx, application)
	return application, err
}

// checkStack refuses a stack that is another source's, another branch's or elsewhere, and waits for its lock.
func (m Manager) checkStack(ctx context.Context, branch string, f *updateFacts) (err error) {
	if f.repository, err = m.checkSource(ctx, f.before); err != nil || f.before == nil {
		return err
	}
	if err := checkOwner(m.Location(), *f.before, branch); err != nil {
		return err
	}
	if err := f.location.check(*f.before, m.file.Path); err != nil {
		return err
	}
	if err := m.waitForLock(ctx, f.before); err != nil {
		return err
	}
	for _, r := range f.before.State.AWS() {
		f.runs = f.runs || m.platform.Runs(platformResource(r))
	}
	return nil
}

func platformResource(r backend.Resource) platform.Resource {
	return platform.Resource{Type: r.Type, Inputs: r.Inputs}
}

// resolveVersion finds out which version p's environment will run.
func (m Manager) resolveVersion(ctx context.Context, p *updatePlan, application *backend.Facts) error {
	out, err := program.ParseShared(application.State.Outputs())
	if err != nil {
		return err
	}
	group := platform.Group{Application: out.Applications[p.spec.Settings.Application].Name, Bucket: out.VersionsBucket}
	if group.Application == "" && p.source.Label != "" || group.Bucket == "" {
		return backend.NoApplicationError()
	}
	p.spec.Version, p.bundle, err = m.platform.Resolve(ctx, p.spec.Stack, p.source, group)
	return err
}

// likeFacts reads the stack of the environment that a new one is a copy of; nil if there is none.
func (m Manager) likeFacts(ctx context.Context, r UpRequest) (*backend.Facts, error) {
	if r.Like == "" {
		return nil, nil
	}
	stack, err := names.Slug(r.Like)
	if err != nil {
		return nil, err
	}
	f, err := m.backend.Read(ctx, stack)
	if err != nil || f == nil || f.Tags[names.TagBranch] != names.BranchTag(r.Like) {
		return nil, err
	}
	return f, nil
}

// chooseHost picks the host label of a branch that has none yet.
func (m Manager) chooseHost(ctx context.Context, branch, stack string) (string, error) {
	candidates, err := names.HostLabels(branch, m.file.StripPrefixes)
	if err != nil {
		return "", err
	}
	all, err := m.backend.Hosts(ctx)
	if err != nil {
		return "", err
	}
	host, doubt, err := all.Choose(candidates, stack)
	if doubt != "" {
		m.warn(stack, doubt+": the environment gets "+host)
	}
	return host, err
}

// update is an update that is being carried out.
type update struct {
	Manager
	plan   *updatePlan
	engine *engine.Engine
}

// beginUpdate decides, and creates and tags the stack. A new one is tagged before the next is decided about: two
// environments that are made at once must not choose the same host name. nil: there is nothing to do.
func (m Manager) beginUpdate(ctx context.Context, r UpRequest) (*update, error) {
	u, err := m.beginNew(ctx, r)
	if err != nil || u == nil {
		return nil, err
	}
	if u.engine == nil {
		if u.engine, err = m.launcher.engine(ctx, m.Control, ""); err != nil {
			return nil, err
		}
		if err := u.prepareStack(ctx, u.engine, u.plan.before, u.plan.tags); err != nil {
			return nil, err
		}
	}
	return u, m.checkApplication(ctx, u.plan)
}

// beginNew decides, and creates the stack if there is none yet: then the update has its engine.
func (m Manager) beginNew(ctx context.Context, r UpRequest) (*update, error) {
	m.naming.Lock()
	defer m.naming.Unlock()
	p, err := m.planUpdate(ctx, r)
	if err != nil || p == nil {
		return nil, err
	}
	u := &update{Manager: m, plan: p}
	if err := p.checkData(r, m.Location()); err != nil || p.before != nil {
		return u, err
	}
	if u.engine, err = m.launcher.engine(ctx, m.Control, ""); err != nil {
		return nil, err
	}
	return u, u.createStack(ctx)
}

// run runs the program. It returns the name of the environment that was changed, or "". A resource that turns out to be
// gone while the program runs is forgotten, and the program run once more.
func (u *update) run(ctx context.Context) (changed string, err error) {
	changed, err = u.runOnce(ctx)
	if err == nil || u.Stop.Stopped() || !goneInAWS.MatchString(err.Error()) {
		return changed, err
	}
	u.warn(u.plan.spec.Stack, "something of it is gone from AWS: the state is brought in line, and the update repeated. "+err.Error())
	if err := (recovery{u.Manager, u.engine, u.plan.before}).refresh(ctx, nil); err != nil {
		return "", err
	}
	return u.runOnce(ctx)
}

func (u *update) runOnce(ctx context.Context) (changed string, err error) {
	p := u.plan
	if u.Stop.Stopped() {
		return "", stoppedBefore("update", p.spec.Stack)
	}
	if err := u.backend.PrepareRun(*p.before); err != nil {
		return "", err
	}
	c, err := u.launcher.config(p.spec.Stack, p.spec.Branch, names.SpecKey, p.spec, p.before.State)
	if err != nil {
		return "", err
	}
	w, err := u.engine.Open(ctx, p.spec.Stack, c, program.Run)
	if err != nil {
		return "", err
	}
	u.step(p.spec.Stack, "update")
	watch := u.platform.Watch(ctx, func(e operation.Event) { u.Tell(p.spec.Stack, e) })
	err = w.Up(ctx, watch.Event)
	return watch.Changed(), errors.Join(watch.End(err), w.Close())
}

// recordResult records in the stack's tags how the update went, and returns the stack. The engine calls an update good whose
// environment is unhealthy; and its backend tells only the last run of any kind, so that a refresh by hand hides the update.
// changed is the environment that the update changed, or "".
func (u *update) recordResult(ctx context.Context, changed string) (backend.Facts, error) {
	stack := u.plan.spec.Stack
	if changed == "" && u.plan.tags[names.TagUnhealthy] != "" { // it may have recovered
		changed = u.platform.Environment(stack)
	}
	var problem, unknown error
	if changed != "" {
		problem, unknown = u.platform.Healthy(ctx, changed)
		if unknown != nil {
			u.warn(stack, "the update is done, but the health of environment "+changed+" is not known: "+unknown.Error())
		}
	}
	after, err := u.retag(ctx, stack, func(tags map[string]string) {
		switch {
		case problem != nil:
			tags[names.TagUnhealthy] = names.TruncateTag(text.Line(problem.Error()))
			return
		case unknown == nil:
			delete(tags, names.TagUnhealthy)
		}
		if tags[names.TagUnhealthy] == "" {
			tags[names.TagUpdated] = u.now().UTC().Format(time.RFC3339)
		}
	})
	return after, errors.Join(problem, err)
}

// retag changes a stack's tags as they are now, since others, such as keep, may have changed them after they were read. It
// returns the stack with its new tags.
func (m Manager) retag(ctx context.Context, stack string, change func(tags map[string]string)) (backend.Facts, error) {
	f, err := m.backend.Read(ctx, stack)
	if err != nil {
		return backend.Facts{}, err
	}
	if f == nil {
		return backend.Facts{}, backend.ConflictError(stack, "removed")
	}
	was := f.Tags
	f.Tags = maps.Clone(was)
	change(f.Tags)
	if maps.Equal(was, f.Tags) {
		return *f, nil
	}
	return *f, m.backend.SetTags(ctx, stack, f.Tags)
}

func stoppedBefore(step, stack string) error {
	return fault.Failedf("stopped before the %s of stack %s: %w", step, stack, operation.ErrStopped).
		WithHint("run the same command again to go on")
}

package stacks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/fault"
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

// undertaking is an update that has been decided but not begun.
type undertaking struct {
	spec   Spec
	tags   map[string]string
	before *facts // nil: there is no such stack yet
	source versionSource
	from   aws.Object // the bundle to copy, where the version is one to take over
	losses []string   // the data that it would lose
	origin Identity   // the source of the branch; zero if it cannot be asked now
}

// Up creates or updates an environment; with IfExists and none there, it does nothing and returns the zero
// Environment. Its steps, each of which may be the last one of an interrupted run and is gone
// on from by the next:
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
func (m *Manager) begin(ctx context.Context, r UpRequest) (*engine, *undertaking, error) {
	u, e, err := m.beginNew(ctx, r)
	if err != nil || u == nil || e != nil {
		return e, u, err
	}
	if e, err = m.engine(ctx); err != nil {
		return nil, nil, err
	}
	return e, u, m.makeStack(ctx, e, u)
}

// beginNew decides, and makes the stack where there is none yet: then the engine is not nil.
func (m *Manager) beginNew(ctx context.Context, r UpRequest) (*undertaking, *engine, error) {
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

func (u *undertaking) state() state {
	if u.before == nil {
		return state{}
	}
	return u.before.state
}

// decide reads the facts and decides everything that Up does. It changes nothing, but that it removes a lock which a
// dead process left behind. nil: there is nothing to do.
func (m *Manager) decide(ctx context.Context, r UpRequest) (*undertaking, error) {
	stack, err := Slug(r.Branch)
	if err != nil {
		return nil, err
	}
	if reason := unstorable(r.Branch); reason != "" {
		return nil, fault.Usagef("branch %q can have no environment: %s", r.Branch, reason).WithHint("rename the branch")
	}
	u := &undertaking{}
	if u.before, err = m.backend.read(ctx, stack); err != nil || u.before == nil && r.IfExists {
		return nil, err
	}
	application, err := m.backend.read(ctx, ApplicationStack)
	if err != nil {
		return nil, err
	}
	if err := applicationReady(application, m.File.Domain); err != nil {
		return nil, err
	}
	h, err := m.here(ctx)
	if err != nil {
		return nil, err
	}
	if err := application.livesIn(h, m.File.Path); err != nil {
		return nil, err
	}
	if _, err := m.followed(ctx, application); err != nil {
		return nil, err
	}
	if u.origin, err = m.followed(ctx, u.before); err != nil {
		return nil, err
	}
	if u.before != nil {
		if err := cmp.Or(owns(*u.before, r.Branch), u.before.livesIn(h, m.File.Path)); err != nil {
			return nil, err
		}
		if err := m.unlocked(ctx, u.before); err != nil {
			return nil, err
		}
	}
	like, err := m.likeFacts(ctx, r)
	if err != nil {
		return nil, err
	}
	host := ""
	if u.before == nil || u.before.tags[tagHost] == "" {
		if host, err = m.chooseHost(ctx, r.Branch, stack); err != nil {
			return nil, err
		}
	}
	if err := m.specify(u, r, stack, like, host); err != nil {
		return nil, err
	}
	if u.tags[tagSource] == "" && m.Source != nil {
		m.tell(stack, Event{Kind: Warning, Message: m.Source.String() + " cannot be asked which repository it is: reconcile leaves this environment alone until an up could ask"})
	}
	if err := u.staysInApplication(); err != nil {
		return nil, err
	}
	h.tag(u.tags)
	u.from, err = u.source.resolve(ctx, m, &u.spec)
	return u, err
}

// specify fills in what the program will be told, and the tags. like are the facts of the environment to copy, host is the label that a
// stack without one gets.
func (m *Manager) specify(u *undertaking, r UpRequest, stack string, like *facts, host string) error {
	tags := map[string]string{}
	if u.before != nil {
		for k, v := range u.before.tags {
			tags[k] = v
		}
	}
	delete(tags, tagLeft)
	delete(tags, tagMissing)
	delete(tags, tagDestroying)
	if u.before != nil {
		if at := u.before.goodUpdate(); !at.IsZero() {
			tags[tagUpdated] = at.Format(time.RFC3339)
		}
	}
	if made := tags[tagBranch] != ""; made && r.Like != "" && r.Like != tags[tagLike] {
		m.tell(stack, Event{Kind: Warning, Message: fmt.Sprintf("--like %s has no effect: the environment exists", r.Like)})
	}
	if tags[tagBranch] == "" && r.Like != "" {
		tags[tagLike] = r.Like
		if like != nil && like.tags[tagLike] != "" { // a copy of a copy has the settings of the first one
			tags[tagLike] = like.tags[tagLike]
		}
	}
	resolved, err := resolveCopy(m.File.Resolve, r.Branch, tags[tagLike])
	if err != nil {
		return err
	}
	settings := resolved.Settings
	if r.Timeout > 0 {
		settings.Timeout = config.Duration(r.Timeout)
	}
	if err := m.decideOnce(tags, r, stack, host); err != nil {
		return err
	}
	tags[tagKind] = resolved.Kind
	tags[tagProtected] = strconv.FormatBool(settings.Protected || u.origin.isDefault(r.Branch))
	u.origin.record(tags)
	u.tags, u.losses = tags, u.state().losses(settings)
	u.spec = Spec{
		Project: m.File.Project, Region: m.File.Region, Branch: r.Branch, Stack: stack, Kind: resolved.Kind,
		Host: tags[tagHost], Domain: m.File.Domain, BucketSuffix: tags[tagBucket], Settings: settings,
	}
	u.spec.Commit = r.Commit
	u.source, err = chooseVersion(r, u.before, like, settings, m.File.Project)
	if u.source.kept {
		u.spec.Commit = u.before.spec(m.File.Project).Commit
	}
	return err
}

// decideOnce sets the tags that never change once they are set.
func (m *Manager) decideOnce(tags map[string]string, r UpRequest, stack, host string) error {
	if tags[tagHost] == "" {
		tags[tagHost] = host
	}
	if tags[tagBucket] == "" {
		suffix, err := randomSuffix()
		if err != nil {
			return err
		}
		tags[tagBucket] = suffix
	}
	if tags[tagCreated] == "" {
		tags[tagCreated] = m.now().UTC().Format(time.RFC3339)
	}
	tags[tagProject], tags[tagStack], tags[tagBranch] = m.File.Project, stack, BranchTag(r.Branch)
	return nil
}

// run runs the program. What turns out to be gone while it runs is forgotten, and the program run once more.
func (m *Manager) run(ctx context.Context, e *engine, u *undertaking) error {
	changed, err := m.update(ctx, e, u)
	if err != nil && !m.Stop.Stopped() && goneInAWS.MatchString(err.Error()) {
		m.tell(u.spec.Stack, Event{Kind: Warning, Message: "something of it is gone from AWS: the state is brought in line, and the update repeated. " + err.Error()})
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
func (m *Manager) update(ctx context.Context, e *engine, u *undertaking) (changed string, err error) {
	if m.Stop.Stopped() {
		return "", stoppedBefore("update", u.spec.Stack)
	}
	if err := m.guard(u.before); err != nil {
		return "", err
	}
	c, err := m.stackConfig(u.spec.Stack, u.spec.Branch, specKey, u.spec, u.before.state)
	if err != nil {
		return "", err
	}
	w, err := e.open(ctx, u.spec.Stack, c, Program)
	if err != nil {
		return "", err
	}
	m.tell(u.spec.Stack, Event{Kind: Step, Op: "update"})
	news := m.follow(ctx, u.spec.Stack)
	err = w.up(ctx, news.event)
	return news.name, errors.Join(news.end(err), w.close())
}

// conclude notes how the update went: the engine calls one good whose environment is red, and its backend tells only the
// last run of any kind, so that a refresh by hand hides the update. changed is the environment that it changed; "" for none.
func (m *Manager) conclude(ctx context.Context, u *undertaking, changed string) error {
	if changed == "" && u.tags[tagUnhealthy] != "" { // it may have recovered
		changed = EnvironmentName(m.File.Project, u.spec.Stack)
	}
	var sick error
	known := true
	if changed != "" {
		sick, known = m.healthy(ctx, u.spec.Stack, changed)
	}
	return errors.Join(sick, m.retag(ctx, u.spec.Stack, func(tags map[string]string) {
		switch {
		case sick != nil:
			tags[tagUnhealthy] = cutTag(fault.Line(sick.Error()))
			return
		case known:
			delete(tags, tagUnhealthy)
		}
		if tags[tagUnhealthy] == "" {
			tags[tagUpdated] = m.now().UTC().Format(time.RFC3339)
		}
	}))
}

func stoppedBefore(step, stack string) error {
	return fault.Failedf("stopped before the %s of stack %s: %w", step, stack, errStopped).
		WithHint("run the same command again to go on")
}

// applicationReady checks that the application stack is there, and that its certificate is one of the domain.
func applicationReady(f *facts, domain string) error {
	if f == nil || f.state.outputs()[outVersionsBucket] == nil {
		return fault.Usagef("there is no application stack yet, which environments share").
			WithHint("branchenv application up")
	}
	if made, _ := f.state.outputs()[outDomain].(string); made != "" && made != domain {
		return fault.Usagef("the application stack, with its certificate, was made for domain %s, and the settings name %s", made, domain).
			WithHint("set domain back, or change it for all environments: branchenv application up")
	}
	return nil
}

func find(all []facts, name string) *facts {
	for i := range all {
		if all[i].name == name {
			return &all[i]
		}
	}
	return nil
}

// likeFacts are those of the environment that a new one is a copy of; nil for none.
func (m *Manager) likeFacts(ctx context.Context, r UpRequest) (*facts, error) {
	if r.Like == "" {
		return nil, nil
	}
	stack, err := Slug(r.Like)
	if err != nil {
		return nil, err
	}
	f, err := m.backend.read(ctx, stack)
	if err != nil || f == nil || f.tags[tagBranch] != BranchTag(r.Like) {
		return nil, err
	}
	return f, nil
}

// chooseHost picks the host label of a branch that has none yet.
func (m *Manager) chooseHost(ctx context.Context, branch, stack string) (string, error) {
	candidates, err := Hosts(branch, m.File.StripPrefixes)
	if err != nil {
		return "", err
	}
	all, err := m.backend.hosts(ctx)
	if err != nil {
		return "", err
	}
	host, doubt, err := all.choose(candidates, stack)
	if doubt != "" {
		m.tell(stack, Event{Kind: Warning, Message: doubt + ": the environment gets " + host})
	}
	return host, err
}

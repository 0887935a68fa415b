package stacks

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/fault"
)

// undertaking is an update that has been decided but not begun.
type undertaking struct {
	spec   Spec
	tags   map[string]string
	before *facts // nil: there is no such stack yet
	source versionSource
	from   aws.Object // the bundle to copy, where the version is one to take over
	losses []string   // the data that it would lose
	retag  string     // the command that gives the stack the tag of its bucket back; "" if it has it
	origin Identity   // the source of the branch; zero if it cannot be asked now
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
	if err := livesIn(*application, h, m.File.Path); err != nil {
		return nil, err
	}
	if _, err := m.followed(ctx, application); err != nil {
		return nil, err
	}
	if u.origin, err = m.followed(ctx, u.before); err != nil {
		return nil, err
	}
	if u.before != nil {
		if err := cmp.Or(owns(m.where(), *u.before, r.Branch), livesIn(*u.before, h, m.File.Path)); err != nil {
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
	host := u.before.hostLabel(m.File.Project)
	if host == "" && (u.before == nil || u.before.tags[tagHost] == "") {
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
	if err := m.decideOnce(u.before, tags, r, stack, host); err != nil {
		return err
	}
	tags[tagKind] = resolved.Kind
	// A source that cannot be asked for its default branch must not take the protection away.
	unknown := u.origin.Default == "" && m.Source != nil
	tags[tagProtected] = strconv.FormatBool(settings.Protected || u.origin.isDefault(r.Branch, tags[tagDefault]) || unknown && tags[tagProtected] == "true")
	u.origin.record(tags)
	u.tags, u.losses = tags, losses(u.state(), settings, BucketName(m.File.Project, stack, tags[tagBucket]))
	if known := u.before.bucketSuffix(m.File.Project); known != "" && known != tags[tagBucket] {
		u.retag = m.where().setTag(stack, tagBucket, known)
	}
	u.spec = Spec{
		Project: m.File.Project, Region: m.File.Region, Branch: r.Branch, Stack: stack, Kind: resolved.Kind,
		Host: tags[tagHost], Domain: m.File.Domain, BucketSuffix: tags[tagBucket], Settings: settings,
	}
	u.spec.Commit = r.Commit
	u.source, err = chooseVersion(r, u.before, like, settings, m.File.Project)
	if u.source.kept {
		u.spec.Commit = parseSpec(u.before.specText(m.File.Project)).Commit
	}
	return err
}

// decideOnce sets the tags that never change once they are set. One that was lost is set as the stack was made.
func (m *Manager) decideOnce(before *facts, tags map[string]string, r UpRequest, stack, host string) error {
	if tags[tagHost] == "" {
		tags[tagHost] = host
	}
	suffix, err := suffixOr(before, m.File.Project, tags[tagBucket])
	if err != nil {
		return err
	}
	tags[tagBucket] = suffix
	if tags[tagCreated] == "" {
		tags[tagCreated] = m.now().UTC().Format(time.RFC3339)
	}
	tags[tagProject], tags[tagStack], tags[tagBranch] = m.File.Project, stack, BranchTag(r.Branch)
	return nil
}

// applicationReady checks that the application stack is there, and that its certificate is one of the domain.
func applicationReady(f *facts, domain string) error {
	if f == nil || f.state.outputs()[outVersionsBucket] == nil {
		return noApplication()
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

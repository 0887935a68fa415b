package stacks

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/stacks/names"
	"github.com/branchenv/branchenv/stacks/program"
)

// undertaking is an update that has been decided but not begun.
type undertaking struct {
	spec   program.Spec
	tags   map[string]string
	before *backend.Facts // nil: there is no such stack yet
	source versionSource
	from   aws.Object       // the bundle to copy, where the version is one to take over
	losses []string         // the data that it would lose
	retag  string           // the command that gives the stack the tag of its bucket back; "" if it has it
	origin names.Repository // the source of the branch; zero if it cannot be asked now
}

func (u *undertaking) state() backend.State {
	if u.before == nil {
		return backend.State{}
	}
	return u.before.State
}

// decide reads the facts and decides everything that Up does. It changes nothing, but that it removes a lock which a
// dead process left behind. nil: there is nothing to do.
func (m *Manager) decide(ctx context.Context, r UpRequest) (*undertaking, error) {
	stack, err := names.Slug(r.Branch)
	if err != nil {
		return nil, err
	}
	if reason := names.Unstorable(r.Branch); reason != "" {
		return nil, fault.Usagef("branch %q can have no environment: %s", r.Branch, reason).WithHint("rename the branch")
	}
	u := &undertaking{}
	if u.before, err = m.backend.Read(ctx, stack); err != nil || u.before == nil && r.IfExists {
		return nil, err
	}
	application, err := m.backend.Read(ctx, names.ApplicationStack)
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
		if err := cmp.Or(owns(m.Where(), *u.before, r.Branch), livesIn(*u.before, h, m.File.Path)); err != nil {
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
	host := u.before.HostLabel(m.File.Project)
	if host == "" && (u.before == nil || u.before.Tags[names.TagHost] == "") {
		if host, err = m.chooseHost(ctx, r.Branch, stack); err != nil {
			return nil, err
		}
	}
	if err := m.specify(u, r, stack, like, host); err != nil {
		return nil, err
	}
	if u.tags[names.TagSource] == "" && m.Source != nil {
		m.tell(stack, operation.Event{Kind: operation.Warning, Message: m.Source.String() + " cannot be asked which repository it is: reconcile leaves this environment alone until an up could ask"})
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
func (m *Manager) specify(u *undertaking, r UpRequest, stack string, like *backend.Facts, host string) error {
	tags := map[string]string{}
	if u.before != nil {
		for k, v := range u.before.Tags {
			tags[k] = v
		}
	}
	delete(tags, names.TagLeft)
	delete(tags, names.TagMissing)
	delete(tags, names.TagDestroying)
	if u.before != nil {
		if at := u.before.GoodUpdate(); !at.IsZero() {
			tags[names.TagUpdated] = at.Format(time.RFC3339)
		}
	}
	if made := tags[names.TagBranch] != ""; made && r.Like != "" && r.Like != tags[names.TagLike] {
		m.tell(stack, operation.Event{Kind: operation.Warning, Message: fmt.Sprintf("--like %s has no effect: the environment exists", r.Like)})
	}
	if tags[names.TagBranch] == "" && r.Like != "" {
		tags[names.TagLike] = r.Like
		if like != nil && like.Tags[names.TagLike] != "" { // a copy of a copy has the settings of the first one
			tags[names.TagLike] = like.Tags[names.TagLike]
		}
	}
	resolved, err := config.ResolveCopy(m.File.Resolve, r.Branch, tags[names.TagLike])
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
	tags[names.TagKind] = resolved.Kind
	// A source that cannot be asked for its default branch must not take the protection away.
	unknown := u.origin.Default == "" && m.Source != nil
	tags[names.TagProtected] = strconv.FormatBool(settings.Protected || u.origin.IsDefault(r.Branch, tags[names.TagDefault]) || unknown && tags[names.TagProtected] == "true")
	u.origin.Record(tags)
	u.tags, u.losses = tags, losses(u.state(), settings, names.BucketName(m.File.Project, stack, tags[names.TagBucket]))
	if known := u.before.BucketSuffix(m.File.Project); known != "" && known != tags[names.TagBucket] {
		u.retag = m.Where().SetTag(stack, names.TagBucket, known)
	}
	u.spec = program.Spec{
		Project: m.File.Project, Region: m.File.Region, Branch: r.Branch, Stack: stack, Kind: resolved.Kind,
		Host: tags[names.TagHost], Domain: m.File.Domain, BucketSuffix: tags[names.TagBucket], Settings: settings,
	}
	u.spec.Commit = r.Commit
	u.source, err = chooseVersion(r, u.before, like, settings, m.File.Project)
	if u.source.kept {
		u.spec.Commit = ParseSpec(u.before.SpecText(m.File.Project)).Commit
	}
	return err
}

// decideOnce sets the tags that never change once they are set. One that was lost is set as the stack was made.
func (m *Manager) decideOnce(before *backend.Facts, tags map[string]string, r UpRequest, stack, host string) error {
	if tags[names.TagHost] == "" {
		tags[names.TagHost] = host
	}
	suffix, err := suffixOr(before, m.File.Project, tags[names.TagBucket])
	if err != nil {
		return err
	}
	tags[names.TagBucket] = suffix
	if tags[names.TagCreated] == "" {
		tags[names.TagCreated] = m.Now().UTC().Format(time.RFC3339)
	}
	tags[names.TagProject], tags[names.TagStack], tags[names.TagBranch] = m.File.Project, stack, names.BranchTag(r.Branch)
	return nil
}

// applicationReady checks that the application stack is there, and that its certificate is one of the domain.
func applicationReady(f *backend.Facts, domain string) error {
	if f == nil || f.State.Outputs()[program.OutVersionsBucket] == nil {
		return backend.NoApplication()
	}
	if made, _ := f.State.Outputs()[program.OutDomain].(string); made != "" && made != domain {
		return fault.Usagef("the application stack, with its certificate, was made for domain %s, and the settings name %s", made, domain).
			WithHint("set domain back, or change it for all environments: branchenv application up")
	}
	return nil
}

func find(all []backend.Facts, name string) *backend.Facts {
	for i := range all {
		if all[i].Name == name {
			return &all[i]
		}
	}
	return nil
}

// likeFacts are those of the environment that a new one is a copy of; nil for none.
func (m *Manager) likeFacts(ctx context.Context, r UpRequest) (*backend.Facts, error) {
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
func (m *Manager) chooseHost(ctx context.Context, branch, stack string) (string, error) {
	candidates, err := names.Hosts(branch, m.File.StripPrefixes)
	if err != nil {
		return "", err
	}
	all, err := m.backend.Hosts(ctx)
	if err != nil {
		return "", err
	}
	host, doubt, err := all.Choose(candidates, stack)
	if doubt != "" {
		m.tell(stack, operation.Event{Kind: operation.Warning, Message: doubt + ": the environment gets " + host})
	}
	return host, err
}

package stacks

import (
	"context"
	"slices"

	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/stacks/names"
)

// home is where a stack's resources are. Seen from another account or region nothing of them exists: an update would
// make all of it twice, and a destroy would find all of it gone, and say so.
type home struct {
	account string // twelve digits
	region  string
}

// here is the home that the credentials and the settings name.
func (m *Manager) here(ctx context.Context) (home, error) {
	m.asking.Lock()
	defer m.asking.Unlock()
	if m.account == "" {
		account, err := m.aws.Account(ctx)
		if err != nil {
			return home{}, err
		}
		m.account = account
	}
	return home{m.account, m.File.Region}, nil
}

// atHome refuses a stack that lives elsewhere.
func (m *Manager) atHome(ctx context.Context, f backend.Facts) error {
	h, err := m.here(ctx)
	if err != nil {
		return err
	}
	return livesIn(f, h, m.File.Path)
}

// livesIn refuses a stack that does not live in h, as its tags say; settings is the file that names h's region.
func livesIn(f backend.Facts, h home, settings string) error {
	account, region := f.Tags[names.TagAccount], f.Tags[names.TagRegion]
	switch {
	case account != "" && account != h.account:
		return fault.Refusedf("stack %s lives in AWS account %s, and the credentials are of account %s", f.Name, account, h.account).
			WithHint("use credentials of account %s: AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", account)
	case region != "" && region != h.region:
		return fault.Refusedf("stack %s lives in region %s, and %s names region %s", f.Name, region, settings, h.region).
			WithHint("set region back to %s; to move, destroy everything there first", region)
	}
	return nil
}

// staysInApplication refuses settings that put an environment into the other Beanstalk application: AWS cannot move one,
// and deletes no version that is still in use, so an update would end half-way.
func (u *undertaking) staysInApplication() error {
	if u.before == nil || !slices.ContainsFunc(u.before.State.Resources, func(r backend.Resource) bool { return r.Type == aws.TypeEnvironment }) {
		return nil
	}
	last := ParseSpec(u.before.SpecText(u.spec.Project))
	if last == nil || last.Settings.Application == u.spec.Settings.Application {
		return nil
	}
	return fault.Refusedf("stack %s lives in the Beanstalk application %s, and the settings put it into %s (its kind is %s)",
		u.spec.Stack, last.Settings.Application, u.spec.Settings.Application, u.spec.Kind).
		WithHint("an environment cannot move: set application: %s for this branch, or destroy it first and make it again", last.Settings.Application)
}

// tag notes h in a stack's tags, once.
func (h home) tag(tags map[string]string) {
	if tags[names.TagAccount] == "" {
		tags[names.TagAccount] = h.account
	}
	if tags[names.TagRegion] == "" {
		tags[names.TagRegion] = h.region
	}
}

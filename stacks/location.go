package stacks

import (
	"context"

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/stacks/names"
)

// awsLocation is the AWS account and region of a stack's resources. Seen from another account or region none of them
// exists: an update would create all of them twice, and a destroy would find all of them gone, and say so.
type awsLocation struct {
	account string // twelve digits
	region  string
}

// currentLocation returns the account of the credentials and the region of the settings.
func (m Manager) currentLocation(ctx context.Context) (awsLocation, error) {
	account, err := m.account.get(func() (string, error) { return m.aws.Account(ctx) })
	return awsLocation{account, m.file.Region}, err
}

// checkLocation refuses a stack whose resources are elsewhere.
func (m Manager) checkLocation(ctx context.Context, f backend.Facts) error {
	l, err := m.currentLocation(ctx)
	if err != nil {
		return err
	}
	return l.check(f, m.file.Path)
}

// check refuses a stack whose resources are not at l, as its tags say. settings is the file that names l's region.
func (l awsLocation) check(f backend.Facts, settings string) error {
	account, region := f.Tags[names.TagAccount], f.Tags[names.TagRegion]
	switch {
	case account != "" && account != l.account:
		return fault.Refusedf("stack %s lives in AWS account %s, and the credentials are of account %s", f.Name, account, l.account).
			WithHint("use credentials of account %s: AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", account)
	case region != "" && region != l.region:
		return fault.Refusedf("stack %s lives in region %s, and %s names region %s", f.Name, region, settings, l.region).
			WithHint("set region back to %s; to move, destroy everything there first", region)
	}
	return nil
}

// record records l in a stack's tags, once.
func (l awsLocation) record(tags map[string]string) {
	if tags[names.TagAccount] == "" {
		tags[names.TagAccount] = l.account
	}
	if tags[names.TagRegion] == "" {
		tags[names.TagRegion] = l.region
	}
}

package stacks

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"time"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/engine"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks/names"
	"github.com/branchenv/branchenv/stacks/program"
)

// ApplicationReport is what the application stack holds.
type ApplicationReport struct {
	Stack   string         `json:"stack"`
	Status  backend.Status `json:"status"`
	Outputs map[string]any `json:"outputs"`
}

// ApplicationUp creates or updates the application stack.
func (m *Manager) ApplicationUp(ctx context.Context) (ApplicationReport, error) {
	before, err := m.applicationFacts(ctx)
	if err != nil {
		return ApplicationReport{}, err
	}
	if before == nil {
		m.warnOfOthers(ctx)
	}
	spec, tags, err := m.applicationSpec(ctx, before)
	if err != nil {
		return ApplicationReport{}, err
	}
	if err := m.keepsBundles(before, spec.BucketSuffix); err != nil {
		return ApplicationReport{}, err
	}
	e, err := m.engine(ctx)
	if err != nil {
		return ApplicationReport{}, err
	}
	u := &undertaking{spec: program.Spec{Stack: names.ApplicationStack}, tags: tags, before: before}
	if err := m.makeStack(ctx, e, u); err != nil {
		return ApplicationReport{}, err
	}
	if err := m.backend.PrepareRun(*u.before); err != nil {
		return ApplicationReport{}, err
	}
	c, err := m.stackConfig(names.ApplicationStack, "", names.ApplicationKey, spec, u.before.State)
	if err != nil {
		return ApplicationReport{}, err
	}
	w, err := e.Open(ctx, names.ApplicationStack, c, program.Run)
	if err != nil {
		return ApplicationReport{}, err
	}
	m.tell(names.ApplicationStack, operation.Event{Kind: operation.Step, Op: "update"})
	if err := errors.Join(w.Up(ctx, nil), w.Close()); err != nil {
		return ApplicationReport{}, m.certificateTaken(ctx, err)
	}
	after, err := m.backend.Read(ctx, names.ApplicationStack)
	if err != nil {
		return ApplicationReport{}, err
	}
	if after == nil {
		return ApplicationReport{}, fault.Failedf("the application stack is not in the backend after its update")
	}
	return ApplicationReport{Stack: names.ApplicationStack, Status: after.Status(), Outputs: after.State.Outputs()}, nil
}

// validationTaken finds what Route 53 says when the record that validates a certificate exists: another project of the
// account has a certificate for the domain, whose record is the same.
var validationTaken = regexp.MustCompile(`resource record set \[name='_[^']*', type='CNAME'\] but it already exists`)

// certificateTaken says what to do about a domain that has a certificate already: to remove the record of the other one
// would end its renewal.
func (m *Manager) certificateTaken(ctx context.Context, err error) error {
	if !validationTaken.MatchString(err.Error()) {
		return err
	}
	domain, arn := "*."+m.File.Domain, "ARN"
	if known, listErr := m.aws.IssuedCertificate(ctx, domain, map[string]string{names.TagProject: m.File.Project}); listErr == nil && known != "" {
		arn = known
	}
	return fault.Failedf("%w: this account has a certificate for %s already, and one record validates both", err, domain).
		WithHint("write certificate: %s in the settings, so that the existing one is used; then run the same command again", arn)
}

// ApplicationPreview tells what ApplicationUp would change.
func (m *Manager) ApplicationPreview(ctx context.Context) (Preview, error) {
	before, err := m.applicationFacts(ctx)
	if err != nil {
		return Preview{}, err
	}
	spec, _, err := m.applicationSpec(ctx, before)
	if err != nil {
		return Preview{}, err
	}
	u := undertaking{before: before}
	c, err := m.stackConfig(names.ApplicationStack, "", names.ApplicationKey, spec, u.state())
	if err != nil {
		return Preview{}, err
	}
	p := Preview{Stack: names.ApplicationStack, Changes: map[string]int{}, Steps: []PreviewStep{}}
	err = m.withTemporaryStack(ctx, names.ApplicationStack, c, before == nil, func(w *engine.Workspace) error { return w.Preview(ctx, p.observe) })
	return p, err
}

// ApplicationPlanDestroy looks at what ApplicationDestroy would remove; it refuses while environments exist.
func (m *Manager) ApplicationPlanDestroy(ctx context.Context) (Destruction, error) {
	f, err := m.backend.Read(ctx, names.ApplicationStack)
	if err != nil {
		return Destruction{}, err
	}
	all, err := m.backend.List(ctx)
	if err != nil {
		return Destruction{}, err
	}
	if f == nil {
		return Destruction{Environment: Environment{Stack: names.ApplicationStack}, Absent: true}, nil
	}
	if len(all) > 1 {
		other := all[slices.IndexFunc(all, func(x backend.Facts) bool { return x.Name != names.ApplicationStack })]
		return Destruction{}, fault.Refusedf("the application stack is shared by %s, %s among them", text.Count(len(all)-1, "other stack"), other.Name).
			WithHint("branchenv list; destroy the environments first; branchenv doctor shows the rest")
	}
	if err := ownsApplication(m.Where(), *f); err != nil {
		return Destruction{}, err
	}
	if err := m.unprotected(*f, names.ApplicationStack); err != nil {
		return Destruction{}, err
	}
	if err := m.atHome(ctx, *f); err != nil {
		return Destruction{}, err
	}
	if _, err := m.followed(ctx, f); err != nil {
		return Destruction{}, err
	}
	if err := m.unlocked(ctx, f); err != nil {
		return Destruction{}, err
	}
	return Destruction{Environment: m.environment(*f, config.RulesOf(m.File)), Resources: resources(f.State), before: f}, nil
}

// ApplicationDestroy carries out d, in the steps of Destroy.
func (m *Manager) ApplicationDestroy(ctx context.Context, d Destruction) (Receipt, error) {
	return m.Destroy(ctx, d)
}

// applicationFacts are those of the application stack, nil where there is none; an error where it is not branchenv's
// or somebody works on it.
func (m *Manager) applicationFacts(ctx context.Context) (*backend.Facts, error) {
	f, err := m.backend.Read(ctx, names.ApplicationStack)
	if err != nil || f == nil {
		return nil, err
	}
	if err := ownsApplication(m.Where(), *f); err != nil {
		return nil, err
	}
	if err := m.atHome(ctx, *f); err != nil {
		return nil, err
	}
	return f, m.unlocked(ctx, f)
}

func ownsApplication(p backend.Location, f backend.Facts) error {
	if f.Tags[names.TagStack] == names.ApplicationStack || f.Tags[names.TagStack] == "" && f.State.Blank() {
		return f.OwnsResources()
	}
	e := fault.Refusedf("stack %s has resources or outputs but no %s tag: branchenv did not make it", f.Name, names.TagStack)
	if f.BucketSuffix(p.Project) != "" {
		return e.WithHint("if branchenv made it, set its tags again: %s", p.SetTags(f))
	}
	return e.WithHint("choose another project name in the settings")
}

// applicationSpec is what the application program is told, and the stack's tags.
func (m *Manager) applicationSpec(ctx context.Context, before *backend.Facts) (program.ApplicationSpec, map[string]string, error) {
	tags := map[string]string{}
	if before != nil {
		for k, v := range before.Tags {
			tags[k] = v
		}
	}
	delete(tags, names.TagMissing)
	delete(tags, names.TagDestroying)
	suffix, err := suffixOr(before, m.File.Project, tags[names.TagBucket])
	if err != nil {
		return program.ApplicationSpec{}, nil, err
	}
	tags[names.TagBucket] = suffix
	if tags[names.TagCreated] == "" {
		tags[names.TagCreated] = m.Now().UTC().Format(time.RFC3339)
	}
	h, err := m.here(ctx)
	if err != nil {
		return program.ApplicationSpec{}, nil, err
	}
	id, err := m.followed(ctx, before)
	if err != nil {
		return program.ApplicationSpec{}, nil, err
	}
	id.Record(tags)
	h.tag(tags)
	tags[names.TagProject], tags[names.TagStack] = m.File.Project, names.ApplicationStack
	return program.ApplicationSpec{
		Project: m.File.Project, Region: m.File.Region, Domain: m.File.Domain, Zone: m.File.Zone,
		Certificate: m.File.Certificate, Network: m.File.Network, BucketSuffix: tags[names.TagBucket],
	}, tags, nil
}

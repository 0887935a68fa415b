package stacks

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/engine"
	"github.com/branchenv/branchenv/internal/fault"
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
func (m Manager) ApplicationUp(ctx context.Context) (ApplicationReport, error) {
	before, err := m.applicationFacts(ctx)
	if err != nil {
		return ApplicationReport{}, err
	}
	if before == nil {
		m.warnOfOtherProjects(ctx)
	}
	spec, tags, err := m.planApplication(ctx, before)
	if err != nil {
		return ApplicationReport{}, err
	}
	if err := checkBundles(before, m.Location(), spec.BucketSuffix); err != nil {
		return ApplicationReport{}, err
	}
	e, err := m.launcher.engine(ctx, m.Control, "")
	if err != nil {
		return ApplicationReport{}, err
	}
	if before == nil {
		before = &backend.Facts{Name: names.ApplicationStack, Project: m.file.Project, Tags: tags}
		err = m.createEmpty(ctx, e, names.ApplicationStack, tags)
	} else {
		err = m.prepareStack(ctx, e, before, tags)
	}
	if err != nil {
		return ApplicationReport{}, err
	}
	if err := m.backend.PrepareRun(*before); err != nil {
		return ApplicationReport{}, err
	}
	c, err := m.launcher.config(names.ApplicationStack, "", names.ApplicationKey, spec, before.State)
	if err != nil {
		return ApplicationReport{}, err
	}
	w, err := e.Open(ctx, names.ApplicationStack, c, program.Run)
	if err != nil {
		return ApplicationReport{}, err
	}
	m.step(names.ApplicationStack, "update")
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
func (m Manager) certificateTaken(ctx context.Context, err error) error {
	if !validationTaken.MatchString(err.Error()) {
		return err
	}
	domain, arn := "*."+m.file.Domain, "ARN"
	if known, listErr := m.aws.IssuedCertificate(ctx, domain, map[string]string{names.TagProject: m.file.Project}); listErr == nil && known != "" {
		arn = known
	}
	return fault.Failedf("%w: this account has a certificate for %s already, and one record validates both", err, domain).
		WithHint("write certificate: %s in the settings, so that the existing one is used; then run the same command again", arn)
}

// ApplicationPreview tells what ApplicationUp would change.
func (m Manager) ApplicationPreview(ctx context.Context) (Preview, error) {
	before, err := m.applicationFacts(ctx)
	if err != nil {
		return Preview{}, err
	}
	spec, _, err := m.planApplication(ctx, before)
	if err != nil {
		return Preview{}, err
	}
	c, err := m.launcher.config(names.ApplicationStack, "", names.ApplicationKey, spec, (&updatePlan{before: before}).state())
	if err != nil {
		return Preview{}, err
	}
	p := Preview{Stack: names.ApplicationStack, Changes: map[string]int{}, Steps: []PreviewStep{}}
	err = m.withTemporaryStack(ctx, names.ApplicationStack, c, before == nil, func(w *engine.Workspace) error { return w.Preview(ctx, p.observe) })
	return p, err
}

// ApplicationPlanDestroy looks at what ApplicationDestroy would remove; it refuses while environments exist.
func (m Manager) ApplicationPlanDestroy(ctx context.Context) (Destruction, error) {
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
			WithHint("%s; destroy the environments first; %s shows the rest", fault.Command{"list"}, fault.Command{"doctor"})
	}
	if err := checkApplicationOwner(m.Location(), *f); err != nil {
		return Destruction{}, err
	}
	if err := checkProtection(m.file, *f, names.ApplicationStack); err != nil {
		return Destruction{}, err
	}
	if err := m.checkLocation(ctx, *f); err != nil {
		return Destruction{}, err
	}
	if _, err := m.checkSource(ctx, f); err != nil {
		return Destruction{}, err
	}
	if err := m.waitForLock(ctx, f); err != nil {
		return Destruction{}, err
	}
	return Destruction{Environment: describeStack(m.file, config.RulesOf(m.file), *f), Resources: resources(f.State), before: f}, nil
}

// ApplicationDestroy carries out d, in the steps of Destroy.
func (m Manager) ApplicationDestroy(ctx context.Context, d Destruction) (Receipt, error) {
	return m.Destroy(ctx, d)
}

// applicationFacts are those of the application stack, nil where there is none; an error where it is not branchenv's
// or somebody works on it.
func (m Manager) applicationFacts(ctx context.Context) (*backend.Facts, error) {
	f, err := m.backend.Read(ctx, names.ApplicationStack)
	if err != nil || f == nil {
		return nil, err
	}
	if err := checkApplicationOwner(m.Location(), *f); err != nil {
		return nil, err
	}
	if err := m.checkLocation(ctx, *f); err != nil {
		return nil, err
	}
	return f, m.waitForLock(ctx, f)
}

func checkApplicationOwner(p backend.Location, f backend.Facts) error {
	if f.Tags[names.TagStack] == names.ApplicationStack || f.Tags[names.TagStack] == "" && f.State.Blank() {
		return f.CheckOwnership()
	}
	e := fault.Refusedf("stack %s has resources or outputs but no %s tag: branchenv did not make it", f.Name, names.TagStack)
	if f.BucketSuffix(p.Project) != "" {
		return e.WithHint("if branchenv made it, set its tags again: %s", p.SetTagsCommands(f))
	}
	return e.WithHint("choose another project name in the settings")
}

// planApplication decides what the application program will be told, and the stack's tags.
func (m Manager) planApplication(ctx context.Context, before *backend.Facts) (program.ApplicationSpec, map[string]string, error) {
	location, err := m.currentLocation(ctx)
	if err != nil {
		return program.ApplicationSpec{}, nil, err
	}
	r, err := m.checkSource(ctx, before)
	if err != nil {
		return program.ApplicationSpec{}, nil, err
	}
	fresh, err := names.RandomSuffix()
	if err != nil {
		return program.ApplicationSpec{}, nil, err
	}
	tags := map[string]string{}
	if before != nil {
		maps.Copy(tags, before.Tags)
	}
	delete(tags, names.TagMissing)
	delete(tags, names.TagDestroying)
	tags[names.TagBucket] = bucketSuffix(before, m.file.Project, tags[names.TagBucket], fresh)
	if tags[names.TagCreated] == "" {
		tags[names.TagCreated] = m.now().UTC().Format(time.RFC3339)
	}
	r.SetTags(tags)
	location.record(tags)
	tags[names.TagProject], tags[names.TagStack] = m.file.Project, names.ApplicationStack
	return program.ApplicationSpec{
		Project: m.file.Project, Region: m.file.Region, Domain: m.file.Domain, Zone: m.file.Zone,
		Certificate: m.file.Certificate, Network: m.file.Network, BucketSuffix: tags[names.TagBucket],
	}, tags, nil
}

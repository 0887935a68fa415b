package stacks

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/platform"
	"github.com/branchenv/branchenv/stacks/names"
	"github.com/branchenv/branchenv/stacks/program"
)

// updateFacts are what an update of an environment is decided from, beside the request and the settings.
type updateFacts struct {
	stack      string         // the stack's name
	before     *backend.Facts // the stack; nil: there is none yet
	like       *backend.Facts // the stack of the environment to copy; nil: there is none
	repository repository     // the source of the branch
	location   awsLocation
	runs       bool   // the stack has an environment of the platform
	host       string // the label for an environment that has none
	suffix     string // of the bucket's name, for a stack that has none
	now        time.Time
}

// repository is the source of a branch. Its ID is "" if the source cannot be asked which repository it is.
type repository struct {
	names.Repository
	source string // the source's name in the settings; "" if the Manager has no source
}

// updatePlan is an update that has been decided but not begun.
type updatePlan struct {
	spec     program.Spec
	tags     map[string]string // the stack's, as they will be
	before   *backend.Facts    // the stack; nil: there is none yet
	source   platform.Source
	bundle   platform.Bundle // to put in place
	losses   []string        // the data that the update would lose
	bucket   string          // the suffix of the bucket that the stack has, if its tag names another one
	warnings []string
}

// state returns the stack's state; the zero one if there is no stack.
func (p *updatePlan) state() backend.State {
	if p.before == nil {
		return backend.State{}
	}
	return p.before.State
}

// buildSpec decides what the program will be told, and the stack's tags.
func buildSpec(file *config.File, r UpRequest, f updateFacts) (*updatePlan, error) {
	p := &updatePlan{before: f.before, tags: map[string]string{}}
	if f.before != nil {
		p.tags = maps.Clone(f.before.Tags)
		if p.tags == nil {
			p.tags = map[string]string{}
		}
	}
	for _, tag := range []string{names.TagLeft, names.TagMissing, names.TagDestroying} {
		delete(p.tags, tag)
	}
	if f.before != nil {
		if at := f.before.GoodUpdate(); !at.IsZero() {
			p.tags[names.TagUpdated] = at.Format(time.RFC3339)
		}
	}
	p.tagLike(r, f)
	resolved, err := config.ResolveCopy(file.Resolve, r.Branch, p.tags[names.TagLike])
	if err != nil {
		return nil, err
	}
	settings := resolved.Settings
	if r.Timeout > 0 {
		settings.Timeout = config.Duration(r.Timeout)
	}
	p.tagOnce(file.Project, r, f)
	p.tags[names.TagKind] = resolved.Kind
	// A source that cannot be asked for its default branch must not take the protection away.
	remembered := f.repository.source != "" && f.repository.Default == "" && p.tags[names.TagProtected] == "true"
	p.tags[names.TagProtected] = strconv.FormatBool(settings.Protected || f.repository.IsDefault(r.Branch, p.tags[names.TagDefault]) || remembered)
	f.repository.SetTags(p.tags)
	if p.tags[names.TagSource] == "" && f.repository.source != "" {
		p.warnings = append(p.warnings, f.repository.source+" cannot be asked which repository it is: reconcile leaves this environment alone until an up could ask")
	}
	p.losses = losses(p.state(), settings, names.BucketName(file.Project, f.stack, p.tags[names.TagBucket]))
	if known := f.before.BucketSuffix(file.Project); known != "" && known != p.tags[names.TagBucket] {
		p.bucket = known
	}
	p.spec = program.Spec{
		Project: file.Project, Region: file.Region, Branch: r.Branch, Stack: f.stack, Kind: resolved.Kind, Commit: r.Commit,
		Host: p.tags[names.TagHost], Domain: file.Domain, BucketSuffix: p.tags[names.TagBucket], Settings: settings,
	}
	if p.source, err = chooseVersion(r, f.before, f.like, settings, file.Project); err != nil {
		return nil, err
	}
	if p.source.Kept {
		p.spec.Commit = SpecOf(f.before, file.Project).Commit
	}
	return p, p.checkGroup(f.runs)
}

// tagLike records the branch whose settings a new environment gets.
func (p *updatePlan) tagLike(r UpRequest, f updateFacts) {
	switch {
	case r.Like == "":
	case p.tags[names.TagBranch] == "":
		p.tags[names.TagLike] = r.Like
		if f.like != nil && f.like.Tags[names.TagLike] != "" { // a copy of a copy has the settings of the first one
			p.tags[names.TagLike] = f.like.Tags[names.TagLike]
		}
	case r.Like != p.tags[names.TagLike]:
		p.warnings = append(p.warnings, fmt.Sprintf("--like %s has no effect: the environment exists", r.Like))
	}
}

// tagOnce sets the tags that never change once they are set. One that was lost is set as the stack was made.
func (p *updatePlan) tagOnce(project string, r UpRequest, f updateFacts) {
	if p.tags[names.TagHost] == "" {
		p.tags[names.TagHost] = f.host
	}
	p.tags[names.TagBucket] = bucketSuffix(f.before, project, p.tags[names.TagBucket], f.suffix)
	if p.tags[names.TagCreated] == "" {
		p.tags[names.TagCreated] = f.now.UTC().Format(time.RFC3339)
	}
	p.tags[names.TagProject], p.tags[names.TagStack], p.tags[names.TagBranch] = project, f.stack, names.BranchTag(r.Branch)
	f.location.record(p.tags)
}

// checkGroup refuses settings that put an environment into the other Beanstalk application: AWS cannot move one, and
// deletes no version that is still in use, so an update would end half-way. runs reports whether the stack has an
// environment of the platform.
func (p *updatePlan) checkGroup(runs bool) error {
	if !runs {
		return nil
	}
	last := SpecOf(p.before, p.spec.Project)
	if last == nil || last.Settings.Application == p.spec.Settings.Application {
		return nil
	}
	return fault.Refusedf("stack %s lives in the Beanstalk application %s, and the settings put it into %s (its kind is %s)",
		p.spec.Stack, last.Settings.Application, p.spec.Settings.Application, p.spec.Kind).
		WithHint("an environment cannot move: set application: %s for this branch, or destroy it first and make it again", last.Settings.Application)
}

// chooseVersion decides what an environment will run: what was asked for; else, if it is being made as a copy, what the
// other one runs; else the settings' image for the commit; else what it runs already. An image that needs the commit is an
// error if the commit is not known: the running version would be an old one, and nobody would notice.
func chooseVersion(r UpRequest, before, like *backend.Facts, s config.Settings, project string) (platform.Source, error) {
	switch {
	case r.Image != "":
		return platform.Source{Version: program.Version{Image: r.Image}}, nil
	case r.Bundle != "":
		return platform.Source{Bundle: r.Bundle}, nil
	case r.Version != "":
		return platform.Source{Label: r.Version}, nil
	case r.Like != "" && (before == nil || before.State.Empty()):
		return versionOf(r, like, project)
	case s.Image != "" && (r.Commit != "" || !config.NeedsCommit(s.Image)):
		image, err := config.ExpandImage(s.Image, r.Commit, r.Branch)
		return platform.Source{Version: program.Version{Image: image}}, err
	case s.Image != "" && r.Like == "": // a copy whose creation was interrupted continues with what it began with
		return platform.Source{}, r.noCommit(s.Image)
	}
	if before != nil {
		if spec := SpecOf(before, project); spec != nil && spec.Version != (program.Version{}) {
			return platform.Source{Version: spec.Version, Kept: true}, nil
		}
	}
	if r.Like != "" { // the run that was to make the copy was interrupted
		return versionOf(r, like, project)
	}
	return platform.Source{}, fault.Usagef("no version given for branch %q", r.Branch).
		WithHint("add --image REGISTRY/APP:TAG, --bundle FILE or --version LABEL, or set image in the settings")
}

// noCommit is the error that the image template needs a commit which is not known.
func (r UpRequest) noCommit(template string) error {
	why := ""
	if r.CommitUnknown != "" {
		why = ": " + r.CommitUnknown
	}
	branch := fault.ShellWord(r.Branch)
	return fault.Usagef("the settings' image, %s, needs the commit at the head of branch %q, which is not known%s", template, r.Branch, why).
		WithHint("name the commit with --commit SHA or the image with --image REF, or fetch the branch: git fetch origin %s:refs/remotes/origin/%s", branch, branch)
}

// versionOf returns the version of the environment to copy.
func versionOf(r UpRequest, like *backend.Facts, project string) (platform.Source, error) {
	if like == nil {
		return platform.Source{}, fault.Usagef("branch %q has no environment to copy", r.Like).WithHint("%s", fault.Command{"list"})
	}
	switch spec := SpecOf(like, project); {
	case spec != nil && spec.Version.Image != "":
		return platform.Source{Version: program.Version{Image: spec.Version.Image}}, nil
	case spec != nil && spec.Version.BundleKey != "":
		return platform.Source{Key: spec.Version.BundleKey}, nil
	}
	return platform.Source{}, fault.Usagef("the environment of %q has no version that could be taken over", r.Like).
		WithHint("add --image REF")
}

// applicationReady checks that the application stack exists, and that its certificate is one of the domain.
func applicationReady(f *backend.Facts, domain string) error {
	if f == nil || f.State.Outputs()[program.OutVersionsBucket] == nil {
		return backend.NoApplicationError()
	}
	if made, _ := f.State.Outputs()[program.OutDomain].(string); made != "" && made != domain {
		return fault.Usagef("the application stack, with its certificate, was made for domain %s, and the settings name %s", made, domain).
			WithHint("set domain back, or change it for all environments: %s", fault.Command{"application", "up"})
	}
	return nil
}

// findStack returns the stack of that name, or nil.
func findStack(all []backend.Facts, name string) *backend.Facts {
	i := slices.IndexFunc(all, func(f backend.Facts) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return &all[i]
}

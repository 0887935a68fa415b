package stacks

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/stacks/names"
	"github.com/branchenv/branchenv/stacks/program"
)

// versionSource says where an environment's version comes from. The zero value stands for a version that is complete
// in Spec already.
//
// Every environment owns its versions: a bundle lies below its own prefix in the versions bucket, and the application
// version that points to it is a resource of its own stack. So one environment can go while a copy of it, or one that
// was given its version, stays.
type versionSource struct {
	version program.Version // complete, or
	bundle  string          // a file to upload, or
	label   string          // an application version to take over, or
	key     string          // a bundle in the versions bucket to take over
	kept    bool            // it is what the environment runs already
}

// chooseVersion decides what an environment is to run: what was asked for; else, if it is being made as a copy, what
// the other one runs; else the settings' image for the commit; else what it runs already. An image that needs the commit
// is an error if the commit is not known: what runs already would be an old one, and nobody would notice.
func chooseVersion(r UpRequest, before, like *backend.Facts, s config.Settings, project string) (versionSource, error) {
	switch {
	case r.Image != "":
		return versionSource{version: program.Version{Image: r.Image}}, nil
	case r.Bundle != "":
		return versionSource{bundle: r.Bundle}, nil
	case r.Version != "":
		return versionSource{label: r.Version}, nil
	case r.Like != "" && (before == nil || before.State.Empty()):
		return versionOf(r, like, project)
	case s.Image != "" && (r.Commit != "" || !config.NeedsCommit(s.Image)):
		image, err := config.ExpandImage(s.Image, r.Commit, r.Branch)
		return versionSource{version: program.Version{Image: image}}, err
	case s.Image != "" && r.Like == "": // a copy whose making was interrupted goes on with what it began with
		return versionSource{}, r.noCommit(s.Image)
	}
	if before != nil {
		if spec := ParseSpec(before.SpecText(project)); spec != nil && spec.Version != (program.Version{}) {
			return versionSource{version: spec.Version, kept: true}, nil
		}
	}
	if r.Like != "" { // the run that was to make the copy was interrupted
		return versionOf(r, like, project)
	}
	return versionSource{}, fault.Usagef("no version given for branch %q", r.Branch).
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

// versionOf is the version that the environment like runs, for a copy of it.
func versionOf(r UpRequest, like *backend.Facts, project string) (versionSource, error) {
	if like == nil {
		return versionSource{}, fault.Usagef("branch %q has no environment to copy", r.Like).WithHint("branchenv list")
	}
	if spec := ParseSpec(like.SpecText(project)); spec != nil && spec.Version.Image != "" {
		return versionSource{version: program.Version{Image: spec.Version.Image}}, nil
	} else if spec != nil && spec.Version.BundleKey != "" {
		return versionSource{key: spec.Version.BundleKey}, nil
	}
	return versionSource{}, fault.Usagef("the environment of %q has no version that could be taken over", r.Like).
		WithHint("add --image REF")
}

// resolve finds out which bundle it is, without changing anything, and returns what to copy it from, if
// anything; without a bucket it lies in the versions bucket.
func (v versionSource) resolve(ctx context.Context, m *Manager, spec *program.Spec) (from aws.Object, err error) {
	switch {
	case v.bundle != "":
		sum, err := fileDigest(v.bundle)
		if err != nil {
			return from, err
		}
		spec.Version = program.Version{
			Label:     spec.Stack + "-" + sum[:12],
			BundleKey: names.BundlePrefix(spec.Stack) + sum + strings.ToLower(filepath.Ext(v.bundle)),
		}
		return from, nil
	case v.key != "":
		spec.Version = ownCopy(spec.Stack, v.key, v.key)
		return aws.Object{Key: v.key}, nil
	case v.label == "":
		spec.Version = v.version
		return from, nil
	}
	application, bucket, err := m.application(ctx, spec.Settings.Application)
	if err != nil {
		return from, err
	}
	info, found, err := m.aws.ApplicationVersion(ctx, application, v.label)
	if err != nil {
		return from, err
	}
	if !found {
		return from, fault.Usagef("application %s has no version %q", application, v.label).
			WithHint("%s", m.versionsHint(ctx, application))
	}
	if info.Key == "" {
		return from, fault.Usagef("version %q of application %s is Beanstalk's sample and has no source bundle", v.label, application).
			WithHint("%s", m.versionsHint(ctx, application))
	}
	if info.Bucket == bucket && strings.HasPrefix(info.Key, names.BundlePrefix(spec.Stack)) {
		spec.Version = program.Version{Label: info.Label, BundleKey: info.Key}
		return from, nil
	}
	spec.Version = ownCopy(spec.Stack, info.Bucket+"/"+info.Key+" "+info.Label, info.Key)
	return aws.Object{Bucket: info.Bucket, Key: info.Key}, nil
}

// versionsHint names versions that there are.
func (m *Manager) versionsHint(ctx context.Context, application string) string {
	hint := "--like OTHER takes the version that another branch's environment runs"
	labels, err := m.aws.RecentVersions(ctx, application, 10)
	if err != nil || len(labels) == 0 {
		return hint
	}
	return "its newest versions: " + strings.Join(labels, ", ") + "; " + hint
}

// ownCopy is the version of a stack whose bundle is a copy of the one at key. Its name is made from what tells the
// original apart from all others: a CI system may well put every build at a key of the same name.
func ownCopy(stack, original, key string) program.Version {
	sum := names.Digest(original, 64)
	return program.Version{Label: stack + "-" + sum[:12], BundleKey: names.BundlePrefix(stack) + sum + path.Ext(key)}
}

// place puts a bundle where the program will look for it.
func (m *Manager) place(ctx context.Context, u *undertaking) error {
	spec, from := u.spec, u.from
	if u.source.bundle == "" && from.Key == "" {
		return nil
	}
	_, bucket, err := m.application(ctx, spec.Settings.Application)
	if err != nil {
		return err
	}
	m.tell(spec.Stack, operation.Event{Kind: operation.Step, Op: "upload bundle"})
	if from.Key != "" {
		from.Bucket = cmp.Or(from.Bucket, bucket)
		return m.aws.CopyObject(ctx, from, aws.Object{Bucket: bucket, Key: spec.Version.BundleKey})
	}
	_, err = m.aws.UploadBundle(ctx, bucket, spec.Version.BundleKey, u.source.bundle)
	return err
}

// application returns a Beanstalk application's name and the versions bucket's.
func (m *Manager) application(ctx context.Context, which string) (name, bucket string, err error) {
	f, err := m.backend.Read(ctx, names.ApplicationStack)
	if err != nil {
		return "", "", err
	}
	if f == nil {
		return "", "", backend.NoApplication()
	}
	out, err := program.ParseShared(f.State.Outputs())
	if err != nil {
		return "", "", err
	}
	name, bucket = out.Applications[which].Name, out.VersionsBucket
	if name == "" || bucket == "" {
		return "", "", backend.NoApplication()
	}
	return name, bucket, nil
}

// fileDigest is the SHA-256 of a file, in hexadecimal digits.
func fileDigest(file string) (sum string, err error) {
	f, err := os.Open(file)
	if err != nil {
		return "", fault.Usagef("read the bundle: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fault.Usagef("read the bundle: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

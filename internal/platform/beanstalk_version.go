package platform

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/stacks/names"
	"github.com/branchenv/branchenv/stacks/program"
)

// Resolve finds out which version a stack will run, and which bundle has to be put in place for it.
func (b Beanstalk) Resolve(ctx context.Context, stack string, s Source, group Group) (program.Version, Bundle, error) {
	switch {
	case s.Bundle != "":
		sum, err := fileDigest(s.Bundle)
		if err != nil {
			return program.Version{}, Bundle{}, err
		}
		v := program.Version{
			Label:     stack + "-" + sum[:12],
			BundleKey: names.BundlePrefix(stack) + sum + strings.ToLower(filepath.Ext(s.Bundle)),
		}
		return v, Bundle{File: s.Bundle, To: aws.Object{Bucket: group.Bucket, Key: v.BundleKey}}, nil
	case s.Key != "":
		v := ownCopy(stack, s.Key, s.Key)
		return v, copyOf(aws.Object{Bucket: group.Bucket, Key: s.Key}, group, v), nil
	case s.Label != "":
		return b.takeOver(ctx, stack, s.Label, group)
	}
	return s.Version, Bundle{}, nil
}

// takeOver finds an application version by its label. A bundle of another stack is copied.
func (b Beanstalk) takeOver(ctx context.Context, stack, label string, group Group) (program.Version, Bundle, error) {
	info, found, err := b.AWS.ApplicationVersion(ctx, group.Application, label)
	switch {
	case err != nil:
		return program.Version{}, Bundle{}, err
	case !found:
		return program.Version{}, Bundle{}, fault.Usagef("application %s has no version %q", group.Application, label).
			WithHint("%s", b.versionsHint(ctx, group.Application))
	case info.Key == "":
		return program.Version{}, Bundle{}, fault.Usagef("version %q of application %s is Beanstalk's sample and has no source bundle", label, group.Application).
			WithHint("%s", b.versionsHint(ctx, group.Application))
	case info.Bucket == group.Bucket && strings.HasPrefix(info.Key, names.BundlePrefix(stack)):
		return program.Version{Label: info.Label, BundleKey: info.Key}, Bundle{}, nil
	}
	v := ownCopy(stack, info.Bucket+"/"+info.Key+" "+info.Label, info.Key)
	return v, copyOf(aws.Object{Bucket: info.Bucket, Key: info.Key}, group, v), nil
}

func copyOf(from aws.Object, group Group, v program.Version) Bundle {
	return Bundle{From: from, To: aws.Object{Bucket: group.Bucket, Key: v.BundleKey}}
}

// versionsHint names versions that exist.
func (b Beanstalk) versionsHint(ctx context.Context, application string) string {
	hint := "--like OTHER takes the version that another branch's environment runs"
	labels, err := b.AWS.RecentVersions(ctx, application, 10)
	if err != nil || len(labels) == 0 {
		return hint
	}
	return "its newest versions: " + strings.Join(labels, ", ") + "; " + hint
}

// ownCopy returns the version of a stack whose bundle is a copy of the one at key. Its name is derived from what
// distinguishes the original from all others: a CI system may well put every build at a key of the same name.
func ownCopy(stack, original, key string) program.Version {
	sum := names.Digest(original, 64)
	return program.Version{Label: stack + "-" + sum[:12], BundleKey: names.BundlePrefix(stack) + sum + path.Ext(key)}
}

// Provide uploads or copies a bundle, unless it is there already.
func (b Beanstalk) Provide(ctx context.Context, bundle Bundle) error {
	if bundle.From.Key != "" {
		return b.AWS.CopyObject(ctx, bundle.From, bundle.To)
	}
	_, err := b.AWS.UploadBundle(ctx, bundle.To.Bucket, bundle.To.Key, bundle.File)
	return err
}

// fileDigest returns the SHA-256 of a file, in hexadecimal digits.
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

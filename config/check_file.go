package config

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/branchenv/branchenv/internal/address"
	"github.com/branchenv/branchenv/internal/regions"
)

// This file checks each value at the top of the file by itself.

var (
	projectName  = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	zoneOfRegion = regexp.MustCompile(`^([a-z]{2,4}(?:-[a-z]+){1,2}-[0-9]{1,2})[a-z]$`)
	domainName   = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)
	hostedZone   = regexp.MustCompile(`^Z[A-Z0-9]{1,31}$`)
	vpcID        = regexp.MustCompile(`^vpc-([0-9a-f]{8}|[0-9a-f]{17})$`)
	subnetID     = regexp.MustCompile(`^subnet-([0-9a-f]{8}|[0-9a-f]{17})$`)
	tagText      = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
	certificate  = regexp.MustCompile(`^arn:aws[a-z-]*:acm:([a-z0-9-]+):[0-9]{12}:certificate/[A-Za-z0-9-]+$`)
)

// maxTags is how many tags the settings may name. AWS allows 50 for a resource; branchenv and Beanstalk need some.
const maxTags = 40

// checkFile checks a value at the top of the file.
func checkFile(path, key string, value any) (what, instead string) {
	s, _ := value.(string)
	switch path {
	case "project":
		return checkProject(s)
	case "region":
		return checkRegion(s)
	case "domain":
		return checkDomain(s)
	case "zone":
		if !hostedZone.MatchString(s) {
			return quote(s) + " is not the id of a hosted zone", "write one such as " + hint(hostedZone, strings.TrimPrefix(s, "/hostedzone/"), "Z0123456789ABC")
		}
	case "certificate":
		if !certificate.MatchString(s) {
			return quote(s) + " is not the ARN of a certificate", "write one such as arn:aws:acm:eu-central-1:123456789012:certificate/…"
		}
	case "source.github":
		if wrong, instead := address.CheckGitHub(s); wrong != "" {
			return shownAddress(s) + " " + wrong, instead
		}
	case "source.git":
		return checkRemote(s)
	case "backend":
		if scheme, _, ok := strings.Cut(s, "://"); ok && slices.Contains([]string{"gs", "azblob"}, scheme) { // Pulumi's others
			return "branchenv does not support " + scheme + "://", "write s3://, file:// or https://"
		}
		return checkURL(s, "a Pulumi backend", "s3", "file", "https", "http")
	case "secretsProvider":
		if s != "default" && s != "passphrase" {
			return checkURL(s, "a secrets provider", "awskms", "gcpkms", "azurekeyvault", "hashivault")
		}
	case "network.vpc":
		return matching(s, vpcID, "a VPC's id", "vpc-0123456789abcdef0")
	case "network.subnets", "network.databaseSubnets":
		return matching(s, subnetID, "a subnet's id", "subnet-0123456789abcdef0")
	case "protected", "skip":
		return checkPattern(s)
	case "stripPrefixes":
		if s == "" || strings.ContainsAny(s, "*?[{ ") {
			return quote(s) + " is not the beginning of a branch name", "write one such as feature/, without * or spaces"
		}
	case "tags":
		return checkTag(key, s)
	default:
		return checkReconcile(path, value)
	}
	return "", ""
}

func checkReconcile(path string, value any) (what, instead string) {
	switch v := value.(type) {
	case int:
		if v < 0 {
			return fmt.Sprintf("%d is less than 0", v), "write 0 for none, or how many at most"
		}
	case float64:
		if !(v >= 0 && v <= 1) {
			return fmt.Sprintf("%v is not a share", v), "write a number from 0 to 1"
		}
	case Duration:
		if path == "reconcile.grace" {
			return checkGrace(v)
		}
		if v < Duration(time.Minute) {
			return v.String() + " is less than a minute", "write 1m or more"
		}
	case string:
		return checkURL(v, "an address", "https", "http")
	}
	return "", ""
}

// maxGrace bounds the grace period: after a typing error reconcile would destroy nothing any more.
const maxGrace = Duration(24 * time.Hour)

func checkGrace(d Duration) (what, instead string) {
	if d < 0 || d > maxGrace {
		return d.String() + " is out of range", "write 0s to 24h"
	}
	return "", ""
}

func checkProject(s string) (what, instead string) {
	switch {
	case !projectName.MatchString(s) || len(s) > 11:
		return quote(s) + " is not a name for a project", "write " + SuggestProject(s) + ", or 1 to 11 lower-case letters, digits and single hyphens, a letter first"
	case strings.HasPrefix(s, "amzn") || slices.Contains([]string{"sg", "internal", "sthree"}, strings.Split(s, "-")[0]):
		return "AWS refuses names that begin with " + quote(s), "choose another name"
	}
	return "", ""
}

// SuggestProject returns a valid project name that resembles name, for instance a folder's.
func SuggestProject(name string) string {
	fold := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(name), "-")
	fold = strings.TrimLeft(fold, "-0123456789")
	fold = strings.TrimRight(fold[:min(len(fold), 11)], "-")
	first, _, _ := strings.Cut(fold, "-")
	if fold == "" || strings.HasPrefix(fold, "amzn") || slices.Contains([]string{"sg", "internal", "sthree"}, first) {
		return "app"
	}
	return fold
}

func checkRegion(s string) (what, instead string) {
	if m := zoneOfRegion.FindStringSubmatch(s); m != nil {
		return quote(s) + " is an availability zone", "write " + m[1]
	}
	if regions.Plausible(s) {
		return "", "" // an unknown region may be new: see Warnings
	}
	return quote(s) + " is not an AWS region", "write one such as " + cmp.Or(regions.Nearest(s), "eu-central-1")
}

// Warnings returns what is probably wrong with the settings, in sentences for a person. Only AWS could tell for sure.
func (f *File) Warnings() []string {
	if regions.Known(f.Region) {
		return nil
	}
	warning := "AWS has no region " + f.Region + " that this branchenv knows"
	if near := regions.Nearest(f.Region); near != "" {
		warning += "; the most similar name is " + near
	}
	return []string{warning}
}

func checkDomain(s string) (what, instead string) {
	lower := strings.TrimSuffix(strings.ToLower(s), ".")
	_, err := netip.ParseAddr(s)
	switch {
	case err == nil || !domainName.MatchString(lower):
		return quote(s) + " is not a DNS name", "write one such as preview.example.com, non-ASCII parts as xn--…"
	case s != lower:
		return quote(s) + " has capitals or a dot at its end", "write " + lower
	case len(s) > 189:
		return fmt.Sprintf("the name has %d characters, which leaves no room for a branch's label", len(s)), "write at most 189"
	}
	return "", ""
}

// checkRemote checks the address of a git remote. It refuses passwords: the settings file is public.
func checkRemote(s string) (what, instead string) {
	if u, err := url.Parse(s); err == nil && strings.Contains(s, "://") && (hasPassword(u) || u.User != nil && strings.HasPrefix(u.Scheme, "http")) {
		return "the address holds a user or a password", "remove it and use git's credential helper"
	}
	if wrong, instead := address.CheckGit(s); wrong != "" {
		return shownAddress(s) + " " + wrong, instead
	}
	return "", ""
}

func hasPassword(u *url.URL) bool {
	_, has := u.User.Password()
	return u.User != nil && has
}

// shownAddress returns s for a message, without the text if it may hold a password.
func shownAddress(s string) string {
	if strings.Contains(s, "@") {
		return "the value"
	}
	return quote(s)
}

func checkURL(s, what string, schemes ...string) (string, string) {
	u, err := url.Parse(s)
	instead := "write a URL that begins with " + strings.Join(schemes, "://, ") + "://"
	switch {
	case err == nil && hasPassword(u):
		return "the address holds a password", "remove it and use the environment's credentials"
	case err != nil || !slices.Contains(schemes, u.Scheme) || !strings.Contains(s, "://"):
		return shownAddress(s) + " is not " + what, instead
	case u.Host == "" && u.Path == "":
		return quote(s) + " has neither a host nor a path", instead + ", then a host or a path"
	}
	return "", ""
}

func checkTag(key, value string) (what, instead string) {
	lower := strings.ToLower(key)
	switch {
	case strings.HasPrefix(lower, "aws:") || strings.HasPrefix(lower, "branchenv:"):
		return quote(key) + " is a reserved name for a tag", "choose another name"
	case key == "" || len(key) > 128 || !tagText.MatchString(key):
		return quote(key) + " is not a name for a tag", "use 1 to 128 letters, digits, spaces and _.:/=+-@"
	case strings.HasPrefix(strings.ToLower(value), "aws:"):
		return quote(value) + " is a reserved value for a tag", "choose another value"
	case value == "" || len(value) > 256 || !tagText.MatchString(value):
		return quote(value) + " is not a value for a tag", "use 1 to 256 letters, digits, spaces and _.:/=+-@"
	}
	return "", ""
}

// checkPattern checks a pattern in doublestar syntax. Two stars that do not fill the space between two slashes would mean
// the same as one star, which nobody expects.
func checkPattern(s string) (what, instead string) {
	if s == "" {
		return "the pattern is empty", "write a branch name, or a pattern such as release/*"
	}
	if len(s) > maxPattern || alternatives(s) > maxAlternatives {
		return fmt.Sprintf("the pattern is too long, or its {} have too many alternatives: it has %d characters", len(s)),
			fmt.Sprintf("write several patterns, each of at most %d characters and %d alternatives", maxPattern, maxAlternatives)
	}
	if !doublestar.ValidatePattern(s) {
		return quote(s) + " is not a pattern", "close its brackets, or put a \\ before each of * ? [ { that is meant literally"
	}
	for part := range strings.SplitSeq(s, "/") {
		if strings.Contains(part, "**") && part != "**" {
			return quote(s) + " has ** beside other characters, where it does not cross slashes", "write " + plain(strings.ReplaceAll(s, part, "**/"+strings.ReplaceAll(part, "**", "*")))
		}
	}
	return "", ""
}

// maxPattern is the length in bytes of the longest branch name (see stacks.CheckBranch). maxAlternatives bounds the time of
// a match, which grows with the product of a pattern's alternatives: {a,a} twenty times took 1.5 s for each name.
const (
	maxPattern      = 1000
	maxAlternatives = 500
)

// alternatives returns how many patterns without {} s expands to at most. It stops counting after maxAlternatives.
func alternatives(s string) int {
	product, open := 1, []int{}
	for i := 0; i < len(s); i++ {
		switch last := len(open) - 1; {
		case s[i] == '\\':
			i++
		case s[i] == '{':
			open = append(open, 1)
		case s[i] == ',' && last >= 0:
			open[last]++
		case s[i] == '}' && last >= 0:
			if product *= open[last]; product > maxAlternatives {
				return product
			}
			open = open[:last]
		}
	}
	return product
}

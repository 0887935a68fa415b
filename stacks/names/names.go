// Package names derives every name from a branch: of its stack, its host and its AWS resources. It also holds the keys of the
// stack tags and of the stack configuration.
//
// Names are derived forwards and never parsed back: which branch a stack belongs to is what its tag says. All functions are
// pure.
package names

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/branchenv/branchenv/internal/fault"
)

// Names are derived forwards, from the branch to the slug to the AWS name, and never parsed back: which branch a stack
// belongs to is what its tag says. A branch name that is fit to be a slug is its own slug; any other gets one that ends
// in a hash of it, and no branch name that looks like one of those is taken as it is. So two branches never share a
// slug, short of a collision in 40 bits of SHA-256, which the comparison with the branch tag still refuses.

const (
	maxSlug  = 28 // with a project of 11 characters and a hyphen: 40, Beanstalk's limit
	maxLabel = 63 // of a DNS label, RFC 1035
	hashLen  = 10 // hexadecimal digits of a SHA-256, after a hyphen
)

// stackName is what Slug makes.
var stackName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// hashEnding is what the slugs with a hash end in.
var hashEnding = regexp.MustCompile(`-[0-9a-f]{10}$`)

// Slug is the name of the stack for branch: 1 to 28 lower-case letters, digits and single hyphens, a letter first, no
// hyphen last. The error is that of CheckBranch.
func Slug(branch string) (string, error) {
	if err := CheckBranch(branch); err != nil {
		return "", err
	}
	readable := fold(branch)
	if len(branch) <= maxSlug && readable == branch && branch[0] >= 'a' &&
		!hashEnding.MatchString(branch) && branch != ApplicationStack {
		return branch, nil
	}
	return hashedSlug(branch, readable), nil
}

// hashedSlug is the slug with its hash, whether branch needs one or not. readable is branch, folded.
func hashedSlug(branch, readable string) string {
	if readable == "" || readable[0] < 'a' {
		readable = strings.TrimSuffix("b-"+readable, "-")
	}
	return withHash(readable, branch, maxSlug)
}

// HostLabels are the labels by which branch may be reached below the domain, in order of preference, each a DNS label of at
// most 63 characters. The first is the friendly one: the branch name without the first of stripPrefixes that it begins
// with, with invalid characters replaced by hyphens. Two branches may have the same friendly label: first come, first served.
// The last is the slug with its hash, which no other branch has, as a friendly label or else. A branch whose friendly
// label would be empty or look as if it ended in a hash has only that one. The error is that of CheckBranch.
func HostLabels(branch string, stripPrefixes []string) ([]string, error) {
	if err := CheckBranch(branch); err != nil {
		return nil, err
	}
	friendly := fold(branch)
	unique := hashedSlug(branch, friendly)
	for _, prefix := range stripPrefixes {
		if rest, ok := strings.CutPrefix(branch, prefix); ok && prefix != "" {
			friendly = fold(rest)
			break
		}
	}
	friendly = strings.TrimRight(friendly[:min(len(friendly), maxLabel)], "-")
	if friendly == "" || hashEnding.MatchString(friendly) {
		return []string{unique}, nil
	}
	return []string{friendly, unique}, nil
}

// fold reduces s to lower-case letters, digits and single hyphens between them. It may be empty.
func fold(s string) string {
	var folded strings.Builder
	folded.Grow(len(s))
	gap := false
	for _, r := range s {
		if 'A' <= r && r <= 'Z' || r >= utf8.RuneSelf {
			r = unicode.ToLower(r)
		}
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			gap = true
			continue
		}
		if gap && folded.Len() > 0 {
			folded.WriteByte('-')
		}
		gap = false
		folded.WriteByte(byte(r))
	}
	return folded.String()
}

// withHash is readable, cut so that a hyphen and the hash of whole fit into limit characters.
func withHash(readable, whole string, limit int) string {
	readable = readable[:min(len(readable), limit-hashLen-1)]
	return strings.TrimRight(readable, "-") + "-" + Digest(whole, hashLen)
}

// Digest is the first digits, an even number of them, of the SHA-256 of s in hexadecimal.
func Digest(s string, digits int) string {
	sum := sha256.Sum256([]byte(s))
	var text [2 * sha256.Size]byte
	return string(hex.AppendEncode(text[:0], sum[:digits/2]))
}

// AWSName is the name from which those of an environment's AWS resources are made: project and slug with a hyphen
// between. With a project that config accepts it has 3 to 40 characters, lower-case letters, digits and single
// hyphens, a letter first and no hyphen last, which is what most of AWS takes.
func AWSName(project, slug string) string { return project + "-" + slug }

// EnvironmentName is the Beanstalk environment's name: 4 to 40 characters, letters, digits and hyphens, none at the
// edges, unique in the account and region. The one name that may be too short gets its hash.
// Source: API reference of Elastic Beanstalk, CreateEnvironment.
func EnvironmentName(project, slug string) string {
	name := AWSName(project, slug)
	if len(name) < 4 {
		return name + "-" + Digest(name, hashLen)
	}
	return name
}

// DatabaseName is the RDS instance's identifier: at most 63 letters, digits and hyphens, a letter first, no two
// hyphens together and none last. Source: API reference of RDS, CreateDBInstance.
func DatabaseName(project, slug string) string { return AWSName(project, slug) }

// BucketName is the assets bucket's name; suffix, 6 characters a-z0-9, is new for each incarnation of the environment,
// because a deleted bucket's name may stay taken for an hour. S3 takes 3 to 63 lower-case letters, digits and hyphens,
// but nothing that begins with xn--, sthree- or amzn-s3-demo- (no project that config accepts does) or ends in
// -s3alias, --ol-s3, --x-s3 or --table-s3 (the suffix does not).
// Source: user guide of S3, "General purpose bucket naming rules".
func BucketName(project, slug, suffix string) string { return AWSName(project, slug) + "-" + suffix }

// SecurityGroupName is the name of a security group of the environment; purpose tells several apart. EC2 takes 255
// characters and nothing that begins with sg-, which no project that config accepts does.
// Source: API reference of EC2, CreateSecurityGroup.
func SecurityGroupName(project, slug, purpose string) string {
	return AWSName(project, slug) + "-" + purpose
}

// BundlePrefix begins the keys of the environment's source bundles in the application stack's versions bucket.
func BundlePrefix(slug string) string { return slug + "/" }

// StorageProblem tells why a name that git takes cannot be kept in a stack's configuration, or "": YAML and JSON change what
// is not UTF-8 and what YAML 1.1 calls a line break, and refuse other control characters. An environment whose state
// names another branch than its tag would be nobody's.
func StorageProblem(branch string) string {
	if !utf8.ValidString(branch) {
		return "it is not UTF-8"
	}
	for _, r := range branch {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\ufeff' {
			return fmt.Sprintf("it has the control character %U", r)
		}
	}
	return ""
}

// maxBranch is the length in bytes of the longest branch name that is taken. git keeps a branch in a file, whose path
// Linux bounds to 4096 bytes and each part of it to 255; GitHub takes 255 in all. What is longer is no branch, but a
// mistake, such as a variable with a whole text in it.
const maxBranch = 1000

// CheckBranch refuses what git would refuse as the name of a branch, and what is longer than maxBranch, with exit code 2.
// Source: git-check-ref-format(1); a test compares with the command.
func CheckBranch(name string) error {
	reason := BranchProblem(name)
	if reason == "" {
		return nil
	}
	return fault.Usagef("%q is not a branch name: %s", name, reason).
		WithHint("give the name as `git branch` prints it, for instance feature/login")
}

// BranchProblem says why git would refuse name, or "".
func BranchProblem(name string) string {
	switch {
	case name == "":
		return "it is empty"
	case len(name) > maxBranch:
		return fmt.Sprintf("it has %d bytes, and at most %d are taken", len(name), maxBranch)
	case name == "HEAD":
		return "git means the current commit by it"
	case name[0] == '-':
		return "it begins with a hyphen"
	case strings.HasSuffix(name, "."):
		return "it ends in a dot"
	case strings.Contains(name, ".."):
		return "it has two dots in a row"
	case strings.Contains(name, "@{"):
		return "it has the sequence @{"
	}
	for i := range len(name) {
		switch c := name[i]; c {
		case ' ':
			return "it has the character space"
		case '~', '^', ':', '?', '*', '[', '\\':
			return "it has the character " + string(c)
		default:
			if c < ' ' || c == 0x7f {
				return "it has a control character"
			}
		}
	}
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case part == "":
			return "it has a slash at an edge, or two in a row"
		case part[0] == '.':
			return "a part of it begins with a dot"
		case strings.HasSuffix(part, ".lock"):
			return "a part of it ends in .lock"
		}
	}
	return ""
}

// BranchTag is branch as the stack tag branchenv:branch holds it: the exact name where it has at most 200 bytes and is
// UTF-8, else percent-encoded, cut, and with 32 hexadecimal digits of its hash after a tilde, which no branch name can
// have. So two branches never share a tag. Pulumi takes any value of at most 256 bytes (pkg/util/validation/stack.go).
func BranchTag(branch string) string {
	if len(branch) <= 200 && utf8.ValidString(branch) {
		return branch
	}
	encoded := url.PathEscape(branch)
	if len(encoded) > 200 {
		encoded = encoded[:200]
		if i := strings.LastIndexByte(encoded, '%'); i > len(encoded)-3 {
			encoded = encoded[:i]
		}
	}
	return encoded + "~" + Digest(branch, 32)
}

// TagValue is branch as an AWS tag's value, for people: letters, digits, spaces and _.:/=+-@ stay, anything else
// becomes an underscore, and past 256 bytes it is cut. AWS counts 256 characters; bytes are the safe side.
// Source: the pattern of Tag.Value in the API references of RDS and IAM.
func TagValue(branch string) string {
	value := strings.Map(func(r rune) rune {
		if r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" _.:/=+-@", r)) {
			return r
		}
		return '_'
	}, branch)
	cut := min(len(value), 256)
	for cut < len(value) && !utf8.RuneStart(value[cut]) {
		cut--
	}
	return value[:cut]
}

// IsStackName reports whether Slug could return s.
func IsStackName(s string) bool { return stackName.MatchString(s) }

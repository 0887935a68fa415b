// Package names derives every name from a branch: of its stack, its host and its AWS resources. It also holds the keys of the
// stack tags and of the stack configuration.
//
// Names are derived forwards and never parsed back: the tag of a stack names its branch. All functions are pure.
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

// Names are derived from the branch to the slug to the AWS name. A branch name that is already a valid slug is used
// unchanged. Any other name gets a slug that ends in its hash, and a branch name that looks like such a slug gets a hash,
// too. So two branches share a slug only if 40 bits of SHA-256 collide. The comparison with the branch tag detects that.

const (
	maxSlug  = 28 // with a project of 11 characters and a hyphen: 40, Beanstalk's limit
	maxLabel = 63 // of a DNS label, RFC 1035
	hashLen  = 10 // hexadecimal digits of a SHA-256, after a hyphen
)

// stackName matches the results of Slug.
var stackName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// hashEnding matches the end of a slug with a hash.
var hashEnding = regexp.MustCompile(`-[0-9a-f]{10}$`)

// Slug returns the name of the stack for branch: 1 to 28 lower-case letters, digits and single hyphens, a letter first, no
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

// hashedSlug returns the slug with its hash, even if branch needs none. readable is fold(branch).
func hashedSlug(branch, readable string) string {
	if readable == "" || readable[0] < 'a' {
		readable = strings.TrimSuffix("b-"+readable, "-")
	}
	return withHash(readable, branch, maxSlug)
}

// HostLabels returns the possible host labels of branch below the domain, in order of preference. Each is a DNS label of at
// most 63 characters. The error is that of CheckBranch.
//
// The first is the friendly label: the branch name without the first matching prefix of stripPrefixes, with invalid
// characters replaced by hyphens. Two branches may have the same friendly label: the first environment gets it. The last is
// the slug with its hash, which no other branch can have. A branch has only that one if its friendly label would be empty
// or look as if it ended in a hash.
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

// fold returns s reduced to lower-case letters, digits and single hyphens between them. It may be empty.
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

// withHash returns readable, a hyphen and the hash of whole. readable is cut to fit into limit characters.
func withHash(readable, whole string, limit int) string {
	readable = readable[:min(len(readable), limit-hashLen-1)]
	return strings.TrimRight(readable, "-") + "-" + Digest(whole, hashLen)
}

// Digest returns the first digits of the SHA-256 of s in hexadecimal. digits must be even.
func Digest(s string, digits int) string {
	sum := sha256.Sum256([]byte(s))
	var text [2 * sha256.Size]byte
	return string(hex.AppendEncode(text[:0], sum[:digits/2]))
}

// AWSName returns the base of the names of an environment's AWS resources: project, hyphen, slug. With a project that config
// accepts it has 3 to 40 characters: lower-case letters, digits and single hyphens, a letter first and no hyphen last. Most
// AWS services accept that.
func AWSName(project, slug string) string { return project + "-" + slug }

// EnvironmentName returns the name of the Beanstalk environment: 4 to 40 letters, digits and hyphens, no hyphen at the
// edges, unique in the account and region. A name that is too short gets its hash.
// Source: API reference of Elastic Beanstalk, CreateEnvironment.
func EnvironmentName(project, slug string) string {
	name := AWSName(project, slug)
	if len(name) < 4 {
		return name + "-" + Digest(name, hashLen)
	}
	return name
}

// DatabaseName returns the identifier of the RDS instance: at most 63 letters, digits and hyphens, a letter first, no two
// hyphens together and none last. Source: API reference of RDS, CreateDBInstance.
func DatabaseName(project, slug string) string { return AWSName(project, slug) }

// BucketName returns the name of the assets bucket. suffix, 6 characters a-z0-9, is new for each incarnation of the
// environment, because the name of a deleted bucket may stay taken for an hour. S3 accepts 3 to 63 lower-case letters,
// digits and hyphens, but no name that begins with xn--, sthree- or amzn-s3-demo- (no project that config accepts does) or ends in
// -s3alias, --ol-s3, --x-s3 or --table-s3 (the suffix does not).
// Source: user guide of S3, "General purpose bucket naming rules".
func BucketName(project, slug, suffix string) string { return AWSName(project, slug) + "-" + suffix }

// SecurityGroupName returns the name of a security group of the environment; purpose distinguishes several. EC2 accepts 255
// characters, but no name that begins with sg-, and config accepts no such project.
// Source: API reference of EC2, CreateSecurityGroup.
func SecurityGroupName(project, slug, purpose string) string {
	return AWSName(project, slug) + "-" + purpose
}

// BundlePrefix returns the key prefix of the environment's source bundles in the application stack's versions bucket.
func BundlePrefix(slug string) string { return slug + "/" }

// StorageProblem returns why a valid branch name cannot be stored in a stack's configuration, or "". YAML and JSON change
// invalid UTF-8 and the line breaks of YAML 1.1, and refuse other control characters. An environment whose state names
// another branch than its tag would belong to nobody.
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

// maxBranch is the greatest length of a branch name in bytes. git keeps a branch in a file; Linux limits its path to 4096
// bytes and each part to 255, and GitHub limits the whole name to 255. A longer name is a mistake, such as a variable that
// holds a whole text.
const maxBranch = 1000

// CheckBranch returns an error with exit code 2 if git would refuse the branch name, or if it is longer than maxBranch.
// Source: git-check-ref-format(1); a test compares with the command.
func CheckBranch(name string) error {
	reason := BranchProblem(name)
	if reason == "" {
		return nil
	}
	return fault.Usagef("%q is not a branch name: %s", name, reason).
		WithHint("give the name as `git branch` prints it, for instance feature/login")
}

// BranchProblem returns why a branch name is refused, or "".
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

// BranchTag returns the value of the stack tag branchenv:branch: the exact name if it is UTF-8 of at most 200 bytes. Other
// names are percent-encoded and cut, and end in a tilde and 32 hexadecimal digits of their hash. No branch name can have a
// tilde, so two branches never share a tag. Pulumi accepts any value of at most 256 bytes (pkg/util/validation/stack.go).
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

// TagValue returns branch as the value of an AWS tag, for people. Letters, digits, spaces and _.:/=+-@ stay; any other
// character becomes an underscore. The value is cut at 256 bytes. AWS allows 256 characters; bytes are the safe side.
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

package names_test

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/stacks/names"
)

var updateNames = flag.Bool("update-names", false, "rewrite testdata/names.golden")

// strips is the default of the settings' stripPrefixes.
var strips = []string{"feature/", "feat/", "bugfix/", "fix/", "hotfix/", "chore/"}

// oddBranches are names that git takes and that have hurt someone.
var oddBranches = []string{
	"main", "a", "b", "1", "123", "application", "Application", "x-0123456789", "x-0123456789a", "feature/a", "feature-a",
	"feature_a", "Feature/A", "feature/feature/a", "feature/1", "fix/日本語", "日本語", "größe", "ünïcode/ÄÖÜ", "a--b", "a-",
	"a.b", "a@b", "@a", "@", "a#1", "50%", "a'b\"c`d$e", "<script>", "a;rm", "$(id)", "head", "xn--abc", "sthree-x", "internal-x",
	"release/2024.01", "abcdefghijklmnopqrstuvwxyz12", "abcdefghijklmnopqrstuvwxyz123", "refs/heads/main", "a/-b", "i\u0307x",
	"\u202eevil", "K\u212a", "stra\u00dfe", "\xff\xfe", "e\u0301t\u0301", "emoji-\U0001f680", "foo-s3alias", "x/deadbeef00",
	strings.Repeat("long-", 50), strings.Repeat("é", 250), strings.Repeat("a/", 120) + "z", strings.Repeat("x", 250),
}

// realBranches are the branches of two public repositories.
func realBranches(t testing.TB) []string {
	t.Helper()
	var derived []string
	for _, file := range []string{"branches-172.txt", "branches-65.txt"} {
		f, err := os.Open(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			derived = append(derived, lines.Text())
		}
	}
	if len(derived) != 237 {
		t.Fatalf("read %d names, want 237", len(derived))
	}
	return derived
}

// checks are the rules of every name, as its service states them.
var checks = map[string]*regexp.Regexp{
	"slug":      regexp.MustCompile(`^[a-z](-?[a-z0-9]){0,27}$`),
	"label":     regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`),
	"beanstalk": regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{2,38}[A-Za-z0-9]$`),
	"rds":       regexp.MustCompile(`^[a-z](-?[a-z0-9]){0,62}$`),
	"s3":        regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`),
	"group":     regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,254}$`),
	"tag":       regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$`),
}

var (
	badBucket = regexp.MustCompile(`^xn--|^sthree-|^amzn-s3-demo-|-s3alias$|--ol-s3$|--x-s3$|--table-s3$`)
	badGroup  = regexp.MustCompile(`^sg-|^internal-`)
)

// derive returns all names of branch by what they are, and reports those that break a rule.
func derive(t interface{ Errorf(string, ...any) }, project, branch string) map[string]string {
	slug, err := names.Slug(branch)
	if err != nil {
		t.Errorf("Slug(%q): %v", branch, err)
		return nil
	}
	hosts, err := names.HostLabels(branch, strips)
	if err != nil {
		t.Errorf("Hosts(%q): %v", branch, err)
		return nil
	}
	derived := map[string]string{
		"slug":      slug,
		"label":     hosts[len(hosts)-1],
		"beanstalk": names.EnvironmentName(project, slug),
		"rds":       names.DatabaseName(project, slug),
		"s3":        names.BucketName(project, slug, "s3alia"),
		"group":     names.SecurityGroupName(project, slug, "database"),
	}
	for what, name := range derived {
		if !checks[what].MatchString(name) {
			t.Errorf("branch %q: %q is no valid %s", branch, name, what)
		}
	}
	if !checks["label"].MatchString(hosts[0]) {
		t.Errorf("branch %q: %q is no valid label", branch, hosts[0])
	}
	if value := names.TagValue(branch); !checks["tag"].MatchString(value) || len(value) > 256 {
		t.Errorf("branch %q: %q is no valid tag value", branch, value)
	}
	if badBucket.MatchString(derived["s3"]) {
		t.Errorf("branch %q: S3 refuses %q", branch, derived["s3"])
	}
	if badGroup.MatchString(derived["group"]) {
		t.Errorf("branch %q: AWS refuses %q", branch, derived["group"])
	}
	tag := names.BranchTag(branch)
	if len(tag) > 256 || !utf8.ValidString(tag) {
		t.Errorf("branch %q: %q is no valid stack tag", branch, tag)
	}
	derived["stack tag"] = tag
	derived["bundles"] = names.BundlePrefix(slug)
	if slug == names.ApplicationStack {
		t.Errorf("branch %q has the reserved name", branch)
	}
	return derived
}

// apart reports names that two different branches share.
func apart(t interface{ Errorf(string, ...any) }, a, b string, of, and map[string]string) {
	for what := range of {
		if of[what] == and[what] {
			t.Errorf("branches %q and %q share the %s %q", a, b, what, of[what])
		}
	}
}

func TestNamesOfRealBranches(t *testing.T) {
	t.Parallel()
	branches := append(realBranches(t), oddBranches...)
	seen := map[string]string{}
	for _, project := range []string{"a", "shop", "abcdefghijk"} {
		for _, branch := range slices.Compact(slices.Sorted(slices.Values(branches))) {
			for what, name := range derive(t, project, branch) {
				key := project + " " + what + " " + name
				if other, ok := seen[key]; ok {
					t.Errorf("branches %q and %q share the %s %q", branch, other, what, name)
				}
				seen[key] = branch
			}
		}
	}
}

// TestNamesAreStable guards every environment that exists: a changed name is a new environment and a lost one.
func TestNamesAreStable(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, branch := range append(realBranches(t), oddBranches...) {
		slug, _ := names.Slug(branch)
		hosts, _ := names.HostLabels(branch, strips)
		fmt.Fprintf(&got, "%+q\n\tslug %s\n\thosts %s\n", branch, slug, strings.Join(hosts, " "))
		if tag := names.BranchTag(branch); tag != branch {
			fmt.Fprintf(&got, "\tstack tag %s\n", tag)
		}
		if value := names.TagValue(branch); value != branch {
			fmt.Fprintf(&got, "\ttag value %+q\n", value)
		}
	}
	golden := filepath.Join("testdata", "names.golden")
	if *updateNames {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("names changed (-want +got):\n%s", diff)
	}
}

func TestSlug(t *testing.T) {
	t.Parallel()
	for branch, want := range map[string]string{
		"main":                          "main",
		"fix-login":                     "fix-login",
		"abcdefghijklmnopqrstuvwxyz12":  "abcdefghijklmnopqrstuvwxyz12",
		"abcdefghijklmnopqrstuvwxyz123": "abcdefghijklmnopq-2813123a08",
		"Main":                          "main-eb814be3ca",
		"feature/login":                 "feature-login-df7c7aeb35",
		"application":                   "application-1fe2892059",
		"x-0123456789":                  "x-0123456789-a3fc88ed89",
		"123":                           "b-123-a665a45920",
		"日本語":                           "b-77710aedc7",
	} {
		if got, err := names.Slug(branch); err != nil || got != want {
			t.Errorf("Slug(%q) = %q, %v, want %q", branch, got, err, want)
		}
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	for branch, want := range map[string][]string{
		"main":              {"main", "main-0d6e4079e3"},
		"feature/log_in":    {"log-in", "feature-log-in-8587f49639"},
		"feature/feature/a": {"feature-a", "feature-feature-a-1fdb1872e1"},
		"001-json":          {"001-json", "b-001-json-bbc7dcbe10"},
		"feature/日本語":       {"feature-ffc43221da"},
		"日本語":               {"b-77710aedc7"},
		"x/deadbeef00":      {"x-deadbeef00-e8bc7b254f"},
	} {
		got, err := names.HostLabels(branch, strips)
		if err != nil {
			t.Errorf("Hosts(%q): %v", branch, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Hosts(%q) (-want +got):\n%s", branch, diff)
		}
	}
	if _, err := names.HostLabels("HEAD", nil); fault.Code(err) != fault.Usage {
		t.Errorf("Hosts(HEAD): %v", err)
	}
}

func TestEnvironmentNameIsPadded(t *testing.T) {
	t.Parallel()
	if got, want := names.EnvironmentName("a", "b"), "a-b-"; !strings.HasPrefix(got, want) || len(got) != 14 {
		t.Errorf("EnvironmentName(a, b) = %q", got)
	}
	if got, want := names.EnvironmentName("a", "bc"), "a-bc"; got != want {
		t.Errorf("EnvironmentName(a, bc) = %q, want %q", got, want)
	}
}

// refused are names that git refuses.
var refused = []string{
	"", "HEAD", "-x", "-", "--help", "a..b", "a.", ".a", "a/.b", "a.lock", "a.lock/b", "/a", "a/", "a//b", "a b", "a~1", "a^",
	"a:b", "a?b", "a*", "a[b", `a\b`, "a@{1}", "@{-1}", "@{u}", "a\tb", "a\nb", "\x1b[31m", "a\x7f", "a/b.lock", " a", "a ",
}

func TestCheckBranchAgreesWithGit(t *testing.T) {
	t.Parallel()
	repo := t.TempDir()
	for _, args := range [][]string{{"init", "-q"}, {"-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-q", "--allow-empty", "-m", "x"}} {
		if out, err := exec.Command("git", append([]string{"-C", repo}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	agree := func(t interface{ Errorf(string, ...any) }, name string) {
		err := exec.Command("git", "-C", repo, "check-ref-format", "--branch", name).Run()
		if got := names.CheckBranch(name); (got == nil) != (err == nil) {
			t.Errorf("CheckBranch(%q) = %v, git says %v", name, got, err)
		}
	}
	for _, name := range append(slices.Clone(oddBranches), refused...) {
		agree(t, name)
	}
	for b := 1; b < 256; b++ {
		agree(t, "a"+string([]byte{byte(b)})+"b")
	}
	if t.Failed() {
		return // rapid panics in a test that has failed
	}
	rapid.Check(t, func(t *rapid.T) {
		agree(t, rapid.StringMatching(`[a-cH@{}./~:\-]{1,6}(\.lock)?`).Draw(t, "name"))
	})
}

func TestCheckBranchRefuses(t *testing.T) {
	t.Parallel()
	if err := names.CheckBranch(strings.Repeat("x", 1000)); err != nil {
		t.Errorf("1000 bytes: %v", err)
	}
	if err := names.CheckBranch(strings.Repeat("x", 100_000)); fault.Code(err) != fault.Usage || len(err.Error()) > 1000 {
		t.Errorf("100,000 bytes: %.2000s", err)
	}
	for _, name := range refused {
		err := names.CheckBranch(name)
		if fault.Code(err) != fault.Usage || fault.Hint(err).IsZero() || strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("CheckBranch(%q) = %v", name, err)
		}
		if slug, err := names.Slug(name); err == nil {
			t.Errorf("Slug(%q) = %q, want an error", name, slug)
		}
	}
	if err, want := names.CheckBranch("a b"), `"a b" is not a branch name: it has the character space`; err.Error() != want {
		t.Errorf("CheckBranch: %v, want %s", err, want)
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 101)
	for _, tt := range []struct{ got, want string }{
		{names.BranchTag("feature/größe#1"), "feature/größe#1"},
		{names.BranchTag(strings.Repeat("x", 200)), strings.Repeat("x", 200)},
		{names.BranchTag(long), strings.Repeat("%C3%A9", 33) + "~96cbf977549895b3277e0ab79c97a946"},
		{names.TagValue("feature/größe#1 (x)"), "feature/größe_1 _x_"},
		{names.TagValue("a\x1b\n\xff"), "a___"},
		{names.TagValue("x" + strings.Repeat("é", 200)), "x" + strings.Repeat("é", 127)},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// branches generates names that git takes, among them many that differ in little.
func branches() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`[a-c1/_-]{1,6}`),
		rapid.StringMatching(`[a-zA-Z0-9]([a-z0-9]|-|/|_){0,40}`),
		rapid.StringMatching(`[a-z]{1,18}-[0-9a-f]{9,11}`),
		rapid.String(),
	).Filter(func(s string) bool { return names.CheckBranch(s) == nil })
}

func TestNamesProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		project := rapid.StringMatching(`[a-z]([a-z0-9]{0,9}[a-z0-9])?`).Filter(func(p string) bool {
			return config.SuggestProject(p) == p // what AWS refuses is no project's name
		}).Draw(t, "project")
		a, b := branches().Draw(t, "a"), branches().Draw(t, "b")
		ofA, ofB := derive(t, project, a), derive(t, project, b)
		if a != b {
			apart(t, a, b, ofA, ofB)
		}
		// A branch named like another's slug or label must not get it.
		for _, taken := range []string{ofA["slug"], ofA["label"]} {
			if taken != a {
				apart(t, a, taken, ofA, derive(t, project, taken))
				hosts, _ := names.HostLabels(taken, strips)
				if slices.Contains(hosts, ofA["label"]) {
					t.Errorf("branch %q may take the label %q of %q", taken, ofA["label"], a)
				}
			}
		}
	})
}

func FuzzNames(f *testing.F) {
	for _, branch := range oddBranches {
		f.Add(branch, branch+"x")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if names.CheckBranch(a) != nil || names.CheckBranch(b) != nil {
			return
		}
		ofA, ofB := derive(t, "abcdefghijk", a), derive(t, "abcdefghijk", b)
		if a != b {
			apart(t, a, b, ofA, ofB)
		}
	})
}

// A random suffix is new each time, and may end a bucket's name.
func TestRandomSuffix(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 100 {
		suffix, err := names.RandomSuffix()
		if err != nil || !regexp.MustCompile(`^[a-z0-9]{6}$`).MatchString(suffix) || seen[suffix] {
			t.Fatalf("%q, %v, seen before: %v", suffix, err, seen[suffix])
		}
		seen[suffix] = true
	}
}

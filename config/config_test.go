package config_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
)

// head holds the required settings of a file.
const head = "project: shop\nregion: eu-central-1\ndomain: preview.example.com\nsource: {git: .}\n"

func parse(t testing.TB, body string) *config.File {
	t.Helper()
	file, err := config.Parse("branchenv.yaml", []byte(head+body))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, tt := range []struct{ path, want, hint string }{
		{filepath.Join(dir, "none.yaml"), "there is no settings file", "branchenv init"},
		{dir, "is a directory", "branchenv.yaml"},
		{write("empty.yaml", ""), "empty.yaml:1:1: is empty", ""},
		{write("latin1.yaml", "project: shop\n# gr\xf6\xdfer\n"), "latin1.yaml:2:5: is not UTF-8 text", ""},
		{write("utf16.yaml", "\xff\xfep\x00r\x00"), "utf16.yaml:1:1: is not UTF-8 text", ""},
		{write("zero.yaml", "project: \x00\n"), "is not YAML", ""},
		{write("large.yaml", strings.Repeat("# large\n", 1<<18)), "large.yaml:1:1: is larger than 1 MiB", ""},
	} {
		_, err := config.Load(tt.path)
		if err == nil || fault.Code(err) != fault.Usage || !strings.Contains(err.Error(), tt.want) || !strings.Contains(fault.Hint(err).String(), tt.hint) {
			t.Errorf("Load(%s) = %v (hint %q), want %q", filepath.Base(tt.path), err, fault.Hint(err).String(), tt.want)
		}
	}
	file, err := config.Load(write("good.yaml", "\ufeff"+head))
	if err != nil {
		t.Fatal(err)
	}
	if file.Path != filepath.Join(dir, "good.yaml") || file.Dir != dir {
		t.Errorf("Path %q, Dir %q", file.Path, file.Dir)
	}
}

// TestLoadStrangeFiles would hang if the pipe were opened like a file.
func TestLoadStrangeFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe.yaml")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{pipe: "is a named pipe, not a file", "/dev/zero": "is a device, not a file"} {
		_, err := config.Load(path)
		if err == nil || fault.Code(err) != fault.Usage || !strings.Contains(err.Error(), want) || fault.Hint(err).IsZero() {
			t.Errorf("Load(%s) = %v (hint %q), want %q", path, err, fault.Hint(err).String(), want)
		}
	}
	if err := os.Rename(pipe, filepath.Join(dir, "Pulumi.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := (&config.File{Project: "shop", Dir: dir}).CheckPulumiYAML(); err == nil || !strings.Contains(err.Error(), "named pipe") {
		t.Errorf("CheckPulumiYAML: %v", err)
	}
}

// TestProblemsAreBounded checks that the report stays readable, whatever is wrong and however often.
func TestProblemsAreBounded(t *testing.T) {
	t.Parallel()
	var keys strings.Builder
	for i := range 30_000 {
		fmt.Fprintf(&keys, "key%d: x\n", i)
	}
	long := strings.Repeat("x", 100_000)
	for name, body := range map[string]string{
		"keys": keys.String(), "key": long + ": x\n", "image": "defaults: {image: 'A" + long + "'}\n",
		"list": "protected: " + long + "\n", "kind": "branches: [{match: a, kind: " + long + "}]\n",
		"pattern": "skip: ['**" + strings.Repeat("a/**b/", 10_000) + "']\n", "tag": "tags: {" + long + ": '#'}\n",
	} {
		_, err := config.Parse("branchenv.yaml", []byte(head+body))
		checkProblems(t, err)
		if len(err.Error()) > 20_000 {
			t.Errorf("%s: %d bytes are told", name, len(err.Error()))
		}
		if name == "keys" && !strings.HasSuffix(err.Error(), "branchenv.yaml:55:1: and 29950 more problems from here on: correct those above first") {
			t.Errorf("the end is %q", err.Error()[len(err.Error())-100:])
		}
	}
}

func TestParseFile(t *testing.T) {
	t.Parallel()
	got := parse(t, `
zone: Z0123456789ABC
certificate: arn:aws:acm:eu-central-1:123456789012:certificate/12345678-1234-1234-1234-123456789012
backend: s3://state?region=eu-central-1
secretsProvider: awskms://alias/branchenv?region=eu-central-1
network:
  vpc: vpc-0123456789abcdef0
  subnets: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
protected: [main, release/*]
skip: []
stripPrefixes: null
tags: {team: web}
reconcile: {maxDestroy: 10, interval: 2h, pingUrl: "https://example.com/ping"}
`)
	want := config.File{
		Project: "shop", Region: "eu-central-1", Domain: "preview.example.com", Zone: "Z0123456789ABC",
		Certificate:     "arn:aws:acm:eu-central-1:123456789012:certificate/12345678-1234-1234-1234-123456789012",
		Source:          config.Source{Git: "."},
		Backend:         "s3://state?region=eu-central-1",
		SecretsProvider: "awskms://alias/branchenv?region=eu-central-1",
		Network: config.Network{VPC: "vpc-0123456789abcdef0",
			Subnets: []string{"subnet-0123456789abcdef0", "subnet-0123456789abcdef1"}},
		Protected:     []string{"main", "release/*"},
		Skip:          []string{},
		StripPrefixes: []string{"feature/", "feat/", "bugfix/", "fix/", "hotfix/", "chore/"},
		Tags:          map[string]string{"team": "web"},
		Reconcile: config.Reconcile{MaxDestroy: 10, MaxDestroyShare: 0.5, MaxCreate: 20, Grace: config.Duration(10 * time.Minute), Interval: config.Duration(2 * time.Hour),
			PingURL: "https://example.com/ping"},
		Path: "branchenv.yaml", Dir: ".",
	}
	public := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".layers" }, cmp.Ignore())
	if diff := cmp.Diff(want, *got, public); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestResolveContradictingEntries(t *testing.T) {
	t.Parallel()
	file := parse(t, "branches: [{match: a*, ttl: 3d}, {match: '*b', kind: production}]\n")
	_, err := file.Resolve("ab")
	checkProblems(t, err)
	want := `branchenv.yaml:5:29: branches[0].ttl: a protected environment does not expire (kind production, protected is from the built-in defaults): write ttl: 0 beside protected: true, or protected: false`
	if err.Error() != want || fault.Code(err) != fault.Usage {
		t.Errorf("Resolve: %v, want %s", err, want)
	}
	for _, branch := range []string{"a", "b"} {
		if _, err := file.Resolve(branch); err != nil {
			t.Errorf("Resolve(%s): %v", branch, err)
		}
	}
}

func TestResolveKind(t *testing.T) {
	t.Parallel()
	file := parse(t, "defaults: {balancer: none}\nkinds: {qa: {extends: branch}}\n")
	if diff := cmp.Diff([]string{"branch", "production", "qa", "staging"}, file.Kinds()); diff != "" {
		t.Errorf("Kinds (-want +got):\n%s", diff)
	}
	_, err := file.ResolveKind("stagin\n")
	if fault.Code(err) != fault.Usage || err.Error() != `there is no kind "stagin\n"` || fault.Hint(err).String() != "write staging" {
		t.Errorf("ResolveKind: %v, hint %q", err, fault.Hint(err).String())
	}
	if _, err := file.ResolveKind("production"); err == nil || !strings.Contains(err.Error(), "several instances need a load balancer") {
		t.Errorf("ResolveKind(production): %v", err)
	}
}

// TestResolvedIsACopy checks that changes of resolved settings do not change the file.
func TestResolvedIsACopy(t *testing.T) {
	t.Parallel()
	file := parse(t, "defaults: {environment: {A: a}, assets: {corsOrigins: ['*']}}\n")
	first, _ := file.Resolve("x")
	first.Settings.Environment["A"], first.Settings.Assets.CORSOrigins[0] = "changed", "changed"
	second, _ := file.Resolve("x")
	if second.Settings.Environment["A"] != "a" || second.Settings.Assets.CORSOrigins[0] != "*" {
		t.Errorf("a change of one result shows in another: %+v", second.Settings)
	}
}

// TestSettingsInJSON checks that settings are the same after the way to the program as JSON.
func TestSettingsInJSON(t *testing.T) {
	t.Parallel()
	want := config.Default(config.Branch)
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `"ttl":"72h"`) {
		t.Errorf("no readable duration in %s", text)
	}
	var got config.Settings
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := json.Unmarshal([]byte(`{"ttl":"soon"}`), &got); err == nil || !strings.Contains(err.Error(), `"soon" is not a duration`) {
		t.Errorf("Unmarshal: %v", err)
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0": "0", "72h": "72h", "3d": "72h", "90m": "1h30m", "1d12h": "36h", "45s": "45s", "1h0m5s": "1h0m5s", "10m": "10m", "0d": "0",
	} {
		if got, err := config.ParseDuration(text); err != nil || got.String() != want {
			t.Errorf("ParseDuration(%s) = %v, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "3", "-1h", "+1h", "1h-5m", "3d3", "3d 4h", "1w", "4000d", "300000h", "1e3h", "３d"} {
		if got, err := config.ParseDuration(text); err == nil {
			t.Errorf("ParseDuration(%q) = %v, want an error", text, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := config.Duration(rapid.Int64Range(0, int64(3650*24*time.Hour)).Draw(t, "d"))
		if got, err := config.ParseDuration(d.String()); err != nil || got != d {
			t.Errorf("ParseDuration(%s) = %v, %v", d, got, err)
		}
	})
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	file := parse(t, "protected: [main, release/*, 'a{1}']\n")
	for _, tt := range []struct{ branch, stack, want string }{
		{"main", "", "main"}, {"", "main", "main"}, {"release/1", "x", "release/*"}, {"release/1/2", "", ""},
		{"Main", "", ""}, {"", "", ""}, {"a{1}", "", "a{1}"}, {"maintenance", "maintenance", ""},
	} {
		if got, ok := file.Protects(tt.branch, tt.stack); got != tt.want || ok != (tt.want != "") {
			t.Errorf("Protects(%q, %q) = %q, %v, want %q", tt.branch, tt.stack, got, ok, tt.want)
		}
	}
	for branch, want := range map[string]bool{
		"x-no-infra": true, "feature/x-no-infra": true, "a/b/c-no-infra": true, "-no-infra": true, "no-infra": false, "x-no-infra-2": false,
	} {
		if _, got := file.Skips(branch); got != want {
			t.Errorf("Skips(%q) = %v, want %v", branch, got, want)
		}
	}
}

// TestPatternsAreBounded checks that patterns which match slowly are refused, and that all others are fast even for the longest
// name. The time allowed is a thousand times the usual.
func TestPatternsAreBounded(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{
		strings.Repeat("{a,a}", 20) + "b*", "{" + strings.Repeat("{a,b},", 10) + "c}", strings.Repeat("a", 1001),
	} {
		_, err := config.Parse("branchenv.yaml", []byte(head+"skip: ['"+pattern+"']\n"))
		if err == nil || !strings.Contains(err.Error(), "write several patterns") {
			t.Errorf("%.20s…: %v", pattern, err)
		}
	}
	begun := time.Now()
	for _, pattern := range []string{
		strings.Repeat("{a,a}", 8) + "b*", strings.Repeat("*a", 200) + "b*", strings.Repeat("**/a/", 100) + "b*",
		strings.Repeat("**/*a*/", 100) + "b*", strings.Repeat("{*,a}", 8) + "b*", `\{a,b\}\{a,b\}`, "{dev,qa,test}/*",
	} {
		file := parse(t, "skip: ['"+pattern+"']\n")
		for _, name := range []string{strings.Repeat("a/", 500), strings.Repeat("a", 1000), strings.Repeat("ab", 500)} {
			file.Skips(name)
		}
	}
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestExpandImage(t *testing.T) {
	t.Parallel()
	sha := strings.Repeat("0123", 10)
	for _, tt := range []struct{ template, sha, branch, want string }{
		{"registry.example.com:5000/app:{sha}", sha, "main", "registry.example.com:5000/app:" + sha},
		{"app:{branch}", "", "feature/Größe", "app:feature-Gr-e"},
		{"app:{branch}-{sha}", sha, "a/b", "app:a-b-" + sha},
		{"nginx:1.27", "", "main", "nginx:1.27"},
		{"app:{sha}", "", "main", "error"},
		{"app:{sha}", "HEAD", "main", "error"},
		{"app-{branch}:1", "", "Main", "error"},
		{"app:{branch}", "", strings.Repeat("x", 129), "error"},
		{"app:{branch}", "", "日本", "error"},
	} {
		got, err := config.ExpandImage(tt.template, tt.sha, tt.branch)
		if err != nil {
			got = "error"
		}
		if got != tt.want || err != nil && (fault.Code(err) != fault.Usage || fault.Hint(err).IsZero()) {
			t.Errorf("ExpandImage(%q, %q, %q) = %q, %v, want %q", tt.template, tt.sha, tt.branch, got, err, tt.want)
		}
	}
}

// TestAliasesAreBounded feeds files that grow when their aliases are followed.
func TestAliasesAreBounded(t *testing.T) {
	t.Parallel()
	var many, nested strings.Builder
	many.WriteString("defaults: &d {environment: {")
	for i := range 1000 {
		fmt.Fprintf(&many, "V%d: x, ", i)
	}
	many.WriteString("}}\nkinds:\n")
	for i := range 120 {
		fmt.Fprintf(&many, "  k%d: *d\n", i)
	}
	nested.WriteString("tags: &a0 {x: y}\n")
	for i := range 30 {
		fmt.Fprintf(&nested, "x%d: &a%d [*a%d, *a%d, *a%d]\n", i, i+1, i, i, i)
	}
	nested.WriteString("protected: *a30\nskip: &self [*self]\n")
	entries := "branches: [" + strings.Repeat("{match: a, ttl: 1h}, ", 501) + "]\n"
	for _, body := range []string{many.String(), nested.String(), entries} {
		_, err := config.Parse("branchenv.yaml", []byte(head+body))
		checkProblems(t, err)
	}
}

// TestLayersLastWins compares with the plainest model of layering: the last entry that sets a value wins. It also
// checks that two neighbouring entries may be written as one.
func TestLayersLastWins(t *testing.T) {
	t.Parallel()
	keys := []string{"ttl", "image", "timeout", "environment.A", "environment.B", "health.port"}
	render := func(layer map[string]string) string {
		out := "- match: '*'\n"
		for _, key := range keys {
			if value, ok := layer[key]; ok {
				section, name, nested := strings.Cut(key, ".")
				if nested {
					continue
				}
				out += "  " + section + name + ": " + value + "\n"
			}
		}
		for _, section := range []string{"environment", "health"} {
			var inner []string
			for _, key := range keys {
				if value, ok := layer[key]; ok && strings.HasPrefix(key, section+".") {
					inner = append(inner, strings.TrimPrefix(key, section+".")+": "+value)
				}
			}
			if inner != nil {
				out += "  " + section + ": {" + strings.Join(inner, ", ") + "}\n"
			}
		}
		return out
	}
	rapid.Check(t, func(t *rapid.T) {
		var model = map[string]string{}
		var all, merged string
		for range rapid.IntRange(1, 4).Draw(t, "pairs") {
			both := map[string]string{}
			for range 2 {
				layer := map[string]string{}
				for range rapid.IntRange(1, 4).Draw(t, "values") {
					key := rapid.SampledFrom(keys).Draw(t, "key")
					n := strconv.Itoa(rapid.IntRange(1, 9).Draw(t, "n"))
					switch key {
					case "ttl", "timeout":
						n += "h"
					case "image":
						n = "app:" + n
					}
					layer[key], both[key], model[key] = n, n, n
				}
				all += render(layer)
			}
			merged += render(both)
		}
		var answers []map[string]string
		for _, body := range []string{all, merged} {
			file, err := config.Parse("branchenv.yaml", []byte(head+"branches:\n"+body))
			if err != nil {
				t.Fatal(err)
			}
			resolved, err := file.Resolve("x")
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, v := range resolved.Values() {
				if v.Origin.Layer != "built-in" {
					got[v.Path] = v.Value
				}
			}
			answers = append(answers, got)
		}
		for _, got := range answers {
			if diff := cmp.Diff(model, got); diff != "" {
				t.Errorf("(-model +got):\n%s", diff)
			}
		}
	})
}

// FuzzParse checks that Parse returns settings that resolve, or problems with a place, for any file.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/*/*.txtar", "../branchenv.yaml"} {
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			_, text, _ := strings.Cut(string(data), "-- branchenv.yaml --\n")
			text, _, _ = strings.Cut(text, "\n-- ")
			f.Add([]byte(text))
		}
	}
	f.Add([]byte(head + "kinds: {a: &a {extends: *a}}\nbranches: [*a]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := config.Parse("branchenv.yaml", data)
		if err != nil {
			checkProblems(t, err)
			return
		}
		for _, kind := range file.Kinds() {
			if _, err := file.ResolveKind(kind); err != nil {
				checkProblems(t, err)
			}
		}
		if _, err := file.Resolve("main"); err != nil {
			checkProblems(t, err)
		}
	})
}

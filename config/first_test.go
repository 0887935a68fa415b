package config_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
)

// TestExample checks that the example at the top of the repository is valid, and is the file that init writes.
func TestExample(t *testing.T) {
	t.Parallel()
	file, err := config.Load("../branchenv.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := file.CheckPulumiYAML(); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile("../branchenv.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := config.Init(config.Answers{Project: "shop", Region: "eu-central-1", Domain: "preview.example.com", Source: config.Source{Git: "."}})
	if diff := cmp.Diff(string(want), string(text)); diff != "" {
		t.Errorf("the example is not what init writes (-init +example):\n%s", diff)
	}
}

// TestExampleSaysWhatIsBuiltIn checks that the kinds of the example have the built-in settings, except for additions on purpose.
func TestExampleSaysWhatIsBuiltIn(t *testing.T) {
	t.Parallel()
	file, err := config.Load("../branchenv.yaml")
	if err != nil {
		t.Fatal(err)
	}
	plain := parse(t, "")
	got := map[string][]string{}
	for _, kind := range plain.Kinds() {
		a, err := plain.ResolveKind(kind)
		if err != nil {
			t.Fatal(err)
		}
		b, err := file.ResolveKind(kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range config.Diff(a, b) {
			got[kind] = append(got[kind], d.Path+": "+d.A+" | "+d.B)
		}
	}
	want := map[string][]string{
		"production": {"database.storage: 20 | 50"},
		"staging": {"instances.type: t3.micro | t3.small", "instances.max: 1 | 2", "deployment.policy: AllAtOnce | Rolling",
			"database.class: db.t4g.micro | db.t4g.small", "database.storage: 20 | 50"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestInit(t *testing.T) {
	t.Parallel()
	text := config.Init(config.Answers{Project: "web", Region: "us-east-1", Domain: "dev.example.org", Source: config.Source{GitHub: "owner/name"}})
	file, err := config.Parse("branchenv.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{file.Project, file.Region, file.Domain, file.Source.GitHub, file.Source.Git}
	if diff := cmp.Diff([]string{"web", "us-east-1", "dev.example.org", "owner/name", ""}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Every answer is read back as a value.
	odd := config.Init(config.Answers{Project: "a: b\nc: d", Region: "*x", Domain: "", Source: config.Source{Git: "@x # y"}})
	_, err = config.Parse("branchenv.yaml", odd)
	checkProblems(t, err)
	for _, want := range []string{`project: "a: b\nc: d" has a control character`, `region: "*x" is not`, "domain: has no value"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
}

// TestInitTakesTheDefaultBranch checks that the default branch is production and protected, whatever its name.
func TestInitTakesTheDefaultBranch(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"main", "master", "staging", "trunk/x", "1.0", "true", "null", "a,b", "x]", "{a,b}", "ü", "it's", "#1", strings.Repeat("long-", 40)} {
		text := config.Init(config.Answers{
			Project: "web", Region: "us-east-1", Domain: "dev.example.org", Source: config.Source{GitHub: "owner/name"}, Default: name,
		})
		file, err := config.Parse("branchenv.yaml", text)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		got, err := file.Resolve(name)
		if err != nil || got.Kind != "production" || !got.Settings.Protected {
			t.Errorf("%q: kind %s, %v", name, got.Kind, err)
		}
		if name != "main" && regexp.MustCompile(`\bmain\b`).Match(text) {
			t.Errorf("%q: the file speaks of main:\n%s", name, text)
		}
	}
}

func TestSuggestProject(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"shop": "shop", "My_Great Shop": "my-great-sh", "123-shop": "shop", "日本": "app", "": "app", "sg": "app", "amzn-x": "app",
		"internal-tools": "app", "a--b": "a-b", "abcdefghij-klm": "abcdefghij",
	} {
		got := config.SuggestProject(name)
		if got != want {
			t.Errorf("SuggestProject(%q) = %q, want %q", name, got, want)
		}
		if _, err := config.Parse("branchenv.yaml", []byte(strings.Replace(head, "shop", got, 1))); err != nil {
			t.Errorf("SuggestProject(%q) = %q: %v", name, got, err)
		}
	}
}

func TestPulumiYAML(t *testing.T) {
	t.Parallel()
	var got struct {
		Name    string
		Runtime struct {
			Name    string
			Options map[string]string
		}
	}
	if err := yaml.Unmarshal(config.PulumiYAML("shop"), &got); err != nil {
		t.Fatal(err)
	}
	if got.Name != "shop" || got.Runtime.Name != "go" || got.Runtime.Options["binary"] != "branchenv" {
		t.Errorf("PulumiYAML = %+v", got)
	}
}

func TestCheckPulumiYAML(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"Pulumi.yaml", string(config.PulumiYAML("shop")), ""},
		{"Pulumi.yml", "name: shop\nruntime: go\n", ""},
		{"Pulumi.yaml", "name: other\nruntime: go\n", `is for project "other", the settings are for "shop"`},
		{"Pulumi.yml", "name: \"o\\nther\"\n", `is for project "o\nther"`},
		{"Pulumi.yaml", "name: [\n", "is not a Pulumi project"},
		{"README", "name: other\n", ""},
	} {
		dir := t.TempDir()
		for name, text := range map[string]string{tt.name: tt.text, "branchenv.yaml": head} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		file, err := config.Load(filepath.Join(dir, "branchenv.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		err = file.CheckPulumiYAML()
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s %q: %v", tt.name, tt.text, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || fault.Code(err) != fault.Usage || fault.Hint(err).IsZero()):
			t.Errorf("%s %q: %v, want %s", tt.name, tt.text, err, tt.want)
		}
	}
}

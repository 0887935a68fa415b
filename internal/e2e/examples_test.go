//go:build unix

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// commandsOf are the branchenv commands in an example, by job, and each job as YAML has it.
func commandsOf(t *testing.T, file string) (commands map[string]string, jobs map[string]map[string]any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", file))
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Jobs map[string]map[string]any `yaml:"jobs"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	commands = map[string]string{}
	for name, job := range config.Jobs {
		steps, _ := job["steps"].([]any)
		for _, step := range steps {
			s, _ := step.(map[string]any)
			command, _ := s["run"].(string)
			if run, ok := s["run"].(map[string]any); ok {
				command, _ = run["command"].(string)
			}
			if strings.HasPrefix(command, "branchenv ") {
				commands[name] = command
			}
		}
	}
	return commands, config.Jobs
}

// shell runs a command of an example as the CI system does, over the embedded AWS.
func (w *world) shell(t *testing.T, command string, env ...string) (int, string) {
	t.Helper()
	p, err := w.command()
	if err != nil {
		t.Fatal(err)
	}
	sh := exec.Command("sh", "-c", strings.Replace(command, "branchenv ", "branchenv --sandbox ", 1))
	sh.Dir, sh.Env = p.Dir, append(p.Env, env...)
	out, err := sh.CombinedOutput()
	if sh.ProcessState == nil {
		t.Fatal(err)
	}
	return sh.ProcessState.ExitCode(), string(out)
}

// TestExamples runs what the CI configurations in examples run, for a branch that comes and goes.
func TestExamples(t *testing.T) {
	t.Parallel()
	github, jobs := commandsOf(t, "github-actions.yml")
	circle, _ := commandsOf(t, "circleci.yml")
	want := []map[string]string{
		{"deploy": `branchenv up --image "$IMAGE"`, "destroy": `branchenv destroy --yes -- "$BRANCH"`, "reconcile": "branchenv reconcile --yes"},
		{"deploy": `branchenv up --image "registry.example.com/shop:$CIRCLE_SHA1"`, "reconcile": "branchenv reconcile --yes"},
	}
	if diff := cmp.Diff(want, []map[string]string{github, circle}); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	for name, job := range jobs {
		concurrency, _ := job["concurrency"].(map[string]any)
		if cancels, ok := concurrency["cancel-in-progress"].(bool); !ok || cancels {
			t.Errorf("job %s can be cancelled by a newer run: %v", name, concurrency)
		}
		if group, _ := concurrency["group"].(string); name == "destroy" && !strings.Contains(group, "github.run_id") {
			t.Errorf("a destroy that waits can be replaced by a newer one: group %s", group)
		}
	}
	w := newWorld(t, "application")
	git := func(args ...string) {
		t.Helper()
		args = append([]string{"-C", w.dir, "-c", "user.name=ada", "-c", "user.email=ada@example.com"}, args...)
		if out, err := exec.Command("git", args...).CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args, err, out)
		}
	}
	git("commit", "-q", "--allow-empty", "-m", "first")
	git("branch", "feature/$(one)")
	git("branch", "two")
	do := func(command string, env ...string) string {
		t.Helper()
		code, out := w.shell(t, command, append(env, "CI=true")...)
		if code != 0 {
			t.Fatalf("%s: exit code %d\n%s", command, code, out)
		}
		return out
	}
	do(github["deploy"], "IMAGE=registry.example.com/shop:1", "GITHUB_REF_TYPE=branch", "GITHUB_REF_NAME=feature/$(one)")
	do(circle["deploy"], "CIRCLE_SHA1=4f2a91c", "CIRCLE_BRANCH=two")
	list := w.must(t, "list").out
	if !strings.Contains(list, "feature/$(one)  branch  ready") || !strings.Contains(list, "registry.example.com/shop:4f2a91c") {
		t.Fatal(list)
	}
	do(github["destroy"], "BRANCH=feature/$(one)")
	git("branch", "-D", "two")
	if out := do(circle["reconcile"]); !strings.Contains(out, "done    destroy  two") {
		t.Error(out)
	}
	if list := w.must(t, "list", "--json").out; list != "[]\n" {
		t.Error(list)
	}
	do(github["reconcile"])
}

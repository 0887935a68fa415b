package sandbox

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
)

// pulumiCLI returns the real CLI, from the project's bin directory or PATH.
func pulumiCLI(t *testing.T) auto.PulumiCommand {
	t.Helper()
	root := filepath.Join("..", "..")
	if abs, err := filepath.Abs(root); err == nil {
		root = abs
	}
	if _, err := os.Stat(filepath.Join(root, "bin", "pulumi")); err != nil {
		path, err := exec.LookPath("pulumi")
		if err != nil {
			t.Fatal("no pulumi CLI: build it with make, or install one on PATH")
		}
		root = filepath.Dir(filepath.Dir(path))
	}
	cmd, err := auto.NewPulumiCommand(&auto.PulumiCommandOptions{Root: root, Version: semver.MustParse("3.211.0"), SkipVersionCheck: true})
	if err != nil {
		t.Fatal(err)
	}
	return cmd
}

// start serves a sandbox for the test.
func start(t *testing.T, o Options) *Server {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Waits == nil {
		o.Waits = &cloud.Waits{}
	}
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// A program is a stack of the real engine over a sandbox.
type program struct {
	t     *testing.T
	stack auto.Stack
}

func envMap(s *Server, more map[string]string) map[string]string {
	env := map[string]string{"PULUMI_CONFIG_PASSPHRASE": "", "PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK": "true"}
	for _, e := range s.Env() {
		name, value, _ := strings.Cut(e, "=")
		env[name] = value
	}
	for k, v := range more {
		env[k] = v
	}
	return env
}

// newProgram creates a stack with the program run. It has a state directory of its own.
func newProgram(t *testing.T, s *Server, run pulumi.RunFunc) *program {
	t.Helper()
	return newProgramIn(t, s, t.TempDir(), run)
}

// newProgramIn opens the stack in a state directory, which may be shared.
func newProgramIn(t *testing.T, s *Server, home string, run pulumi.RunFunc) *program {
	t.Helper()
	ws, err := auto.NewLocalWorkspace(t.Context(),
		auto.Pulumi(pulumiCLI(t)), auto.WorkDir(t.TempDir()), auto.PulumiHome(home), auto.Program(run),
		auto.EnvVars(envMap(s, map[string]string{"PULUMI_BACKEND_URL": "file://" + home})),
		auto.Project(workspace.Project{Name: "test", Runtime: workspace.NewProjectRuntimeInfo("go", nil)}))
	if err != nil {
		t.Fatal(err)
	}
	stack, err := auto.UpsertStack(t.Context(), "dev", ws)
	if err != nil {
		t.Fatal(err)
	}
	if err := stack.SetConfig(t.Context(), "aws:region", auto.ConfigValue{Value: "eu-central-1"}); err != nil {
		t.Fatal(err)
	}
	return &program{t: t, stack: stack}
}

// up runs the program and returns the number of operations by kind.
func (p *program) up(run pulumi.RunFunc, opts ...optup.Option) map[string]int {
	p.t.Helper()
	changes, err := p.tryUp(run, opts...)
	if err != nil {
		p.t.Fatal(err)
	}
	return changes
}

func (p *program) tryUp(run pulumi.RunFunc, opts ...optup.Option) (map[string]int, error) {
	if run != nil {
		p.stack.Workspace().SetProgram(run)
	}
	res, err := p.stack.Up(context.Background(), opts...)
	if err != nil {
		return nil, err
	}
	return *res.Summary.ResourceChanges, nil
}

// notShort skips a test that starts pulumi or many processes if only the quick tests are wanted.
func notShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts pulumi")
	}
}

package stacks

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/pulumitest"
	"github.com/branchenv/branchenv/internal/sandbox"
	"github.com/branchenv/branchenv/stacks/names"
	"github.com/branchenv/branchenv/stacks/program"
)

// benchmark is a project on the embedded AWS, with its application stack and nothing that waits: what is measured is
// branchenv and the engine.
type benchmark struct {
	*testing.B
	m         Manager
	file      *config.File
	variables []string
	backend   string
	processes int
	branch    int
}

func newBenchmark(b *testing.B) *benchmark {
	b.Helper()
	b.Setenv("PATH", filepath.Dir(pulumitest.Path(b))+string(os.PathListSeparator)+os.Getenv("PATH"))
	b.Setenv("PULUMI_HOME", b.TempDir())
	server, err := sandbox.Start(b.Context(), sandbox.Options{Dir: b.TempDir(), Region: "eu-central-1", Waits: &sandbox.Waits{}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = server.Close() })
	file, err := config.Parse("branchenv.yaml", []byte("project: shop\nregion: eu-central-1\ndomain: preview.example.com\nsource: {git: .}\n"))
	if err != nil {
		b.Fatal(err)
	}
	x := &benchmark{B: b, file: file, variables: server.Env(), backend: b.TempDir()}
	x.m, err = Open(b.Context(), Options{File: file, Env: os.Getenv, Extra: x.variables, Backend: "file://" + x.backend})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = x.m.Close() })
	x.m.launcher.started = func() { x.processes++ }
	if _, err := x.m.ApplicationUp(b.Context()); err != nil {
		b.Fatal(err)
	}
	return x
}

// Next is a branch that has no environment yet.
func (x *benchmark) Next() string {
	x.branch++
	return fmt.Sprintf("branch%d", x.branch)
}

// measure times do for each iteration; prepare, which is not timed, gives it its branch. It reports the pulumi
// processes of one do; findPulumi's own is one that the hook cannot see.
func (x *benchmark) measure(prepare func() string, do func(branch string) error) {
	x.Helper()
	x.ResetTimer()
	for range x.N {
		x.StopTimer()
		branch := prepare()
		before := x.processes
		x.StartTimer()
		if err := do(branch); err != nil {
			x.Fatal(err)
		}
		x.StopTimer()
		x.ReportMetric(float64(x.processes-before), "processes/op")
	}
}

func (x *benchmark) Up(branch string) error {
	_, err := x.m.Up(context.Background(), UpRequest{Branch: branch, Image: "registry.example.com/app:1"})
	x.processes++ // pulumi version
	return err
}

func (x *benchmark) made() string {
	branch := x.Next()
	if err := x.Up(branch); err != nil {
		x.Fatal(err)
	}
	return branch
}

// BenchmarkUp is the making of an environment.
func BenchmarkUp(b *testing.B) {
	b.Run("branchenv", func(b *testing.B) {
		x := newBenchmark(b)
		x.measure(x.Next, x.Up)
	})
	b.Run("stock", func(b *testing.B) {
		x := newBenchmark(b)
		x.stock(x.Next)
	})
}

// BenchmarkUpAgain is an update that changes nothing.
func BenchmarkUpAgain(b *testing.B) {
	b.Run("branchenv", func(b *testing.B) {
		x := newBenchmark(b)
		x.measure(x.made, x.Up)
	})
	b.Run("stock", func(b *testing.B) {
		x := newBenchmark(b)
		x.stock(x.made)
	})
}

// BenchmarkDestroy is the removal of an environment, receipt and all.
func BenchmarkDestroy(b *testing.B) {
	x := newBenchmark(b)
	x.measure(x.made, func(branch string) error {
		d, err := x.m.PlanDestroy(context.Background(), branch)
		if err != nil {
			return err
		}
		x.processes++ // pulumi version
		r, err := x.m.Destroy(context.Background(), d)
		if err == nil && len(r.Remaining) > 0 {
			err = fmt.Errorf("left behind: %+v", r.Remaining)
		}
		return err
	})
}

// BenchmarkShow reads one environment.
func BenchmarkShow(b *testing.B) {
	x := newBenchmark(b)
	branch := x.made()
	x.measure(func() string { return branch }, func(branch string) error {
		_, err := x.m.Show(context.Background(), branch)
		return err
	})
}

// counted is a stock PulumiCommand that counts, and times the engine's own part.
type counted struct {
	auto.PulumiCommand
	processes int
	engine    time.Duration
}

func (c *counted) Run(ctx context.Context, dir string, in io.Reader, out, errs []io.Writer, env []string, args ...string) (string, string, int, error) {
	c.processes++
	begun := time.Now()
	stdout, stderr, code, err := c.PulumiCommand.Run(ctx, dir, in, out, errs, env, args...)
	if args[0] == "up" {
		c.engine += time.Since(begun)
	}
	return stdout, stderr, code, err
}

// stock does the same the way that the Automation API's examples do: find pulumi, upsert, set the config, up. It also
// reports what the engine took of it, the bare `pulumi up` of the same program.
func (x *benchmark) stock(prepare func() string) {
	x.Helper()
	ctx := context.Background()
	var processes int
	var engine time.Duration
	x.ResetTimer()
	for range x.N {
		x.StopTimer()
		u, err := x.m.planUpdate(ctx, UpRequest{Branch: prepare(), Image: "registry.example.com/app:1"})
		if err != nil {
			x.Fatal(err)
		}
		u.spec.Version = u.source.Version
		dir := x.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), []byte("name: shop\nruntime: go\n"), 0o600); err != nil {
			x.Fatal(err)
		}
		values := auto.ConfigMap{"aws:region": {Value: "eu-central-1"}}
		spec, err := json.Marshal(u.spec)
		if err != nil {
			x.Fatal(err)
		}
		values["shop:"+names.SpecKey] = auto.ConfigValue{Value: string(spec)}
		env := map[string]string{"PULUMI_BACKEND_URL": "file://" + x.backend, "PULUMI_CONFIG_PASSPHRASE": ""}
		for _, v := range x.variables {
			name, value, _ := strings.Cut(v, "=")
			env[name] = value
		}
		x.StartTimer()
		cli, err := auto.NewPulumiCommand(nil)
		if err != nil {
			x.Fatal(err)
		}
		c := &counted{PulumiCommand: cli, processes: 1}
		ws, err := auto.NewLocalWorkspace(ctx, auto.Pulumi(c), auto.WorkDir(dir), auto.Program(program.Run), auto.EnvVars(env))
		if err != nil {
			x.Fatal(err)
		}
		stack, err := auto.UpsertStack(ctx, u.spec.Stack, ws)
		if err != nil {
			x.Fatal(err)
		}
		if err := stack.SetAllConfig(ctx, values); err != nil {
			x.Fatal(err)
		}
		if _, err := stack.Up(ctx); err != nil {
			x.Fatal(err)
		}
		x.StopTimer()
		processes, engine = c.processes, engine+c.engine
	}
	x.ReportMetric(float64(processes), "processes/op")
	x.ReportMetric(float64(engine.Nanoseconds())/float64(x.N), "engine-ns/op")
}

package cli_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/branchenv/branchenv/cli"
)

// TestMain makes branchenv itself a command of the test scripts. Engine scripts use the pulumi that the project built,
// where it did, else the one on PATH.
func TestMain(m *testing.M) {
	if bin, err := filepath.Abs(filepath.Join("..", "bin")); err == nil {
		os.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	}
	testscript.Main(m, map[string]func(){
		"branchenv": func() {
			os.Exit(cli.Main(context.Background(), os.Args[1:], cli.Standard()))
		},
	})
}

// TestScripts runs every script in testdata/script on the tool itself. Those named up_* need the engine.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		RequireUniqueNames: true,
		Cmds:               map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		Condition: func(name string) (bool, error) {
			if name != "pulumi" {
				return false, nil
			}
			_, err := exec.LookPath("pulumi")
			return err == nil, nil
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("PULUMI_HOME", filepath.Join(env.WorkDir, ".pulumi-home"))
			env.Setenv("PULUMI_SKIP_UPDATE_CHECK", "true")
			env.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
			env.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(env.WorkDir))
			return nil
		},
	})
}

// exits runs a command and checks its exit code: exits CODE COMMAND ARGUMENTS. Its output can be matched as exec's is.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARGUMENTS")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	if exit, ok := err.(*exec.ExitError); ok {
		code = strconv.Itoa(exit.ExitCode())
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if code != args[0] {
		ts.Fatalf("exit code %s, want %s", code, args[0])
	}
}

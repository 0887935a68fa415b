// Command branchenv gives every git branch its own environment on AWS.
//
// The binary has two drivers. A person or a CI step runs the command line. When somebody types `pulumi preview` in a
// checkout, the Pulumi engine runs the same binary, without arguments and with the engine's address in the environment.
// The binary then is the program of the selected stack.
package main

import (
	"context"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/branchenv/branchenv/cli"
	"github.com/branchenv/branchenv/stacks/program"
)

func main() {
	if startedByPulumi(os.Args[1:], os.Getenv) {
		pulumi.Run(program.Standalone)
		return
	}
	os.Exit(cli.Main(context.Background(), os.Args[1:], cli.Standard()))
}

// startedByPulumi reports whether the engine started this process. The engine's language host gives no arguments, and
// sets the addresses of the engine and of its resource monitor (sdk/go/pulumi/run.go).
func startedByPulumi(args []string, env func(string) string) bool {
	return len(args) == 0 && env(pulumi.EnvMonitor) != "" && env(pulumi.EnvEngine) != ""
}

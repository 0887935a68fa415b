// Command branchenv gives every git branch its own environment on AWS.
//
// It has two drivers. A person or a CI step runs the command line. The Pulumi engine runs the very same binary, with no
// arguments and its own address in the environment, when someone types `pulumi preview` in a checkout; then it is the
// program of the selected stack.
package main

import (
	"context"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/branchenv/branchenv/cli"
	"github.com/branchenv/branchenv/stacks"
)

func main() {
	if startedByPulumi(os.Args[1:], os.Getenv) {
		pulumi.Run(stacks.Standalone)
		return
	}
	os.Exit(cli.Main(context.Background(), os.Args[1:], cli.Standard()))
}

// startedByPulumi tells whether the engine started us: its language host gives no arguments and names the addresses of
// the engine and of its resource monitor (sdk/go/pulumi/run.go).
func startedByPulumi(args []string, env func(string) string) bool {
	return len(args) == 0 && env(pulumi.EnvMonitor) != "" && env(pulumi.EnvEngine) != ""
}

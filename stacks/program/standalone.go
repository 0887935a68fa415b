package program

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/branchenv/branchenv/internal/fault"
)

// Standalone is Program for Pulumi's own commands. They print an error's text only, so the hint is put in it.
func Standalone(ctx *pulumi.Context) error {
	err := Run(ctx)
	if hint := fault.Hint(err); hint != "" {
		return fmt.Errorf("%w; hint: %s", err, hint)
	}
	return err
}

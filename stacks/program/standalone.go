package program

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/branchenv/branchenv/internal/fault"
)

// Standalone is Run for Pulumi's own commands. They print only the text of an error, so the text includes the hint.
func Standalone(ctx *pulumi.Context) error {
	err := Run(ctx)
	if hint := fault.Hint(err); !hint.IsZero() {
		return fmt.Errorf("%w; hint: %s", err, hint)
	}
	return err
}

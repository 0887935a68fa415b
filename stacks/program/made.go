package program

import (
	"encoding/json"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// outSpec is the stack output that holds the Spec which the environment was made from. The history tells it too, but
// only of the last run of any kind: a `pulumi refresh` by hand, which is the documented way to mend a state, has none.
const outSpec = "spec"

// outputAfter is spec as an output that is known once made is: what is recorded as running does run.
func outputAfter(made pulumi.StringOutput, spec Spec) pulumi.Output {
	return made.ApplyT(func(string) (map[string]any, error) {
		var plain map[string]any
		text, err := json.Marshal(spec)
		if err == nil {
			err = json.Unmarshal(text, &plain)
		}
		return plain, err
	})
}

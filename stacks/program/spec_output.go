package program

import (
	"encoding/json"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// outSpec is the stack output that holds the Spec of the last successful update. The history holds it only for the last run of
// any kind, and a manual `pulumi refresh`, which is the documented way to repair a state, has none.
const outSpec = "spec"

// outputAfter returns spec as an output that is known once made is known: a version is only recorded when it runs.
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

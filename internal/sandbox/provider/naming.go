package provider

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
)

// autoHex is the number of random digits in an automatic name.
const autoHex = 7

// autoName returns the name of a resource that has none: its name in the program, a hyphen and random digits. The digits
// depend on the engine's seed, so a preview and its update choose the same. The engine may propose a name instead.
func autoName(n cloud.Naming, req *pulumirpc.CheckRequest) (string, error) {
	logical := nameOf(req.GetUrn())
	if a := req.GetAutonaming(); a != nil {
		switch a.GetMode() {
		case pulumirpc.CheckRequest_AutonamingOptions_DISABLE:
			return "", fmt.Errorf("missing required property %q: automatic naming is disabled", n.Property)
		case pulumirpc.CheckRequest_AutonamingOptions_PROPOSE, pulumirpc.CheckRequest_AutonamingOptions_ENFORCE:
			return a.GetProposedName(), nil
		}
	}
	if n.LowerCase {
		logical = strings.ToLower(logical)
	}
	limit := n.MaxLength
	if limit == 0 {
		limit = 255
	}
	if room := limit - autoHex - 1; len(logical) > room {
		logical = strings.TrimRight(logical[:room], "-")
	}
	return resource.NewUniqueName(req.GetRandomSeed(), logical+"-", autoHex, limit, nil)
}

package provider

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
)

const autoHex = 7

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

package sandbox

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// naming says how a type gets its automatic name: the logical name, a hyphen and 7 hex digits that depend on the
// engine's seed, so that they are the same in preview and update.
type naming struct {
	property string // the input that holds the name; empty: the type has none
	max      int    // longest name; 0: 255
	lower    bool   // in lower case
	unless   string // another input that gives the name, so that there is none to make
}

const autoHex = 7

func (n naming) conflicts(news resource.PropertyMap) bool {
	if n.unless == "" {
		return false
	}
	_, ok := news[resource.PropertyKey(n.unless)]
	return ok
}

func (n naming) auto(req *pulumirpc.CheckRequest) (string, error) {
	logical := nameOf(req.GetUrn())
	if a := req.GetAutonaming(); a != nil {
		switch a.GetMode() {
		case pulumirpc.CheckRequest_AutonamingOptions_DISABLE:
			return "", fmt.Errorf("missing required property %q: automatic naming is disabled", n.property)
		case pulumirpc.CheckRequest_AutonamingOptions_PROPOSE, pulumirpc.CheckRequest_AutonamingOptions_ENFORCE:
			return a.GetProposedName(), nil
		}
	}
	if n.lower {
		logical = strings.ToLower(logical)
	}
	limit := n.max
	if limit == 0 {
		limit = 255
	}
	if room := limit - autoHex - 1; len(logical) > room {
		logical = strings.TrimRight(logical[:room], "-")
	}
	return resource.NewUniqueName(req.GetRandomSeed(), logical+"-", autoHex, limit, nil)
}

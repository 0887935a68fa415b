package plan

import (
	"fmt"
	"math"

	"github.com/branchenv/branchenv/internal/text"
)

// Limits bound how many environments one run may destroy and create.
type Limits struct {
	MaxDestroy int     // the largest number of environments to destroy
	Share      float64 // the largest share of all environments to destroy, 0 to 1; unless it is 0, one may always be destroyed
	// ExactDestroy, if not nil, replaces both limits: the plan must not destroy more. If it destroys more than MaxDestroy, it must
	// destroy exactly as many.
	ExactDestroy *int
	MaxCreate    int  // the largest number of environments to create
	ExactCreate  *int // the same as ExactDestroy, for MaxCreate
}

// refuse returns why a plan with so many destructions and creations is refused; "" if it is not.
func (l Limits) refuse(destroyed, created, environments int) string {
	if reason := l.refuseDestroy(destroyed, environments); reason != "" {
		return reason
	}
	return exceeds("create", "maxCreate", "--max-create", created, l.MaxCreate, l.ExactCreate)
}

func (l Limits) refuseDestroy(destroyed, environments int) string {
	allowed := l.share(environments)
	if l.ExactDestroy != nil || destroyed > l.MaxDestroy || destroyed <= allowed {
		return exceeds("destroy", "maxDestroy", "--max-destroy", destroyed, l.MaxDestroy, l.ExactDestroy)
	}
	return fmt.Sprintf("it would destroy %s of %d, and maxDestroyShare allows %d: if that is right, repeat it with --max-destroy %d",
		text.Count(destroyed, "environment"), environments, allowed, destroyed)
}

// exceeds returns why n is more than the setting or, if it is given, the flag allows; "" if it is not.
func exceeds(verb, setting, flag string, n, limit int, exact *int) string {
	switch {
	case exact != nil && n > *exact:
		return fmt.Sprintf("it would %s %s, and %s allows %d", verb, text.Count(n, "environment"), flag, *exact)
	case n <= limit, exact != nil && n == *exact:
		return ""
	case exact != nil:
		return fmt.Sprintf("it would %s %s: %s must be exactly %d", verb, text.Count(n, "environment"), flag, n)
	}
	return fmt.Sprintf("it would %s %s, and %s allows %d: if that is right, repeat it with %s %d", verb, text.Count(n, "environment"), setting, limit, flag, n)
}

// share returns how many of the environments the share allows to destroy.
func (l Limits) share(environments int) int {
	if l.Share <= 0 {
		return 0
	}
	return max(1, int(math.Floor(l.Share*float64(environments)+1e-9)))
}

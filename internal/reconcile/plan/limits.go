package plan

import (
	"fmt"
	"math"

	"github.com/branchenv/branchenv/internal/text"
)

// Limits are the brake: how much one run may destroy and create.
type Limits struct {
	MaxDestroy int     // at most so many environments are destroyed
	Share      float64 // and at most this share of all, 0 to 1; one alone is never too large a share, unless it is 0
	// ExactDestroy lifts both for a plan that destroys exactly so many, and refuses one that destroys more. nil: neither.
	ExactDestroy *int
	MaxCreate    int // at most so many environments are created
	// ExactCreate does the same for MaxCreate.
	ExactCreate *int
}

// refuse says why a plan that destroys and creates so many of so many environments does too much, or "".
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

// exceeds says why so many are more than a setting or, if it is given, a flag allows, or "".
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

// share is how many of so many environments the share allows.
func (l Limits) share(environments int) int {
	if l.Share <= 0 {
		return 0
	}
	return max(1, int(math.Floor(l.Share*float64(environments)+1e-9)))
}

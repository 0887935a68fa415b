package aws

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// describesInFlight is how many resources are described at once. AWS allows only a few describe calls each second.
const describesInFlight = 8

// Resource is a resource in a stack's state.
type Resource struct {
	Type    string         // Pulumi type token, for instance aws:s3/bucketV2:BucketV2
	ID      string         // the provider's id
	Name    string         // the name to show
	Inputs  map[string]any // as in the state; may be nil
	Outputs map[string]any // as in the state; may be nil
}

// State says whether a resource exists.
type State string

// The states of a resource.
const (
	Exists  State = "exists"
	Gone    State = "gone"
	Unknown State = "unknown" // AWS did not answer, or its answer does not decide it; Finding.Note says why
)

// Finding is AWS's answer about a resource.
type Finding struct {
	Resource Resource
	State    State
	Note     string // one clean line, may be empty
}

// Describe asks AWS whether each resource still exists, several at once. It returns the answers in the same order. It never
// fails as a whole: without an answer a resource is Unknown.
func (c *Client) Describe(ctx context.Context, resources []Resource) []Finding {
	findings := make([]Finding, len(resources))
	var group errgroup.Group
	group.SetLimit(describesInFlight)
	for i, r := range resources {
		group.Go(func() error {
			findings[i] = c.describe(ctx, r)
			return nil
		})
	}
	_ = group.Wait() // no function above returns an error
	return findings
}

func (c *Client) describe(ctx context.Context, r Resource) Finding {
	describe := TypeOf(r.Type).describe
	if describe == nil {
		return Finding{r, Unknown, "branchenv cannot ask AWS for this type"}
	}
	answer, err := describe(c, ctx, r)
	switch {
	case err == nil:
		return Finding{r, answer.state, answer.note}
	case slices.Contains(answer.gone, code(err)):
		return Finding{r, Gone, ""}
	default:
		return Finding{r, Unknown, cause(err)}
	}
}

// answer is what a describer found out. gone lists the error codes that mean that the resource does not exist. They
// count for that describer alone, because the same code can mean something else elsewhere.
type answer struct {
	state State
	note  string
	gone  []string
}

// existsIf returns the answer of a list, from whether the resource is in it.
func existsIf(ok bool) answer {
	if ok {
		return answer{state: Exists}
	}
	return answer{state: Gone}
}

// goneIf returns the answer for an error: the resource is gone if the error has one of the codes.
func goneIf(codes ...string) answer { return answer{gone: codes} }

// text returns the first of a resource's properties that is a string and not empty. Outputs come before inputs.
func (r Resource) text(properties ...string) string {
	for _, p := range properties {
		for _, from := range []map[string]any{r.Outputs, r.Inputs} {
			if s, ok := from[p].(string); ok && s != "" {
				return s
			}
		}
	}
	return ""
}

// name returns what text returns, or the id if that is "".
func (r Resource) name(properties ...string) string {
	if s := r.text(properties...); s != "" {
		return s
	}
	return r.ID
}

// missing returns the error for a state without the properties that a request needs.
func missing(properties ...string) error {
	return fmt.Errorf("the state lacks its %s", strings.Join(properties, " and "))
}

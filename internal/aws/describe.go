package aws

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// describesInFlight bounds how many resources are asked for at once; AWS's describe calls allow few a second.
const describesInFlight = 8

// Resource is a resource as a stack's state has it.
type Resource struct {
	Type    string         // Pulumi type token, for instance aws:s3/bucketV2:BucketV2
	ID      string         // the provider's id
	Name    string         // name to show
	Inputs  map[string]any // as in the state; may be nil
	Outputs map[string]any // as in the state; may be nil
}

// State tells whether a resource is there.
type State string

// The states of a resource.
const (
	Exists  State = "exists"
	Gone    State = "gone"
	Unknown State = "unknown" // AWS could not be asked, or the answer does not tell; Finding.Note says why
)

// Finding is what AWS says about a resource.
type Finding struct {
	Resource Resource
	State    State
	Note     string // one clean line, may be empty
}

// Describe asks AWS whether each resource is still there, several at once, and answers in the order given. It never
// fails as a whole: a resource that cannot be asked for is Unknown.
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
		return Finding{r, Unknown, "branchenv does not know how to ask for this type"}
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

// there is the answer for a list that holds the resource, or is empty if there is none.
func there(ok bool) answer {
	if ok {
		return answer{state: Exists}
	}
	return answer{state: Gone}
}

// goneIf is the answer that goes with an error.
func goneIf(codes ...string) answer { return answer{gone: codes} }

// text is the first of a resource's properties, outputs before inputs, that is a string with something in it.
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

// name is the first of a resource's properties that says something, else its id.
func (r Resource) name(properties ...string) string {
	if s := r.text(properties...); s != "" {
		return s
	}
	return r.ID
}

// missing is the error for a state that lacks what AWS must be asked with.
func missing(properties ...string) error {
	return fmt.Errorf("the state does not tell its %s", strings.Join(properties, " and "))
}

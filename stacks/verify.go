package stacks

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks/names"
)

// verifyFor bounds the check after a destroy. AWS answers late at times; where it does not answer at all, the receipt
// says so.
const verifyFor = 2 * time.Minute

// verifier looks in AWS for what is left of one stack.
type verifier struct {
	Manager
	stack string
}

func (m Manager) verifier(stack string) verifier { return verifier{m, stack} }

// newReceipt returns the receipt of a destroy that has deleted nothing yet.
func newReceipt(d Destruction) Receipt {
	return Receipt{Branch: d.Environment.Branch, Stack: d.Environment.Stack, Deleted: []Resource{}, Remaining: []Resource{}}
}

// verify describes every resource that the state had. What is still there is asked for again for a while. A state may have lost some:
// if all that it had is gone, AWS is asked what else has the stack's tags. exists: some of what remains is known to be there.
// AWS's index knows no DNS records: that of the environment's host is asked for by its name.
func (v verifier) verify(ctx context.Context, f *backend.Facts, s backend.State, r *Receipt) (exists bool, err error) {
	v.step(v.stack, "check that all is gone")
	ctx, cancel := context.WithTimeout(ctx, verifyFor)
	defer cancel()
	var left, gone []aws.Resource
	for _, x := range s.AWS() {
		left = append(left, described(x))
	}
	for pause := time.Second; ; pause *= 2 {
		var again []aws.Resource
		r.Remaining, exists = []Resource{}, false
		for _, found := range v.aws.Describe(ctx, left) {
			entry := Resource{Type: found.Resource.Type, Name: backend.DisplayName(found.Resource.ID, found.Resource.Inputs), Note: found.Note}
			if found.State == aws.Gone {
				r.Deleted, gone = append(r.Deleted, entry), append(gone, found.Resource)
				continue
			}
			r.Remaining, exists = append(r.Remaining, entry), exists || found.State == aws.Exists
			again = append(again, found.Resource)
		}
		if left = again; len(left) == 0 || pause > 8*time.Second {
			break
		}
		select {
		case <-time.After(pause):
			continue
		case <-ctx.Done():
		}
		break
	}
	if len(r.Remaining) == 0 {
		var records []Resource
		if r.Remaining, err = v.stillTagged(ctx, gone); err == nil {
			records, err = v.lostRecords(ctx, f, s)
		}
		r.Remaining = append(r.Remaining, records...)
		exists = len(r.Remaining) > 0
	}
	slices.SortFunc(r.Deleted, byName)
	slices.SortFunc(r.Remaining, byName)
	return exists, err
}

// stillTagged returns the resources that AWS's index lists with the stack's tags and that are not gone: neither known to be, nor said to be
// by a describe. The index lags by minutes, and lists what Beanstalk made and removed, too: of what nobody here can describe it only warns.
func (v verifier) stillTagged(ctx context.Context, gone []aws.Resource) ([]Resource, error) {
	tagged, err := v.aws.TaggedResources(ctx, map[string]string{names.TagProject: v.file.Project, names.TagStack: v.stack})
	if err != nil {
		return nil, err
	}
	var ask []aws.Resource
	var strange []string
	for _, t := range tagged {
		switch r, known := aws.FromARN(t.ARN); {
		case slices.ContainsFunc(gone, func(g aws.Resource) bool { return g.Is(t.ARN) }):
		case known:
			ask = append(ask, r)
		default:
			strange = append(strange, t.ARN)
		}
	}
	if len(strange) > 0 {
		v.warn(v.stack, fmt.Sprintf("AWS's index lists %s with the tags of stack %s of which nobody here can tell whether they are there, as it does for minutes after they are gone: %s; the next doctor looks again",
			text.Count(len(strange), "resource"), v.stack, text.Cut(strings.Join(strange, ", "), 300)))
	}
	left := []Resource{}
	for _, found := range v.aws.Describe(ctx, ask) {
		if found.State != aws.Gone {
			left = append(left, Resource{Type: found.Resource.Type, Name: found.Resource.Name, Note: found.Note})
		}
	}
	return left, nil
}

// lostRecords are the DNS records of an environment's host that exist although its state, s, had none. Before its first good update a
// record of that name is somebody else's, for which that update may have failed.
func (v verifier) lostRecords(ctx context.Context, f *backend.Facts, s backend.State) ([]Resource, error) {
	isRecord := func(r backend.Resource) bool { return r.Type == aws.TypeRecord }
	if f.Tags[names.TagHost] == "" || f.Tags[names.TagUpdated] == "" || slices.ContainsFunc(s.Resources, isRecord) {
		return nil, nil
	}
	shared, err := v.backend.Read(ctx, names.ApplicationStack)
	if err != nil || shared == nil {
		return nil, err
	}
	zone, _ := shared.State.Outputs()["zone"].(string)
	if zone == "" {
		return nil, nil
	}
	domain := v.file.Domain
	if spec := SpecOf(f, v.file.Project); spec != nil {
		domain = spec.Domain
	}
	name := f.Tags[names.TagHost] + "." + domain
	var ask []aws.Resource
	for _, kind := range []string{"A", "AAAA", "CNAME"} {
		ask = append(ask, aws.Resource{Type: aws.TypeRecord, ID: zone + "_" + name + "_" + kind, Name: name,
			Inputs: map[string]any{"zoneId": zone, "name": name, "type": kind}})
	}
	var left []Resource
	for _, found := range v.aws.Describe(ctx, ask) {
		if found.State == aws.Exists {
			left = append(left, Resource{Type: aws.TypeRecord, Name: name, Note: "the state of the stack had lost it"})
		}
	}
	return left, nil
}

func resourceNames(resources []Resource) []string {
	var list []string
	for _, r := range resources {
		list = append(list, r.Name)
	}
	return list
}

func byName(a, b Resource) int { return strings.Compare(a.Type+" "+a.Name, b.Type+" "+b.Name) }

// resources lists what a state has, sorted.
func resources(s backend.State) []Resource {
	list := []Resource{}
	for _, r := range s.AWS() {
		list = append(list, Resource{Type: r.Type, Name: backend.DisplayName(r.ID, r.Inputs)})
	}
	slices.SortFunc(list, byName)
	return list
}

package stacks

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"gocloud.dev/gcerrors"

	"github.com/branchenv/branchenv/internal/fault"
)

// stateKeeper keeps what a stack had when its destroy began. A destroy that is resumed finds in the state only what is
// left, and its receipt is about all of it.
type stateKeeper interface {
	// keep keeps f's state and returns what it is found by.
	keep(ctx context.Context, f facts) (ref string, err error)
	// kept returns the state that was kept.
	kept(ctx context.Context, stack, ref string) (state, error)
	// dropKept removes what was kept of a stack, if anything.
	dropKept(ctx context.Context, stack string) error
}

// and is s with the resources that only before has.
func (s state) and(before state) state {
	s.Resources = slices.Clone(s.Resources)
	for _, r := range before.Resources {
		same := func(x stateResource) bool { return x.URN == r.URN && x.ID == r.ID }
		if !slices.ContainsFunc(s.Resources, same) {
			s.Resources = append(s.Resources, r)
		}
	}
	return s
}

// keptKey is where a self-managed backend keeps a stack's state: beside Pulumi's own files. Secrets in it stay encrypted.
func (b *diyBackend) keptKey(stack string) string {
	return ".branchenv/destroy/" + b.project + "/" + stack + ".json"
}

func (b *diyBackend) keep(ctx context.Context, f facts) (string, error) {
	text, err := json.Marshal(map[string]any{"resources": f.state.Resources})
	if err == nil {
		err = b.bucket.WriteAll(ctx, b.keptKey(f.name), text, nil)
	}
	if err != nil {
		return "", fault.Failedf("keep the state of stack %s before its destroy: %w", f.name, err)
	}
	return f.state.Manifest.Time.UTC().Format("2006-01-02T15:04:05Z"), nil
}

func (b *diyBackend) kept(ctx context.Context, stack, _ string) (s state, err error) {
	err = b.decode(ctx, b.keptKey(stack), &s)
	return s, err
}

func (b *diyBackend) dropKept(ctx context.Context, stack string) error {
	err := b.bucket.Delete(ctx, b.keptKey(stack))
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil
	}
	return err
}

// keep notes the state's version: Pulumi Cloud keeps every one.
func (b *cloudBackend) keep(ctx context.Context, f facts) (string, error) {
	s, err := b.find(ctx, f.name)
	if err != nil {
		return "", err
	}
	if s == nil {
		return "", overtaken(f.name, "removed")
	}
	var stack struct {
		Version int `json:"version"`
	}
	if err := b.call(ctx, http.MethodGet, b.path(*s, ""), nil, nil, &stack); err != nil {
		return "", fault.Failedf("read the version of stack %s: %w", f.name, err)
	}
	return strconv.Itoa(stack.Version), nil
}

func (b *cloudBackend) kept(ctx context.Context, stack, ref string) (state, error) {
	s, err := b.find(ctx, stack)
	if err != nil || s == nil {
		return state{}, err
	}
	var export struct {
		Deployment state `json:"deployment"`
	}
	err = b.call(ctx, http.MethodGet, b.path(*s, "/export/"+url.PathEscape(ref)), nil, nil, &export)
	return export.Deployment, err
}

// dropKept has nothing to do: the versions go with the stack.
func (b *cloudBackend) dropKept(context.Context, string) error { return nil }

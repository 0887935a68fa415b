package backend

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
	// Keep keeps f's state and returns what it is found by.
	Keep(ctx context.Context, f Facts) (ref string, err error)
	// Kept returns the state that was kept.
	Kept(ctx context.Context, stack, ref string) (State, error)
	// DropKept removes what was kept of a stack, if anything.
	DropKept(ctx context.Context, stack string) error
}

// And is s with the resources that only before has.
func (s State) And(before State) State {
	s.Resources = slices.Clone(s.Resources)
	for _, r := range before.Resources {
		same := func(x Resource) bool { return x.URN == r.URN && x.ID == r.ID }
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

func (b *diyBackend) Keep(ctx context.Context, f Facts) (string, error) {
	text, err := json.Marshal(map[string]any{"resources": f.State.Resources})
	if err == nil {
		err = b.bucket.WriteAll(ctx, b.keptKey(f.Name), text, nil)
	}
	if err != nil {
		return "", fault.Failedf("keep the state of stack %s before its destroy: %w", f.Name, err)
	}
	return f.State.Manifest.Time.UTC().Format("2006-01-02T15:04:05Z"), nil
}

func (b *diyBackend) Kept(ctx context.Context, stack, _ string) (s State, err error) {
	err = b.decode(ctx, b.keptKey(stack), &s)
	return s, err
}

func (b *diyBackend) DropKept(ctx context.Context, stack string) error {
	err := b.bucket.Delete(ctx, b.keptKey(stack))
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil
	}
	return err
}

// Keep notes the state's version: Pulumi Cloud keeps every one.
func (b *cloudBackend) Keep(ctx context.Context, f Facts) (string, error) {
	s, err := b.find(ctx, f.Name)
	if err != nil {
		return "", err
	}
	if s == nil {
		return "", JustChanged(f.Name, "removed")
	}
	var stack struct {
		Version int `json:"version"`
	}
	if err := b.call(ctx, http.MethodGet, b.path(*s, ""), nil, nil, &stack); err != nil {
		return "", fault.Failedf("read the version of stack %s: %w", f.Name, err)
	}
	return strconv.Itoa(stack.Version), nil
}

func (b *cloudBackend) Kept(ctx context.Context, stack, ref string) (State, error) {
	s, err := b.find(ctx, stack)
	if err != nil || s == nil {
		return State{}, err
	}
	var export struct {
		Deployment State `json:"deployment"`
	}
	err = b.call(ctx, http.MethodGet, b.path(*s, "/export/"+url.PathEscape(ref)), nil, nil, &export)
	return export.Deployment, err
}

// DropKept has nothing to do: the versions go with the stack.
func (b *cloudBackend) DropKept(context.Context, string) error { return nil }

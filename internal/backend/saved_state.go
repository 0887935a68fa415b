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

// stateSaver saves the state that a stack had when its destroy began. A destroy that is resumed finds only the rest in the
// state, but its receipt lists everything.
type stateSaver interface {
	// SaveState saves f's state and returns the reference for SavedState.
	SaveState(ctx context.Context, f Facts) (ref string, err error)
	// SavedState returns the state that was saved.
	SavedState(ctx context.Context, stack, ref string) (State, error)
	// DropSavedState removes the saved state of a stack, if any.
	DropSavedState(ctx context.Context, stack string) error
}

// Merge returns s with the resources that only before has.
func (s State) Merge(before State) State {
	s.Resources = slices.Clone(s.Resources)
	for _, r := range before.Resources {
		same := func(x Resource) bool { return x.URN == r.URN && x.ID == r.ID }
		if !slices.ContainsFunc(s.Resources, same) {
			s.Resources = append(s.Resources, r)
		}
	}
	return s
}

// savedStateKey returns the key of a saved state, beside Pulumi's own files. Secrets in it stay encrypted.
func (b *diyBackend) savedStateKey(stack string) string {
	return ".branchenv/destroy/" + b.project + "/" + stack + ".json"
}

func (b *diyBackend) SaveState(ctx context.Context, f Facts) (string, error) {
	text, err := json.Marshal(map[string]any{"resources": f.State.Resources})
	if err == nil {
		err = b.bucket.WriteAll(ctx, b.savedStateKey(f.Name), text, nil)
	}
	if err != nil {
		return "", fault.Failedf("keep the state of stack %s before its destroy: %w", f.Name, err)
	}
	return f.State.Manifest.Time.UTC().Format("2006-01-02T15:04:05Z"), nil
}

func (b *diyBackend) SavedState(ctx context.Context, stack, _ string) (s State, err error) {
	err = b.decode(ctx, b.savedStateKey(stack), &s)
	return s, err
}

func (b *diyBackend) DropSavedState(ctx context.Context, stack string) error {
	err := b.bucket.Delete(ctx, b.savedStateKey(stack))
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil
	}
	return err
}

// SaveState returns the version of the state: Pulumi Cloud keeps every version.
func (b *cloudBackend) SaveState(ctx context.Context, f Facts) (string, error) {
	s, err := b.find(ctx, f.Name)
	if err != nil {
		return "", err
	}
	if s == nil {
		return "", ConflictError(f.Name, "removed")
	}
	var stack struct {
		Version int `json:"version"`
	}
	if err := b.call(ctx, http.MethodGet, b.path(*s, ""), nil, nil, &stack); err != nil {
		return "", fault.Failedf("read the version of stack %s: %w", f.Name, err)
	}
	return strconv.Itoa(stack.Version), nil
}

func (b *cloudBackend) SavedState(ctx context.Context, stack, ref string) (State, error) {
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

// DropSavedState does nothing: the service removes the versions with the stack.
func (b *cloudBackend) DropSavedState(context.Context, string) error { return nil }

package stacks

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/stacks/names"
)

// Source is the repository whose branches the environments of a project are of.
type Source interface {
	// Identity asks the source which repository it is.
	Identity(ctx context.Context) (names.Repository, error)
	// String names the source as the settings do. It asks nobody.
	String() string
}

// source is a Source that is asked only once which repository it is. It may be nil inside: then there is none.
type source struct {
	Source
	mu    sync.Mutex
	known names.Repository
}

// name returns the source's name in the settings, or "" if there is no source.
func (s *source) name() string {
	if s.Source == nil {
		return ""
	}
	return s.String()
}

// identity returns which repository the source is. The zero Repository means that the source cannot be asked now, or that
// there is none; err is then nil and unknown says why. err is an answer that cannot be believed.
func (s *source) identity(ctx context.Context) (id names.Repository, unknown error, err error) {
	if s.Source == nil {
		return names.Repository{}, errors.New("no source is given"), nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known.ID != "" {
		return s.known, nil, nil
	}
	id, err = s.Identity(ctx)
	var f *fault.Error
	switch {
	case err == nil:
		s.known = id
		return id, nil, nil
	case ctx.Err() != nil, errors.As(err, &f) && f.Code != fault.Failed:
		return names.Repository{}, nil, err
	}
	return names.Repository{}, err, nil
}

// checkSource refuses, with exit code 3, a stack that follows another source than the settings name. A stack whose tags
// name no source follows this one as well as any. If the source cannot be asked, the recorded name must be the settings'
// one. f may be nil. The repository returned is the source's; its ID is "" if the source cannot be asked.
func (m Manager) checkSource(ctx context.Context, f *backend.Facts) (repository, error) {
	id, unknown, err := m.source.identity(ctx)
	r := repository{Repository: id, source: m.source.name()}
	if err != nil || f == nil || r.source == "" {
		return r, err
	}
	err = compareSource(*f, r, unknown)
	if err == nil && unknown != nil && f.Source().ID != "" {
		m.warn(f.Name, r.source+" cannot be asked whether it is still the repository that the stack follows; its name is: "+unknown.Error())
	}
	return r, err
}

// compareSource returns an error if the stack follows another source than r. unknown is why r cannot be asked; else nil.
func compareSource(f backend.Facts, r repository, unknown error) error {
	recorded := f.Source()
	switch {
	case recorded.ID == "" || recorded.ID == r.ID:
		return nil
	case r.ID != "":
		return fault.Refusedf("stack %s follows the branches of %s, and source is now %s", f.Name, recorded.Describe(), r.Describe()).
			WithHint("set source back, or give this repository another project; if its environments are to follow the new source: %s", fault.Command{"adopt", "--from", recorded.ID})
	case !strings.EqualFold(recorded.Name, r.source):
		return fault.Refusedf("stack %s follows the branches of %s, and source names %s, which cannot be asked whether it is the same: %w",
			f.Name, recorded.Describe(), r.source, unknown).WithHint("run it again when %s can be asked", r.source)
	}
	return nil
}

// checkNotDefault refuses to destroy an environment of another source, and that of the source's default branch. If neither
// the source nor a record says which branch that is, it may be main or master.
func (m Manager) checkNotDefault(ctx context.Context, f *backend.Facts, branch string) error {
	r, err := m.checkSource(ctx, f)
	if err != nil || r.source == "" {
		return err
	}
	recorded := f.Tags[names.TagDefault]
	if r.Default == "" && recorded == "" {
		application, err := m.backend.Read(ctx, names.ApplicationStack)
		if err != nil {
			return err
		}
		if application != nil {
			recorded = application.Tags[names.TagDefault]
		}
		if recorded == "" && (branch == "main" || branch == "master") {
			return fault.Refusedf("environment %s may be that of the default branch of %s, which cannot be asked now", f.Name, r.source).
				WithHint("run it again when %s can be asked; in CI, set GITHUB_TOKEN", r.source)
		}
	}
	if !r.IsDefault(branch, recorded) {
		return nil
	}
	return fault.Refusedf("environment %s is protected: %s is the default branch of %s", f.Name, branch, r.source).
		WithHint("branchenv never destroys that one; if it has to go, make another branch the default first, or use pulumi itself")
}

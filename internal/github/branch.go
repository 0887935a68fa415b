package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/branchenv/branchenv/internal/fault"
)

// Branch implements Source. GitHub also answers 404 if the token may no longer read the repository, and another repository may
// have taken its name. So a 404 counts only if the default branch still exists afterwards and the repository has the same id.
func (h *hub) Branch(ctx context.Context, name string) (Branch, bool, error) {
	ctx = withCall(ctx, &call{left: h.MaxWait})
	repo, err := h.repository(ctx)
	if err != nil {
		return Branch{}, false, err
	}
	b, found, err := h.ref(ctx, repo, name)
	if err != nil || found {
		return b, found, err
	}
	_, defaultExists, err := h.ref(ctx, repo, repo.defaultBranch)
	if err != nil {
		return Branch{}, false, err
	}
	if !defaultExists {
		return Branch{}, false, fault.Refusedf("%s shows neither branch %q of %s nor its default branch, %s", h.api.Host, line(name), repo, line(repo.defaultBranch)).
			WithHint("check whether GITHUB_TOKEN may still read the repository, and whether its default branch was renamed")
	}
	_, _, err = h.ask(ctx) // refuses another repository
	return Branch{}, false, err
}

// ref asks for one branch by its exact name.
func (h *hub) ref(ctx context.Context, repo repository, name string) (Branch, bool, error) {
	if name == "" || strings.ContainsAny(name, "\\ ~^:?*[\x7f") || strings.HasPrefix(name, "/") || strings.Contains("/"+name, "/.") {
		return Branch{}, false, fault.Usagef("%q is not a branch name", line(name))
	}
	ref, _, err := h.client.Git.GetRef(ctx, repo.owner, repo.name, "heads/"+name)
	var response *github.ErrorResponse
	if errors.As(err, &response) && response.Response.StatusCode == http.StatusNotFound {
		if response.Message != "Not Found" { // a gateway's error has the same shape
			return Branch{}, false, fault.Refusedf("%s answered 404 for the branch %q of %s with %q, where GitHub says Not Found",
				h.api.Host, line(name), repo, line(response.Message)).WithHint("%s", h.addressHint())
		}
		return Branch{}, false, nil
	}
	if err != nil {
		return Branch{}, false, fmt.Errorf("ask for the branch %q of %s: %w", line(name), repo, h.explain(err))
	}
	if ref.GetRef() != heads+name {
		return Branch{}, false, fault.Refusedf("%s answered with %q where the branch %q of %s was asked for", h.api.Host, line(ref.GetRef()), line(name), repo)
	}
	b, err := h.branch(repo, name, ref.GetObject().GetSHA(), ref.GetObject().GetURL())
	return b, err == nil, err
}

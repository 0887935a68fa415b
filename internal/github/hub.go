package github

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-github/v60/github"

	"github.com/branchenv/branchenv/internal/address"
	"github.com/branchenv/branchenv/internal/fault"
)

const (
	publicHost  = "api.github.com"
	publicAPI   = "https://" + publicHost
	maxReadings = 5    // readings of a list that changes meanwhile
	maxPages    = 1000 // pages of a hundred branches
	heads       = "refs/heads/"
)

var commitHash = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// hub is the Source that asks GitHub.
type hub struct {
	*transport
	client *github.Client
	asked  repository // owner and name as in the settings

	mu    sync.Mutex
	known repository // GitHub's last answer; zero before the first one
}

// repository is a repository on GitHub.
type repository struct {
	owner, name   string
	id            int64 // stays through renames; another repository of the same name has another one
	defaultBranch string
}

func (r repository) String() string { return r.owner + "/" + r.name }

func openHub(o Options) (Source, error) {
	owner, name, ok := address.Split(o.GitHub)
	if !ok {
		wrong, instead := address.CheckGitHub(o.GitHub)
		return nil, fault.Usagef("%q %s", line(o.GitHub), wrong).WithHint("%s", instead)
	}
	api, err := parseAPI(o.Env("GITHUB_API_URL"))
	if err != nil {
		return nil, err
	}
	token := o.Env("GITHUB_TOKEN")
	if err := checkToken(token, api); err != nil {
		return nil, err
	}
	t := &transport{Options: o, api: api, token: token, cache: &cache{dir: o.CacheDir, log: o.Log}}
	t.cache.sweep(o.now())
	client := github.NewClient(&http.Client{Transport: t, CheckRedirect: t.checkRedirect})
	client.BaseURL = api
	return &hub{transport: t, client: client, asked: repository{owner: owner, name: name}}, nil
}

// checkRedirect limits the number of redirects. accept has checked that each of them is GitHub's.
func (t *transport) checkRedirect(_ *http.Request, via []*http.Request) error {
	if len(via) >= 5 {
		return fault.Refusedf("%s redirects in circles", t.api.Host)
	}
	return nil
}

// String implements Source.
func (h *hub) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.known.owner != "" {
		return h.nameOf(h.known)
	}
	return h.nameOf(h.asked)
}

func (h *hub) nameOf(repo repository) string {
	if h.api.Host == publicHost {
		return "github.com/" + repo.String()
	}
	return h.api.Host + "/" + repo.String()
}

// Identity implements Source. If GitHub does not answer, the identity may come from the variables of GitHub Actions, without
// the default branch. So a deployment from the repository's own workflow needs no token.
func (h *hub) Identity(ctx context.Context) (Identity, error) {
	fallback, inActions := h.actionsIdentity()
	c := &call{left: h.MaxWait}
	if inActions {
		c.left = 0 // no need to wait
	}
	repo, _, err := h.ask(withCall(ctx, c))
	switch {
	case err == nil:
		return h.identity(repo.id, h.nameOf(repo), repo.defaultBranch), nil
	case inActions && fault.Code(err) == fault.Failed && ctx.Err() == nil:
		return fallback, nil
	}
	return Identity{}, err
}

// Branches implements Source. It makes one request for the repository and one for each page. GitHub answers 304 if a kept
// answer is still right, and does not count such requests of a token.
//
// The list may change while it is read. If a branch is deleted after its page was read, the first branch of the next page
// moves to that page, and is missed. So a list of several pages counts only if two readings in a row agree. The kept answers
// are such a reading: an unchanged list is read once.
func (h *hub) Branches(ctx context.Context) (List, error) {
	c := &call{left: h.MaxWait, conditional: true}
	ctx = withCall(ctx, c)
	repo, renamed, err := h.ask(ctx)
	if err != nil {
		return List{}, err
	}
	list := List{
		Identity:   h.identity(repo.id, h.nameOf(repo), repo.defaultBranch),
		Repository: repo.String(), Renamed: renamed, Default: repo.defaultBranch,
	}
	var before []string
	for range maxReadings {
		r, err := h.read(ctx, c, repo)
		if err != nil {
			return List{}, fmt.Errorf("list the branches of %s: %w", repo, err)
		}
		names := r.names()
		if r.pages == 1 || r.unchanged || before != nil && slices.Equal(before, names) {
			if name, twice := repeated(names); twice {
				return List{}, fault.Refusedf("list the branches of %s: %s names %q twice", repo, h.api.Host, line(name))
			}
			list.Branches = r.branches
			return list, nil
		}
		before = names
	}
	return List{}, fault.Refusedf("list the branches of %s: no two of %d readings agree", repo, maxReadings).
		WithHint("run the same command again when fewer branches come and go")
}

// ask asks GitHub for the repository: its current name, numeric id and default branch. ctx has a call.
func (h *hub) ask(ctx context.Context) (repo repository, renamed bool, err error) {
	r, resp, err := h.client.Repositories.Get(ctx, h.asked.owner, h.asked.name)
	if err != nil {
		return repository{}, false, fmt.Errorf("ask for the repository %s: %w", h.asked, h.explain(err))
	}
	owner, name, ok := address.Split(r.GetFullName())
	moved := resp.Request.URL.Path != h.api.JoinPath("repos", h.asked.owner, h.asked.name).Path
	switch {
	case !ok:
		return repository{}, false, fault.Refusedf("%s answered for %s with something that is not a repository", h.api.Host, h.asked).
			WithHint("%s", h.addressHint())
	case r.GetDefaultBranch() == "":
		return repository{}, false, fault.Refusedf("%s names no default branch of %s", h.api.Host, h.asked)
	}
	repo = repository{owner: owner, name: name, id: r.GetID(), defaultBranch: r.GetDefaultBranch()}
	renamed = !strings.EqualFold(repo.String(), h.asked.String())
	if renamed && !moved {
		return repository{}, false, fault.Refusedf("%s answered for %s with another repository, %s", h.api.Host, h.asked, repo)
	}
	if repo.id <= 0 {
		return repository{}, false, fault.Refusedf("%s gives no id of the repository %s", h.api.Host, h.asked).WithHint("%s", h.addressHint())
	}
	if id, ok := movedID(h.api, resp.Request.URL); ok && id != repo.id {
		return repository{}, false, fault.Refusedf("%s answered for repository %d with another, %d", h.api.Host, id, repo.id)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.known.id != 0 && h.known.id != repo.id {
		return repository{}, false, fault.Refusedf("%s is another repository than before: its id was %d and is %d now", h.asked, h.known.id, repo.id).
			WithHint("run the same command again; it reports which repository the environments follow")
	}
	if renamed && h.known.String() != repo.String() {
		h.Log(fmt.Sprintf("GitHub has moved %s to %s: correct source.github in the settings", h.asked, repo))
	}
	h.known = repo
	return repo, renamed, nil
}

// repository returns GitHub's last answer, or asks if there is none. ctx has a call.
func (h *hub) repository(ctx context.Context) (repository, error) {
	h.mu.Lock()
	repo := h.known
	h.mu.Unlock()
	if repo.owner != "" {
		return repo, nil
	}
	repo, _, err := h.ask(ctx)
	return repo, err
}

// reading is one reading of all pages of a list.
type reading struct {
	branches  []Branch // sorted by name
	pages     int
	unchanged bool // every page equals its kept answer
}

func (r reading) names() []string {
	names := make([]string, len(r.branches))
	for i, b := range r.branches {
		names[i] = b.Name
	}
	return names
}

func repeated(sorted []string) (string, bool) {
	for i := 1; i < len(sorted); i++ {
		if sorted[i] == sorted[i-1] {
			return sorted[i], true
		}
	}
	return "", false
}

func (h *hub) read(ctx context.Context, c *call, repo repository) (reading, error) {
	changed := c.changed
	options := github.BranchListOptions{ListOptions: github.ListOptions{Page: 1, PerPage: 100}}
	var r reading
	size := 0
	for {
		page, resp, err := h.client.Repositories.ListBranches(ctx, repo.owner, repo.name, &options)
		if err != nil {
			return reading{}, fmt.Errorf("page %d: %w", options.Page, h.explain(err))
		}
		for _, b := range page {
			branch, err := h.branch(repo, b.GetName(), b.GetCommit().GetSHA(), b.GetCommit().GetURL())
			if err != nil {
				return reading{}, fmt.Errorf("page %d: %w", options.Page, err)
			}
			r.branches = append(r.branches, branch)
			size += len(branch.Name)
		}
		if size > h.maxNames {
			return reading{}, fault.Refusedf("%s lists %d branches with names of more than %d bytes", h.api.Host, len(r.branches), h.maxNames)
		}
		r.pages++
		if resp.NextPage == 0 {
			break
		}
		if resp.NextPage != options.Page+1 || r.pages >= maxPages {
			return reading{}, fault.Refusedf("after page %d %s names page %d as the next", options.Page, h.api.Host, resp.NextPage)
		}
		options.Page = resp.NextPage
	}
	r.unchanged = c.changed == changed
	slices.SortFunc(r.branches, func(a, b Branch) int { return strings.Compare(a.Name, b.Name) })
	return r, nil
}

// branch checks a branch of repo and returns it. at is the API's address of its commit; "" if unknown.
func (h *hub) branch(repo repository, name, commit, at string) (Branch, error) {
	if name == "" || !commitHash.MatchString(commit) {
		return Branch{}, fault.Refusedf("%s answered with a branch %q at commit %q", h.api.Host, line(name), line(commit))
	}
	if _, path, ok := strings.Cut(at, "/repos/"); ok && !strings.HasPrefix(strings.ToLower(path), strings.ToLower(repo.String())+"/") {
		return Branch{}, fault.Refusedf("%s answered with a branch of another repository: %s", h.api.Host, line(at))
	}
	return Branch{Name: name, Commit: commit}, nil
}

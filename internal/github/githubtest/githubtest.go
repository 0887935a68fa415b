// Package githubtest serves a GitHub for tests. It has pages and ETags, counts requests, and fails or lies on demand.
package githubtest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// GitHub has one repository, by default acme/shop with the default branch main. Tests may change its fields between requests,
// or in Meddle.
type GitHub struct {
	*httptest.Server
	t testing.TB

	mu            sync.Mutex
	FullName      string
	ID            int64 // numeric id of the repository; with another id it is another repository of the same name
	Fork          bool
	Archived      bool
	DefaultBranch string
	Branches      map[string]string // commit by name
	Dates         map[string]time.Time
	Token         string // required; "" requires none
	Moved         string // a former name, which answers 301
	requests      []string
	notModified   int

	// Meddle is called before every request, with the request's number from 1. It returns true if it has answered.
	Meddle func(w http.ResponseWriter, r *http.Request, n int) bool
}

// New serves a repository with the branches, each at CommitOf its name, until the test ends.
func New(t testing.TB, branches ...string) *GitHub {
	t.Helper()
	f := &GitHub{t: t, FullName: "acme/shop", ID: 1296269, DefaultBranch: "main", Branches: map[string]string{}, Dates: map[string]time.Time{}}
	for _, name := range branches {
		f.Branches[name] = CommitOf(name)
	}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

// CommitOf returns a commit hash for a name.
func CommitOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:20])
}

// ServeHTTP answers as GitHub does.
func (f *GitHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, r.Method+" "+r.URL.RequestURI())
	if f.Meddle != nil && f.Meddle(w, r, len(f.requests)) {
		return
	}
	w.Header().Set("X-RateLimit-Limit", "5000")
	w.Header().Set("X-RateLimit-Remaining", "0") // a client must not stop by itself because of it
	w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10))
	if f.Token != "" && r.Header.Get("Authorization") != "Bearer "+f.Token {
		f.answer(w, r, http.StatusUnauthorized, map[string]string{"message": "Bad credentials"})
		return
	}
	if r.URL.Path == "/graphql" {
		f.graphQL(w, r)
		return
	}
	path, isRepo := strings.CutPrefix(r.URL.Path, "/repos/"+f.FullName)
	byIDPath := fmt.Sprintf("/repositories/%d", f.ID)
	if rest, byID := strings.CutPrefix(r.URL.Path, byIDPath); byID {
		path, isRepo = rest, true
	}
	rest, old := strings.CutPrefix(r.URL.Path, "/repos/"+f.Moved)
	switch ref, isRef := strings.CutPrefix(path, "/git/ref/heads/"); {
	case f.Moved != "" && old:
		w.Header().Set("Location", f.URL+byIDPath+rest)
		f.answer(w, r, http.StatusMovedPermanently, map[string]string{"message": "Moved Permanently", "url": f.URL + byIDPath + rest})
	case isRepo && path == "":
		f.answer(w, r, http.StatusOK, map[string]any{
			"id": f.ID, "full_name": f.FullName, "default_branch": f.DefaultBranch, "fork": f.Fork, "archived": f.Archived,
		})
	case isRepo && path == "/branches":
		f.page(w, r)
	case isRepo && isRef && f.Branches[ref] != "":
		f.answer(w, r, http.StatusOK, f.ref(ref))
	case isRepo && strings.HasPrefix(path, "/git/commits/") && !f.Dates[path[len("/git/commits/"):]].IsZero():
		sha := path[len("/git/commits/"):]
		f.answer(w, r, http.StatusOK, map[string]any{"sha": sha, "committer": map[string]any{"date": f.Dates[sha]}})
	default:
		f.answer(w, r, http.StatusNotFound, map[string]string{"message": "Not Found"})
	}
}

func (f *GitHub) ref(name string) map[string]any {
	return map[string]any{"ref": "refs/heads/" + name, "object": map[string]string{"type": "commit", "sha": f.Branches[name]}}
}

func (f *GitHub) page(w http.ResponseWriter, r *http.Request) {
	number, _ := strconv.Atoi(r.URL.Query().Get("page"))
	size, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
	if size == 0 {
		size = 30
	}
	number, size = max(number, 1), min(size, 100)
	names := slices.Sorted(maps.Keys(f.Branches))
	from, to := min((number-1)*size, len(names)), min(number*size, len(names))
	page := []map[string]any{}
	for _, name := range names[from:to] {
		page = append(page, map[string]any{"name": name, "commit": map[string]string{
			"sha": f.Branches[name], "url": f.URL + "/repos/" + f.FullName + "/commits/" + f.Branches[name],
		}})
	}
	if to < len(names) {
		next := url.URL{Path: r.URL.Path, RawQuery: fmt.Sprintf("per_page=%d&page=%d", size, number+1)}
		w.Header().Set("Link", fmt.Sprintf(`<%s%s>; rel="next"`, f.URL, next.String()))
	}
	f.answer(w, r, http.StatusOK, page)
}

func (f *GitHub) graphQL(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Query string }
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		f.t.Errorf("GraphQL query: %v", err)
	}
	found := map[string]any{}
	for part := range strings.SplitSeq(asked.Query, " c") {
		alias, rest, ok := strings.Cut(part, `: object(oid: "`)
		if sha, _, _ := strings.Cut(rest, `"`); ok && !f.Dates[sha].IsZero() {
			found["c"+alias] = map[string]any{"oid": sha, "committedDate": f.Dates[sha]}
		} else if ok {
			found["c"+alias] = nil
		}
	}
	f.answer(w, r, http.StatusOK, map[string]any{"data": map[string]any{"repository": found}})
}

func (f *GitHub) answer(w http.ResponseWriter, r *http.Request, status int, content any) {
	body, err := json.Marshal(content)
	if err != nil {
		f.t.Errorf("answer: %v", err)
	}
	sum := sha256.Sum256(append(slices.Clone(body), w.Header().Get("Link")...))
	etag := `W/"` + hex.EncodeToString(sum[:]) + `"`
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "private, max-age=60, s-maxage=60")
	w.Header().Set("Vary", "Accept, Authorization, Cookie")
	if status == http.StatusOK {
		w.Header().Set("ETag", etag)
		if r.Header.Get("If-None-Match") == etag {
			f.notModified++
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// Taken returns the requests since its last call, and how many of them were answered 304.
func (f *GitHub) Taken() (requests []string, notModified int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	requests, notModified = f.requests, f.notModified
	f.requests, f.notModified = nil, 0
	return requests, notModified
}

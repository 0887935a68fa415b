package github

import (
	"context"
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

// fake is a GitHub with one repository: it pages, tells ETags and counts requests, and a test may have it fail or lie.
type fake struct {
	*httptest.Server
	t *testing.T

	mu            sync.Mutex
	fullName      string
	defaultBranch string
	branches      map[string]string // commit by name
	dates         map[string]time.Time
	token         string // that it wants; "" wants none
	moved         string // the name that answers 301
	requests      []string
	notModified   int

	// meddle is asked before every request, counted from 1; true means that it has answered.
	meddle func(w http.ResponseWriter, r *http.Request, n int) bool
}

func newFake(t *testing.T, branches ...string) *fake {
	t.Helper()
	f := &fake{t: t, fullName: "acme/shop", defaultBranch: "main", branches: map[string]string{}, dates: map[string]time.Time{}}
	for _, name := range branches {
		f.branches[name] = commitOf(name)
	}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

// commitOf is a commit hash for a name.
func commitOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:20])
}

// many are n branches, main among them.
func many(n int) []string {
	names := []string{"main"}
	for i := 1; i < n; i++ {
		names = append(names, fmt.Sprintf("feature/%05d", i))
	}
	return names
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, r.Method+" "+r.URL.RequestURI())
	if f.meddle != nil && f.meddle(w, r, len(f.requests)) {
		return
	}
	w.Header().Set("X-RateLimit-Limit", "5000")
	w.Header().Set("X-RateLimit-Remaining", "0") // of which a client must make nothing by itself
	w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10))
	if f.token != "" && r.Header.Get("Authorization") != "Bearer "+f.token {
		f.answer(w, r, http.StatusUnauthorized, map[string]string{"message": "Bad credentials"})
		return
	}
	if r.URL.Path == "/graphql" {
		f.graphQL(w, r)
		return
	}
	path, isRepo := strings.CutPrefix(r.URL.Path, "/repos/"+f.fullName)
	if rest, byID := strings.CutPrefix(r.URL.Path, "/repositories/1296269"); byID {
		path, isRepo = rest, true
	}
	rest, old := strings.CutPrefix(r.URL.Path, "/repos/"+f.moved)
	switch ref, isRef := strings.CutPrefix(path, "/git/ref/heads/"); {
	case f.moved != "" && old:
		w.Header().Set("Location", f.URL+"/repositories/1296269"+rest)
		f.answer(w, r, http.StatusMovedPermanently, map[string]string{"message": "Moved Permanently"})
	case isRepo && path == "":
		f.answer(w, r, http.StatusOK, map[string]any{"id": 1296269, "full_name": f.fullName, "default_branch": f.defaultBranch})
	case isRepo && path == "/branches":
		f.page(w, r)
	case isRepo && isRef && f.branches[ref] != "":
		f.answer(w, r, http.StatusOK, f.ref(ref))
	case isRepo && strings.HasPrefix(path, "/git/commits/") && !f.dates[path[len("/git/commits/"):]].IsZero():
		sha := path[len("/git/commits/"):]
		f.answer(w, r, http.StatusOK, map[string]any{"sha": sha, "committer": map[string]any{"date": f.dates[sha]}})
	default:
		f.answer(w, r, http.StatusNotFound, map[string]string{"message": "Not Found"})
	}
}

func (f *fake) ref(name string) map[string]any {
	return map[string]any{"ref": heads + name, "object": map[string]string{"type": "commit", "sha": f.branches[name]}}
}

func (f *fake) page(w http.ResponseWriter, r *http.Request) {
	number, _ := strconv.Atoi(r.URL.Query().Get("page"))
	size, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
	if size == 0 {
		size = 30
	}
	number, size = max(number, 1), min(size, 100)
	names := slices.Sorted(maps.Keys(f.branches))
	from, to := min((number-1)*size, len(names)), min(number*size, len(names))
	page := []map[string]any{}
	for _, name := range names[from:to] {
		page = append(page, map[string]any{"name": name, "commit": map[string]string{
			"sha": f.branches[name], "url": f.URL + "/repos/" + f.fullName + "/commits/" + f.branches[name],
		}})
	}
	if to < len(names) {
		next := url.URL{Path: r.URL.Path, RawQuery: fmt.Sprintf("per_page=%d&page=%d", size, number+1)}
		w.Header().Set("Link", fmt.Sprintf(`<%s%s>; rel="next"`, f.URL, next.String()))
	}
	f.answer(w, r, http.StatusOK, page)
}

func (f *fake) graphQL(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Query string }
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		f.t.Errorf("GraphQL query: %v", err)
	}
	found := map[string]any{}
	for part := range strings.SplitSeq(asked.Query, " c") {
		alias, rest, ok := strings.Cut(part, `: object(oid: "`)
		if sha, _, _ := strings.Cut(rest, `"`); ok && !f.dates[sha].IsZero() {
			found["c"+alias] = map[string]any{"oid": sha, "committedDate": f.dates[sha]}
		} else if ok {
			found["c"+alias] = nil
		}
	}
	f.answer(w, r, http.StatusOK, map[string]any{"data": map[string]any{"repository": found}})
}

func (f *fake) answer(w http.ResponseWriter, r *http.Request, status int, content any) {
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

// taken is the requests since the last time, and how many of them were answered 304.
func (f *fake) taken() (requests []string, notModified int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	requests, notModified = f.requests, f.notModified
	f.requests, f.notModified = nil, 0
	return requests, notModified
}

// asker is a Source that asks the fake, and what was logged and waited.
type asker struct {
	Source
	mu     sync.Mutex
	logged []string
	waited []time.Duration
}

// open makes a Source over the fake that waits in no time. change may be nil.
func (f *fake) open(change func(*Options)) *asker {
	f.t.Helper()
	a := &asker{}
	env := map[string]string{"GITHUB_API_URL": f.URL, "GITHUB_TOKEN": f.token}
	o := Options{
		GitHub: "acme/shop",
		Env:    func(name string) string { return env[name] },
		Log: func(s string) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.logged = append(a.logged, s)
		},
		sleep: func(ctx context.Context, d time.Duration) error {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.waited = append(a.waited, d)
			return ctx.Err()
		},
	}
	if change != nil {
		change(&o)
	}
	source, err := Open(o)
	if err != nil {
		f.t.Fatal(err)
	}
	a.Source = source
	return a
}

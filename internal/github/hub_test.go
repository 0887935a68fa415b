package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/fault"
)

func branchesOf(names ...string) []Branch {
	var out []Branch
	for _, name := range slices.Sorted(slices.Values(names)) {
		out = append(out, Branch{Name: name, Commit: commitOf(name)})
	}
	return out
}

func TestBranchesAreAllPages(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 30, 100, 101, 300, 1000} {
		f := newFake(t, many(n)...)
		f.Token = "secret"
		got, err := f.open(nil).Branches(t.Context())
		if err != nil {
			t.Fatalf("%d branches: %v", n, err)
		}
		want := List{Identity: f.identity(), Repository: "acme/shop", Default: "main", Branches: branchesOf(many(n)...)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d branches (-want +got):\n%s", n, diff)
		}
	}
}

// TestRequests counts the requests of a list. An unchanged list takes one for the repository and one for each page, all answered
// 304.
func TestRequests(t *testing.T) {
	t.Parallel()
	f := newFake(t, many(1000)...)
	f.Token = "secret"
	dir := filepath.Join(t.TempDir(), "cache")
	run := func() (requests, unchanged int) {
		t.Helper()
		list, err := f.open(func(o *Options) { o.CacheDir = dir }).Branches(t.Context())
		if err != nil || len(list.Branches) != len(f.Branches) {
			t.Fatalf("%d branches, %v; want %d", len(list.Branches), err, len(f.Branches))
		}
		made, unchanged := f.Taken()
		return len(made), unchanged
	}
	type cost struct{ Requests, Unchanged int }
	var got []cost
	for range 2 {
		r, u := run()
		got = append(got, cost{r, u})
	}
	f.Branches["zzz"] = commitOf("zzz")
	r, u := run()
	got = append(got, cost{r, u})
	// The first reading of a list of several pages is repeated, as is one that changed. The repetition is free: 304.
	want := []cost{{21, 10}, {11, 11}, {23, 21}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 12 {
		t.Errorf("%d files are kept, %v; want 12", len(files), err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil || strings.Contains(string(text), "secret") {
			t.Errorf("%s holds the token, or cannot be read: %v", path, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want mode 0600", path, info.Mode(), err)
		}
	}
}

func TestDamagedCacheDoesNotHurt(t *testing.T) {
	t.Parallel()
	damages := map[string]func(path string, text []byte) error{
		"cut":        func(path string, text []byte) error { return os.WriteFile(path, text[:len(text)/2], 0o600) },
		"empty":      func(path string, _ []byte) error { return os.WriteFile(path, nil, 0o600) },
		"other JSON": func(path string, _ []byte) error { return os.WriteFile(path, []byte(`[1]`), 0o600) },
		"one letter": func(path string, text []byte) error {
			i := strings.Index(string(text), `"body":"`) + 20
			text[i] ^= 1
			return os.WriteFile(path, text, 0o600)
		},
		"a folder": func(path string, _ []byte) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.Mkdir(path, 0o700)
		},
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, many(150)...)
			dir := t.TempDir()
			for range 3 {
				got, err := f.open(func(o *Options) { o.CacheDir = dir }).Branches(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(branchesOf(many(150)...), got.Branches); diff != "" {
					t.Fatal(diff)
				}
				files, _ := filepath.Glob(filepath.Join(dir, "*.json"))
				if len(files) == 0 {
					t.Fatal("nothing is kept")
				}
				for _, path := range files {
					if text, err := os.ReadFile(path); err == nil {
						if err := damage(path, text); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
		})
	}
	t.Run("no folder", func(t *testing.T) {
		t.Parallel()
		f := newFake(t, many(150)...)
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		a := f.open(func(o *Options) { o.CacheDir = filepath.Join(file, "cache") })
		if got, err := a.Branches(t.Context()); err != nil || len(got.Branches) != 150 {
			t.Errorf("%d branches, %v", len(got.Branches), err)
		}
		if len(a.logged) != 1 || !strings.HasPrefix(a.logged[0], "answers are not kept for the next run") {
			t.Errorf("logged %q; want one complaint", a.logged)
		}
	})
}

// answerWith returns a Meddle that answers request n (0 is every one) if its path ends in suffix.
func answerWith(n int, suffix string, status int, headers map[string]string, body string) func(http.ResponseWriter, *http.Request, int) bool {
	seen := 0
	return func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if !strings.HasSuffix(r.URL.Path, suffix) {
			return false
		}
		if seen++; n != 0 && seen != n {
			return false
		}
		if strings.HasPrefix(body, "{") {
			w.Header().Set("Content-Type", "application/json; charset=utf-8") // unless headers say otherwise
		}
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
		return true
	}
}

// TestFaults checks that a list is complete or an error under all faults, and that the error has the right code and text.
func TestFaults(t *testing.T) {
	t.Parallel()
	asJSON := map[string]string{"Content-Type": "application/json; charset=utf-8"}
	asHTML := map[string]string{"Content-Type": "text/html"}
	soon := time.Now().Add(20 * time.Minute)
	tests := map[string]struct {
		meddle func(http.ResponseWriter, *http.Request, int) bool
		code   int
		want   string // in the error
	}{
		"empty 200":              {answerWith(0, "/branches", 200, asJSON, ""), fault.Refused, "answered 200 with nothing"},
		"blank 200 on page 2":    {answerWith(2, "/branches", 200, asJSON, " \n"), fault.Refused, "page 2: HOST answered 200 with nothing"},
		"empty 200 for repo":     {answerWith(0, "/shop", 200, asJSON, ""), fault.Refused, "answered 200 with nothing"},
		"HTML 200":               {answerWith(0, "/branches", 200, asHTML, "<html>log in</html>"), fault.Refused, "answered 200 with text/html and not JSON"},
		"HTML 200 on page 3":     {answerWith(3, "/branches", 200, asHTML, "<html>"), fault.Refused, "page 3: HOST answered 200 with text/html and not JSON"},
		"truncated JSON":         {answerWith(2, "/branches", 200, asJSON, `[{"name":"main","commit":{"sha":"`), fault.Refused, "incomplete or invalid JSON"},
		"two documents":          {answerWith(2, "/branches", 200, asJSON, `[][]`), fault.Refused, "incomplete or invalid JSON"},
		"an object":              {answerWith(2, "/branches", 200, asJSON, `{"message":"ok"}`), fault.Refused, "an unexpected answer"},
		"null commit":            {answerWith(2, "/branches", 200, asJSON, `[{"name":"main","commit":null}]`), fault.Refused, `a branch "main" at commit ""`},
		"no name":                {answerWith(2, "/branches", 200, asJSON, `[{}]`), fault.Refused, `a branch "" at commit ""`},
		"breaks off":             {answerWith(0, "/branches", 200, map[string]string{"Content-Length": "5000"}, "["), fault.Failed, "ended its answer too early: unexpected EOF"},
		"500 on page 2":          {always(500, "page=2"), fault.Failed, "page 2: HOST answered 500 Internal Server Error"},
		"502 with HTML":          {answerWith(0, "/branches", 502, asHTML, "<html>bad gateway"), fault.Failed, "answered 502 Bad Gateway"},
		"401":                    {answerWith(0, "/shop", 401, asJSON, `{"message":"Bad credentials"}`), fault.Failed, "answered 401 Unauthorized: Bad credentials"},
		"404":                    {answerWith(0, "/shop", 404, asJSON, `{"message":"Not Found"}`), fault.Failed, "answered 404 Not Found"},
		"404 on page 2":          {always(404, "page=2"), fault.Refused, "page 2: HOST answered 404 Not Found with nothing, which is not GitHub's error"},
		"404 with HTML":          {answerWith(0, "/shop", 404, asHTML, "<html>"), fault.Refused, "answered 404 Not Found with text/html"},
		"403 with HTML":          {answerWith(0, "/branches", 403, asHTML, "<html>Rate limit"), fault.Refused, "answered 403 Forbidden with text/html"},
		"403, HTML, and a wait":  {answerWith(0, "/branches", 403, map[string]string{"Content-Type": "text/html", "Retry-After": "1"}, "<html>"), fault.Refused, "answered 403 Forbidden with text/html"},
		"451":                    {answerWith(0, "/shop", 451, asJSON, `{"message":"Repository access blocked"}`), fault.Failed, "answered 451"},
		"move to another id":     {movedElsewhere, fault.Refused, "answered for repository 8 with another, 1296269"},
		"move without JSON":      {answerWith(0, "/shop", 301, map[string]string{"Location": "/repositories/1296269"}, ""), fault.Refused, "redirects to /repositories/1296269, which is not how GitHub moves a repository"},
		"move to a name":         {answerWith(0, "/shop", 301, map[string]string{"Location": "/repos/acme/other"}, moved301), fault.Refused, "redirects to /repos/acme/other, which is not how GitHub moves a repository"},
		"reset in the past":      {limited(403, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1000000000"}), fault.Failed, "too many requests, again after 2 waits as long as it asked for"},
		"retry-after 0 for ever": {limited(429, map[string]string{"Retry-After": "0"}), fault.Failed, "2 waits"},
		"403":                    {answerWith(0, "/branches", 403, asJSON, `{"message":"Resource not accessible by integration"}`), fault.Failed, "answered 403 Forbidden: Resource not accessible by integration"},
		"304 unasked":            {answerWith(0, "/branches", 304, nil, ""), fault.Refused, "nothing changed to a request that did not ask for it"},
		"202":                    {answerWith(0, "/branches", 202, asJSON, `{}`), fault.Refused, "answered 202"},
		"204":                    {answerWith(0, "/branches", 204, nil, ``), fault.Refused, "answered 204"},
		"other repository":       {answerWith(0, "/shop", 200, asJSON, `{"full_name":"acme/other","default_branch":"main"}`), fault.Refused, "answered for acme/shop with another repository, acme/other"},
		"no repository":          {answerWith(0, "/shop", 200, asJSON, `{"message":"hello"}`), fault.Refused, "something that is not a repository"},
		"no default branch":      {answerWith(0, "/shop", 200, asJSON, `{"full_name":"acme/shop"}`), fault.Refused, "names no default branch"},
		"branches of another":    {answerWith(0, "/branches", 200, asJSON, `[{"name":"main","commit":{"sha":"`+commitOf("x")+`","url":"https://api.github.com/repos/acme/other/commits/1"}}]`), fault.Refused, "a branch of another repository"},
		"one page for ever":      {answerWith(0, "/branches", 200, map[string]string{"Link": `<http://x/y?page=2>; rel="next"`}, `[]`), fault.Refused, "after page 2 HOST names page 2 as the next"},
		"the same page twice":    {samePage, fault.Refused, `names "feature/00001" twice`},
		"redirect to elsewhere":  {answerWith(0, "/shop", 301, map[string]string{"Location": "https://example.org/x"}, ""), fault.Refused, "redirects to another server, example.org"},
		"redirects in circles":   {inCircles, fault.Refused, "redirects in circles"},
		"limit past the bound":   {limited(403, map[string]string{"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": fmt.Sprint(soon.Unix())}), fault.Failed, "0 of 5000 requests are left until " + soon.UTC().Format("15:04:05 UTC")},
		"retry-after too long":   {limited(429, map[string]string{"Retry-After": "3600"}), fault.Failed, "answered 429: too many requests; it asks to wait 1h0m0s, and branchenv waits at most 5m0s in all"},
		"secondary for ever":     {answerWith(0, "/branches", 403, asJSON, `{"message":"You have exceeded a secondary rate limit"}`), fault.Failed, "You have exceeded a secondary rate limit"},
		"control characters":     {answerWith(0, "/shop", 401, asJSON, `{"message":"a\u001b[31m\nb\u202e"}`), fault.Failed, "401 Unauthorized: a b"},
		"a token in the message": {answerWith(0, "/shop", 401, asJSON, `{"message":"see https://x:secret@example.org/?token=secret"}`), fault.Failed, "see https://example.org/"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, many(250)...)
			f.Meddle = test.meddle
			list, err := f.open(nil).Branches(t.Context())
			want := strings.ReplaceAll(test.want, "HOST", strings.TrimPrefix(f.URL, "http://"))
			if err == nil || !strings.Contains(err.Error(), want) || fault.Code(err) != test.code {
				t.Fatalf("error %v, code %d; want %q, code %d", err, fault.Code(err), want, test.code)
			}
			if !cmp.Equal(list, List{}) {
				t.Errorf("a part of a list came with the error: %+v", list)
			}
			if strings.ContainsAny(err.Error(), "\n\x1b") || strings.Contains(err.Error(), "secret@") || strings.Contains(err.Error(), "=secret") {
				t.Errorf("the error is not clean: %q", err)
			}
		})
	}
}

// moved301 is GitHub's answer for a repository that has moved.
const moved301 = `{"message":"Moved Permanently","url":"https://api.github.com/repositories/1296269"}`

func inCircles(w http.ResponseWriter, r *http.Request, n int) bool {
	return answerWith(0, "", 301, map[string]string{"Location": "/repositories/1296269"}, moved301)(w, r, n)
}

// movedElsewhere redirects to an id that shows another repository.
func movedElsewhere(w http.ResponseWriter, r *http.Request, n int) bool {
	return answerWith(0, "/shop", 301, map[string]string{"Location": "/repositories/8"}, moved301)(w, r, n) ||
		answerWith(0, "/repositories/8", 200, nil, `{"id":1296269,"full_name":"acme/other","default_branch":"main"}`)(w, r, n)
}

// always returns a Meddle that answers requests whose query contains part.
func always(status int, part string) func(http.ResponseWriter, *http.Request, int) bool {
	return func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if !strings.HasPrefix(r.URL.RawQuery, part) {
			return false
		}
		w.WriteHeader(status)
		return true
	}
}

// samePage returns page 1 for every page, and says that there are three.
func samePage(w http.ResponseWriter, r *http.Request, _ int) bool {
	if !strings.HasSuffix(r.URL.Path, "/branches") {
		return false
	}
	if n := r.URL.Query().Get("page"); n < "3" {
		w.Header().Set("Link", fmt.Sprintf(`<http://x/y?page=%c>; rel="next"`, n[0]+1))
	}
	_, _ = fmt.Fprintf(w, `[{"name":"feature/00001","commit":{"sha":%q}}]`, commitOf("x"))
	return true
}

func limited(status int, headers map[string]string) func(http.ResponseWriter, *http.Request, int) bool {
	return answerWith(0, "/branches", status, headers, `{"message":"API rate limit exceeded"}`)
}

// A passingFailure is what the server does once, and how long the client then waits.
type passingFailure struct {
	meddle   func(http.ResponseWriter, *http.Request, int) bool
	min, max time.Duration // of the one wait
}

// passingFailures returns failures by name. Those that name a time name reset.
func passingFailures(reset time.Time) map[string]passingFailure {
	return map[string]passingFailure{
		"500 once":            {answerWith(2, "/branches", 500, nil, ""), time.Second, 2 * time.Second},
		"broken off once":     {answerWith(2, "/branches", 200, map[string]string{"Content-Length": "9"}, "["), time.Second, 2 * time.Second},
		"retry-after":         {answerWith(2, "/branches", 403, map[string]string{"Retry-After": "30"}, `{"message":"wait"}`), 30 * time.Second, 34 * time.Second},
		"429 with retry":      {answerWith(2, "/branches", 429, map[string]string{"Retry-After": "30"}, ""), 30 * time.Second, 34 * time.Second},
		"429 bare":            {answerWith(2, "/branches", 429, nil, ""), time.Minute, 67 * time.Second},
		"primary with reset":  {answerWith(2, "/branches", 403, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": fmt.Sprint(reset.Unix())}, `{"message":"API rate limit exceeded"}`), 90 * time.Second, 113 * time.Second},
		"429 primary":         {answerWith(2, "/branches", 429, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": fmt.Sprint(reset.Unix())}, ""), 90 * time.Second, 113 * time.Second},
		"secondary by word":   {answerWith(2, "/branches", 403, nil, `{"message":"You have exceeded a secondary rate limit."}`), time.Minute, 67 * time.Second},
		"retry-after as date": {answerWith(2, "/branches", 429, map[string]string{"Retry-After": reset.UTC().Format(http.TimeFormat)}, ""), 90 * time.Second, 112 * time.Second},
	}
}

func TestPassingFailures(t *testing.T) {
	t.Parallel()
	for name := range passingFailures(time.Time{}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test := passingFailures(time.Now().Add(100 * time.Second))[name]
			f := newFake(t, many(250)...)
			f.Meddle = test.meddle
			a := f.open(nil)
			got, err := a.Branches(t.Context())
			if err != nil || len(got.Branches) != 250 {
				t.Fatalf("%d branches, %v", len(got.Branches), err)
			}
			if len(a.waited) != 1 || a.waited[0] < test.min || a.waited[0] > test.max {
				t.Errorf("waited %v; want once, %s to %s", a.waited, test.min, test.max)
			}
		})
	}
}

// TestListThatChanges adds and removes branches between two pages, which moves others across the border of the pages.
func TestListThatChanges(t *testing.T) {
	t.Parallel()
	t.Run("a branch vanishes between pages", func(t *testing.T) {
		t.Parallel()
		f := newFake(t, many(250)...)
		f.Meddle = func(_ http.ResponseWriter, r *http.Request, n int) bool {
			if n == 3 { // between the first page and the second
				delete(f.Branches, "feature/00001")
			}
			return false
		}
		got, err := f.open(nil).Branches(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := slices.DeleteFunc(branchesOf(many(250)...), func(b Branch) bool { return b.Name == "feature/00001" })
		if diff := cmp.Diff(want, got.Branches); diff != "" {
			t.Errorf("branches (-want +got):\n%s", diff)
		}
	})
	t.Run("a branch comes between pages", func(t *testing.T) {
		t.Parallel()
		f := newFake(t, many(250)...)
		f.Meddle = func(_ http.ResponseWriter, r *http.Request, n int) bool {
			if n == 3 {
				f.Branches["a"] = commitOf("a")
			}
			return false
		}
		got, err := f.open(nil).Branches(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(branchesOf(append(many(250), "a")...), got.Branches); diff != "" {
			t.Errorf("branches (-want +got):\n%s", diff)
		}
	})
	t.Run("it never rests", func(t *testing.T) {
		t.Parallel()
		f := newFake(t, many(250)...)
		f.Meddle = func(_ http.ResponseWriter, r *http.Request, n int) bool {
			f.Branches[fmt.Sprint("new-", n)] = commitOf("new")
			return false
		}
		_, err := f.open(nil).Branches(t.Context())
		if err == nil || !strings.Contains(err.Error(), "no two of 5 readings agree") || fault.Code(err) != fault.Refused {
			t.Errorf("error %v", err)
		}
	})
}

func TestEmptyListIsTold(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	got, err := f.open(nil).Branches(t.Context())
	if want := (List{Identity: f.identity(), Repository: "acme/shop", Default: "main"}); err != nil || !cmp.Equal(want, got) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}

func TestMovedRepository(t *testing.T) {
	t.Parallel()
	f := newFake(t, many(150)...)
	f.Token, f.Moved, f.FullName = "secret", "acme/shop", "bigcorp/store"
	a := f.open(nil)
	got, err := a.Branches(t.Context())
	want := List{Identity: f.identity(), Repository: "bigcorp/store", Renamed: true, Default: "main", Branches: branchesOf(many(150)...)}
	if err != nil || !cmp.Equal(want, got) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if _, found, err := a.Branch(t.Context(), "gone"); found || err != nil {
		t.Errorf("a branch that is gone: %t, %v", found, err)
	}
	if diff := cmp.Diff([]string{"GitHub has moved acme/shop to bigcorp/store: correct source.github in the settings"}, a.logged); diff != "" {
		t.Errorf("logged (-want +got):\n%s", diff)
	}
}

// TestTokenStaysAtHome checks that no other server sees the token, even after GitHub's redirect.
func TestTokenStaysAtHome(t *testing.T) {
	t.Parallel()
	other := newFake(t, many(5)...)
	f := newFake(t, many(5)...)
	f.Token = "secret"
	f.Meddle = answerWith(0, "/shop", 302, map[string]string{"Location": other.URL + "/repos/acme/shop"}, "")
	if _, err := f.open(nil).Branches(t.Context()); err == nil {
		t.Error("another server was asked")
	}
	if requests, _ := other.Taken(); len(requests) != 0 {
		t.Errorf("another server was asked %q", requests)
	}
}

// odd are branch names with characters that are special in URLs, JSON, patterns or shells.
var odd = []string{
	"main", "feature/login", "a#b", "100%", "50%25", "what=so&x", "plus+plus", "ü/ñ/日本語", "emoji-🚀", "semi;colon", "quote'\"",
	"$(touch-x)", "`x`", "a|b", "<b>", "{x}", "refs/heads/main", "refs/heads/refs/heads/x", "heads/main", "UPPER", "a@b", "x,y", "!", "(", "-",
}

// TestLongNames checks that long names are exact, that errors about them are short, and that an endless list is refused.
func TestLongNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100_000)
	f := newFake(t, "main", long, long+"y")
	got, err := f.open(nil).Branches(t.Context())
	if err != nil || !cmp.Equal(branchesOf("main", long, long+"y"), got.Branches) {
		t.Errorf("%d branches, %v", len(got.Branches), err)
	}
	for name, a := range map[string]*asker{
		"too much":  f.open(func(o *Options) { o.maxNames = 150_000 }),
		"twice":     newMeddled(t, answerWith(0, "/branches", 200, nil, fmt.Sprintf(`[{"name":%[1]q,"commit":{"sha":%[2]q}},{"name":%[1]q,"commit":{"sha":%[2]q}}]`, long, commitOf("x")))).open(nil),
		"no commit": newMeddled(t, answerWith(0, "/branches", 200, nil, fmt.Sprintf(`[{"name":%q}]`, long))).open(nil),
	} {
		if _, err := a.Branches(t.Context()); fault.Code(err) != fault.Refused || len(err.Error()) > 1000 {
			t.Errorf("%s: code %d, an error of %d bytes", name, fault.Code(err), len(fmt.Sprint(err)))
		}
	}
	if _, _, err := f.open(nil).Branch(t.Context(), long+"?"); err == nil || len(err.Error()) > 1000 {
		t.Errorf("no name: %d bytes", len(fmt.Sprint(err)))
	}
}

func newMeddled(t *testing.T, meddle func(http.ResponseWriter, *http.Request, int) bool) *fake {
	t.Helper()
	f := newFake(t, "main")
	f.Meddle = meddle
	return f
}

func TestBranch(t *testing.T) {
	t.Parallel()
	f := newFake(t, odd[:len(odd)-1]...)
	a := f.open(nil)
	for _, name := range odd[:len(odd)-1] {
		got, found, err := a.Branch(t.Context(), name)
		if want := (Branch{Name: name, Commit: commitOf(name)}); err != nil || !found || got != want {
			t.Errorf("%q: %+v, %t, %v; want %+v", name, got, found, err, want)
		}
	}
	for _, name := range []string{"gone", "feature", "main/x", "Main", "a", "50%", "100%25"} {
		if got, found, err := a.Branch(t.Context(), name); err != nil || found {
			t.Errorf("%q: %+v, %t, %v; want not found", name, got, found, err)
		}
	}
	for _, name := range []string{"", "a b", "a?b", "a:b", "../x", "/x", "a/../b"} {
		if _, _, err := a.Branch(t.Context(), name); fault.Code(err) != fault.Usage {
			t.Errorf("%q: %v; want an error of usage", name, err)
		}
	}
}

// TestBranchFaults checks that a branch is gone only if GitHub says so while it still shows the default branch.
func TestBranchFaults(t *testing.T) {
	t.Parallel()
	asHTML := map[string]string{"Content-Type": "text/html"}
	asJSON := map[string]string{"Content-Type": "application/json"}
	tests := map[string]struct {
		meddle func(http.ResponseWriter, *http.Request, int) bool
		code   int
		want   string
	}{
		"lost access":        {always404, fault.Refused, `shows neither branch "gone" of acme/shop nor its default branch, main`},
		"empty 200":          {answerWith(0, "/gone", 200, asJSON, ""), fault.Refused, "answered 200 with nothing"},
		"HTML 200":           {answerWith(0, "/gone", 200, map[string]string{"Content-Type": "text/html"}, "<html>"), fault.Refused, "text/html"},
		"prefix matches":     {answerWith(0, "/gone", 200, asJSON, `[{"ref":"refs/heads/gone-2","object":{"sha":"`+commitOf("x")+`"}}]`), fault.Refused, "an unexpected answer"},
		"another branch":     {answerWith(0, "/gone", 200, asJSON, `{"ref":"refs/heads/gone-2","object":{"sha":"`+commitOf("x")+`"}}`), fault.Refused, `answered with "refs/heads/gone-2" where the branch "gone"`},
		"no commit":          {answerWith(0, "/gone", 200, asJSON, `{"ref":"refs/heads/gone"}`), fault.Refused, `at commit ""`},
		"500":                {answerWith(0, "/gone", 500, nil, ""), fault.Failed, "answered 500"},
		"403":                {answerWith(0, "/gone", 403, asJSON, `{"message":"no"}`), fault.Failed, "answered 403 Forbidden: no"},
		"410":                {answerWith(0, "/gone", 410, asJSON, `{"message":"Gone"}`), fault.Failed, "answered 410 Gone"},
		"451":                {answerWith(0, "/gone", 451, asJSON, `{"message":"Repository access blocked"}`), fault.Failed, "answered 451 Unavailable For Legal Reasons: Repository access blocked"},
		"404 with HTML":      {answerWith(0, "/gone", 404, asHTML, "<html>not found"), fault.Refused, "answered 404 Not Found with text/html and not JSON, which is not GitHub's error"},
		"404 with nothing":   {answerWith(0, "/gone", 404, nil, ""), fault.Refused, "answered 404 Not Found with nothing"},
		"404, JSON type":     {answerWith(0, "/gone", 404, asJSON, "<html>"), fault.Refused, "incomplete or invalid JSON"},
		"404 as text":        {answerWith(0, "/gone", 404, map[string]string{"Content-Type": "text/plain"}, `{"message":"Not Found"}`), fault.Refused, "text/plain and not JSON"},
		"404, no message":    {answerWith(0, "/gone", 404, asJSON, `{"error":"Not Found"}`), fault.Refused, "with other JSON, which is not GitHub's error"},
		"404, empty message": {answerWith(0, "/gone", 404, asJSON, `{"message":""}`), fault.Refused, "with other JSON, which is not GitHub's error"},
		"404, a list":        {answerWith(0, "/gone", 404, asJSON, `["Not Found"]`), fault.Refused, "with other JSON, which is not GitHub's error"},
		"404 of a gateway":   {answerWith(0, "/gone", 404, asJSON, `{"message":"no Route matched with those values"}`), fault.Refused, `with "no Route matched with those values", where GitHub says Not Found`},
		"403 with HTML":      {answerWith(0, "/gone", 403, asHTML, "<html>log in; rate limit"), fault.Refused, "answered 403 Forbidden with text/html"},
		"401 with HTML":      {answerWith(0, "/gone", 401, asHTML, "<html>log in"), fault.Refused, "answered 401 Unauthorized with text/html"},
		"410 with HTML":      {answerWith(0, "/gone", 410, asHTML, "<html>gone"), fault.Refused, "answered 410 Gone with text/html"},
		"407":                {answerWith(0, "/gone", 407, asHTML, "<html>"), fault.Refused, "answered 407"},
		"a login page":       {answerWith(0, "/gone", 302, map[string]string{"Location": "/login"}, ""), fault.Refused, "redirects to /login, which is not how GitHub moves a repository"},
		"move with HTML":     {answerWith(0, "/gone", 301, map[string]string{"Location": "/repositories/1296269/git/ref/heads/gone", "Content-Type": "text/html"}, "<html>"), fault.Refused, "which is not how GitHub moves a repository"},
		"replaced":           {replaced, fault.Refused, "acme/shop is another repository than before: its id was 1296269 and is 7 now"},
		"outage of repo":     {answerWith(0, "/shop", 502, nil, ""), fault.Failed, "answered 502"},
		"default: 500":       {answerWith(0, "/main", 500, nil, ""), fault.Failed, "answered 500"},
		"default: HTML":      {answerWith(0, "/main", 200, map[string]string{"Content-Type": "text/html"}, "<html>"), fault.Refused, "text/html"},
		"default: empty":     {answerWith(0, "/main", 200, asJSON, ""), fault.Refused, "answered 200 with nothing"},
		"default: limits":    {answerWith(0, "/main", 429, map[string]string{"Retry-After": "4000"}, ""), fault.Failed, "too many requests"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, many(3)...)
			a := f.open(nil)
			if _, err := a.Branches(t.Context()); err != nil {
				t.Fatal(err)
			}
			f.Meddle = test.meddle
			_, found, err := a.Branch(t.Context(), "gone")
			if err == nil || found || !strings.Contains(err.Error(), test.want) || fault.Code(err) != test.code {
				t.Errorf("%t, error %v, code %d; want %q, code %d", found, err, fault.Code(err), test.want, test.code)
			}
		})
	}
}

// replaced shows another repository of the same name.
func replaced(w http.ResponseWriter, r *http.Request, n int) bool {
	return answerWith(0, "/shop", 200, nil, `{"id":7,"full_name":"acme/shop","default_branch":"main","fork":true}`)(w, r, n)
}

func always404(w http.ResponseWriter, _ *http.Request, _ int) bool {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write([]byte(`{"message":"Not Found"}`))
	return true
}

func TestBranchIsNeverAnsweredFromTheCache(t *testing.T) {
	t.Parallel()
	f := newFake(t, many(3)...)
	a := f.open(func(o *Options) { o.CacheDir = t.TempDir() })
	ask := func() bool {
		_, found, err := a.Branch(t.Context(), "feature/00001")
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	first := ask()
	delete(f.Branches, "feature/00001")
	second := ask()
	f.Branches["feature/00001"] = commitOf("back")
	third := ask()
	if !first || second || !third {
		t.Errorf("there, gone and back again: %t, %t, %t", first, second, third)
	}
	if _, unchanged := f.Taken(); unchanged != 0 {
		t.Errorf("%d conditional requests; want none", unchanged)
	}
}

func TestDates(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"", "secret"} {
		t.Run("token "+token, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, many(251)...)
			f.Token = token
			var commits []string
			want := map[string]time.Time{}
			for i, name := range many(251) {
				c := commitOf(name)
				f.Dates[c] = time.Date(2024, 1, 1, 0, i, 0, 0, time.UTC)
				commits, want[c] = append(commits, c), f.Dates[c]
			}
			dir := t.TempDir()
			var cost []int
			for range 2 {
				got, err := f.open(func(o *Options) { o.CacheDir = dir }).Dates(t.Context(), commits)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("dates (-want +got):\n%s", diff)
				}
				requests, _ := f.Taken()
				cost = append(cost, len(requests))
			}
			first := map[string]int{"": 252, "secret": 4}[token] // the repository, then one each, or a hundred at once
			if diff := cmp.Diff([]int{first, 0}, cost); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if _, err := f.open(nil).Dates(t.Context(), []string{commitOf("unknown")}); err == nil || !strings.Contains(err.Error(), "404") {
				t.Errorf("an unknown commit: %v", err)
			}
		})
	}
}

// TestOneBoundForAllWaits checks that MaxWait limits all waits of a call together, not those of each page.
func TestOneBoundForAllWaits(t *testing.T) {
	t.Parallel()
	f := newFake(t, many(250)...)
	f.Meddle = func(w http.ResponseWriter, _ *http.Request, n int) bool {
		if n%2 == 0 {
			return false
		}
		w.Header().Set("Retry-After", "80")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	}
	a := f.open(nil)
	_, err := a.Branches(t.Context())
	if err == nil || !strings.Contains(err.Error(), "it asks to wait 1m20s, and branchenv waits at most 5m0s in all") {
		t.Errorf("error %v", err)
	}
	if len(a.waited) != 3 || len(a.logged) != 3 || !strings.HasPrefix(a.logged[0], "GitHub limits requests: asking again in 1m") {
		t.Errorf("waited %v, logged %q; want three times", a.waited, a.logged)
	}
}

func TestSilence(t *testing.T) {
	t.Parallel()
	f := newFake(t, many(3)...)
	silent := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-silent:
		}
	}))
	t.Cleanup(func() { close(silent); server.Close() })
	f.URL = server.URL
	_, err := f.open(func(o *Options) { o.Timeout = 50 * time.Millisecond }).Branches(t.Context())
	if err == nil || !strings.Contains(err.Error(), "gave no answer in 50ms") || fault.Code(err) != fault.Failed {
		t.Errorf("a silent server: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.open(nil).Branches(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled call: %v", err)
	}
	f.URL = "http://127.0.0.1:1"
	if _, err := f.open(nil).Branches(t.Context()); err == nil || !strings.Contains(err.Error(), "connection refused") || !strings.Contains(fault.Hint(err).String(), "127.0.0.1:1 can be reached") {
		t.Errorf("no server: %v", err)
	}
}

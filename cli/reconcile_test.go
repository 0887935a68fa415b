package cli_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/cli"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/github/githubtest"
	"github.com/branchenv/branchenv/stacks/names"
)

// project is a checkout whose backend holds environments of branches, as an interrupted first update leaves them.
func project(t *testing.T, hub *githubtest.GitHub, branches ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	write := func(name, content string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("branchenv.yaml", "project: shop\nregion: eu-central-1\ndomain: preview.example.com\nsource: {github: acme/shop}\nbackend: file://state\n")
	write("state/.pulumi/meta.yaml", "version: 1")
	for _, branch := range branches {
		slug, err := names.Slug(branch)
		if err != nil {
			t.Fatal(err)
		}
		write("state/.pulumi/stacks/shop/"+slug+".json", `{"version":3,"checkpoint":{"latest":{"resources":[{"urn":"urn:pulumi:`+slug+`::shop::aws:s3/bucketV2:BucketV2::b","custom":true,"id":"b","type":"aws:s3/bucketV2:BucketV2"}]}}}`)
		write("state/.pulumi/stacks/shop/"+slug+".pulumi-tags", fmt.Sprintf(`{"version":1,"tags":{"branchenv:branch":%q,"branchenv:source":%q,"branchenv:created":%q}}`, branch, shopID(hub), time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)))
	}
	return dir
}

// shopID is the identity of the hub's repository as it is at first.
func shopID(hub *githubtest.GitHub) string {
	return "github:" + strings.TrimPrefix(hub.URL, "http://") + ":1296269"
}

// run runs branchenv in this process, asking hub for the branches.
func run(t *testing.T, dir string, hub *githubtest.GitHub, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	env := map[string]string{"GITHUB_API_URL": hub.URL, "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "HOME": dir}
	code = cli.Main(t.Context(), append([]string{"--config", filepath.Join(dir, "branchenv.yaml")}, args...), cli.Streams{
		In: strings.NewReader(""), Out: &stdout, Err: &stderr, Env: func(name string) string { return env[name] },
	})
	return code, stdout.String(), stderr.String()
}

// stateOf is what lies in a project's backend, by path, without the heartbeat.
func stateOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(filepath.Join(dir, "state", ".pulumi"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		sum := sha256.Sum256(text)
		files[path] = hex.EncodeToString(sum[:])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func many(n int) []string {
	names := []string{"main"}
	for i := 1; i < n; i++ {
		names = append(names, fmt.Sprintf("feature/%05d", i))
	}
	return names
}

// answering answers every request whose path contains part, and whose query contains query, with this.
func answering(part, query string, status int, typ, body string, headers ...string) func(*githubtest.GitHub) {
	return func(hub *githubtest.GitHub) {
		hub.Meddle = func(w http.ResponseWriter, r *http.Request, _ int) bool {
			if !strings.Contains(r.URL.Path, part) || !strings.Contains(r.URL.RawQuery, query) {
				return false
			}
			w.Header().Set("Content-Type", typ)
			for i := 0; i+1 < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(status)
			fmt.Fprint(w, body)
			return true
		}
	}
}

// TestReconcileUnderFaults: whatever GitHub does, no environment goes that should not. "gone" is an environment whose
// branch is gone, and the plan for it would be to destroy it; feature/00101 is the first branch of the second page.
func TestReconcileUnderFaults(t *testing.T) {
	t.Parallel()
	const asJSON = "application/json; charset=utf-8"
	hour := fmt.Sprint(time.Now().Add(time.Hour).Unix())
	limited := []string{"X-RateLimit-Limit", "5000", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", hour}
	tests := map[string]struct {
		environment string
		fault       func(*githubtest.GitHub)
		code        int
		says        string
	}{
		"an empty 200":         {"gone", answering("/branches", "", 200, asJSON, ""), fault.Refused, "answered 200 with nothing"},
		"an empty list":        {"gone", answering("/branches", "", 200, asJSON, "[]"), fault.Refused, "the list of branches is empty"},
		"no default branch":    {"gone", func(hub *githubtest.GitHub) { hub.DefaultBranch = "trunk" }, fault.Refused, "the list of branches lacks the default branch, trunk"},
		"HTML":                 {"gone", answering("/branches", "", 200, "text/html", "<html>Sorry</html>"), fault.Refused, "text/html"},
		"truncated JSON":       {"gone", answering("/branches", "", 200, asJSON, `[{"name":"main","commit":{"sha":"`), fault.Refused, "JSON"},
		"500 on page 2":        {"gone", answering("/branches", "page=2", 500, asJSON, `{"message":"oops"}`), fault.Failed, "page 2"},
		"403, limit reached":   {"gone", answering("/branches", "", 403, asJSON, `{"message":"API rate limit exceeded"}`, limited...), fault.Failed, "0 of 5000 requests are left"},
		"429, come back later": {"gone", answering("/branches", "", 429, asJSON, `{"message":"slow down"}`, "Retry-After", "3600"), fault.Failed, "it asks to wait 1h"},
		"access lost":          {"gone", answering("", "", 404, asJSON, `{"message":"Not Found"}`), fault.Failed, "acme/shop"},
		"access lost midway":   {"gone", answering("/git/ref", "", 404, asJSON, `{"message":"Not Found"}`), fault.Refused, "nor its default branch"},
		"a branch vanishes between two pages": {"feature/00101", func(hub *githubtest.GitHub) {
			hub.Meddle = func(_ http.ResponseWriter, r *http.Request, _ int) bool {
				if strings.Contains(r.URL.RawQuery, "page=2") {
					delete(hub.Branches, "feature/00001")
				}
				return false
			}
		}, 0, "nothing to do"},
		"a branch reappears": {"feature/00101", func(hub *githubtest.GitHub) {
			delete(hub.Branches, "feature/00101")
			hub.Meddle = func(_ http.ResponseWriter, r *http.Request, _ int) bool {
				if strings.Contains(r.URL.Path, "/git/ref/heads/feature/00101") {
					hub.Branches["feature/00101"] = githubtest.CommitOf("feature/00101")
				}
				return false
			}
		}, 0, "did not list branch feature/00101, but it exists: its environment stays"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub := githubtest.New(t, many(150)...)
			dir := project(t, hub, test.environment)
			test.fault(hub)
			before := stateOf(t, dir)
			code, _, errs := run(t, dir, hub, "reconcile", "--yes")
			if code != test.code || !strings.Contains(errs, test.says) {
				t.Errorf("exit code %d, want %d with %q:\n%s", code, test.code, test.says, errs)
			}
			if diff := cmp.Diff(before, stateOf(t, dir)); diff != "" {
				t.Errorf("the state changed:\n%s", diff)
			}
			if code, out, _ := run(t, dir, hub, "status", "--json"); (code == 0) != (test.code == 0) || strings.Contains(out, `"lastRun": null`) {
				t.Errorf("status: exit code %d:\n%s", code, out)
			}
		})
	}
}

// TestReconcilePlansDestruction shows that the environments of TestReconcileUnderFaults are in danger, and that a branch
// which comes back between the plan and its destruction keeps its environment.
func TestReconcilePlansDestruction(t *testing.T) {
	t.Parallel()
	hub := githubtest.New(t, many(150)...)
	dir := project(t, hub, "gone")
	code, out, errs := run(t, dir, hub, "reconcile")
	if code != 0 || !strings.Contains(out, "destroy  gone           gone   its branch is gone\n") {
		t.Fatalf("exit code %d:\n%s%s", code, out, errs)
	}
	asked := 0
	hub.Meddle = func(_ http.ResponseWriter, r *http.Request, _ int) bool {
		if strings.Contains(r.URL.Path, "/git/ref/heads/gone") {
			if asked++; asked > 1 {
				hub.Branches["gone"] = githubtest.CommitOf("gone")
				hub.Dates[githubtest.CommitOf("gone")] = time.Now()
			}
		}
		return false
	}
	before := stateOf(t, dir)
	code, out, errs = run(t, dir, hub, "reconcile", "--yes")
	if code != 0 || !strings.Contains(out, "left alone  destroy  gone    ") || asked != 2 {
		t.Errorf("exit code %d, asked %d times:\n%s%s", code, asked, out, errs)
	}
	if diff := cmp.Diff(before, stateOf(t, dir)); diff != "" {
		t.Errorf("the state changed:\n%s", diff)
	}
}

// TestReconcileOtherSource: an environment follows the repository that it was made for, whatever else answers in its
// place. In each of these the branch is gone from what answers, and an environment of it would be destroyed.
func TestReconcileOtherSource(t *testing.T) {
	t.Parallel()
	another := func(hub *githubtest.GitHub) { hub.ID = 2 }
	for name, change := range map[string]func(hub *githubtest.GitHub, dir string){
		"a new repository of the same name": func(hub *githubtest.GitHub, _ string) { another(hub) },
		"the old name was forked again":     func(hub *githubtest.GitHub, _ string) { another(hub); hub.Fork = true },
		"a redirect to another repository": func(hub *githubtest.GitHub, _ string) {
			another(hub)
			hub.FullName, hub.Moved = "acme/other", "acme/shop"
		},
		"source is a clone": func(hub *githubtest.GitHub, dir string) {
			for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "first"}} {
				if out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
			}
			replaceIn(t, filepath.Join(dir, "branchenv.yaml"), "github: acme/shop", "git: .")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub := githubtest.New(t, many(3)...)
			dir := project(t, hub, "gone")
			change(hub, dir)
			before := stateOf(t, dir)
			code, out, errs := run(t, dir, hub, "reconcile", "--yes")
			if code != 0 || !strings.Contains(out, "it follows the branches of another source, "+shopID(hub)) {
				t.Errorf("exit code %d:\n%s%s", code, out, errs)
			}
			for _, command := range []string{"up gone --image app:1", "destroy gone --yes", "keep gone --for 5d"} {
				if code, _, errs := run(t, dir, hub, strings.Fields(command)...); code != 2 && strings.HasPrefix(command, "up") || code != 3 && !strings.HasPrefix(command, "up") {
					t.Errorf("%s: exit code %d\n%s", command, code, errs)
				}
			}
			if diff := cmp.Diff(before, stateOf(t, dir)); diff != "" {
				t.Errorf("the state changed:\n%s", diff)
			}
			// The project itself follows the other source: nothing at all is decided.
			write(t, filepath.Join(dir, "state/.pulumi/stacks/shop/application.json"), `{"version":3,"checkpoint":{}}`)
			write(t, filepath.Join(dir, "state/.pulumi/stacks/shop/application.pulumi-tags"), `{"version":1,"tags":{"branchenv:source":"`+shopID(hub)+`","branchenv:stack":"application"}}`)
			if code, _, errs := run(t, dir, hub, "reconcile", "--yes"); code != 3 || !strings.Contains(errs, "adopt --from "+shopID(hub)) {
				t.Errorf("reconcile of the project: exit code %d\n%s", code, errs)
			}
			// On purpose it may be moved.
			if code, _, errs := run(t, dir, hub, "adopt", "--from", shopID(hub), "--yes"); code != 0 {
				t.Errorf("adopt: exit code %d\n%s", code, errs)
			}
			if code, _, errs := run(t, dir, hub, "adopt", "--from", shopID(hub), "--yes"); code != 1 || !strings.Contains(errs, "no stack of project shop follows "+shopID(hub)) {
				t.Errorf("adopt again: exit code %d\n%s", code, errs)
			}
			if code, out, errs := run(t, dir, hub, "reconcile"); code != 0 || !strings.Contains(out, "its branch is gone\n") {
				t.Errorf("after adopt: exit code %d\n%s%s", code, out, errs)
			}
		})
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func replaceIn(t *testing.T, path, old, new string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, strings.Replace(string(text), old, new, 1))
}

// TestWhyReconcile: the trace of one decision, and what was asked for it.
func TestWhyReconcile(t *testing.T) {
	t.Parallel()
	hub := githubtest.New(t, "main")
	dir := project(t, hub, "gone")
	code, out, errs := run(t, dir, hub, "why", "gone", "--reconcile")
	_, trace, found := strings.Cut(out, "\nreconcile\n")
	want := `  stack gone carries the branch's tag
  it is of kind branch, which is made by hand; ttl 72h
  HOST/acme/shop does not list the branch
  so: destroy: its branch is gone
`
	trace = strings.ReplaceAll(trace, strings.TrimPrefix(hub.URL, "http://"), "HOST")
	if diff := cmp.Diff(want, trace); code != 0 || !found || diff != "" {
		t.Errorf("exit code %d (-want +got):\n%s\n%s", code, diff, errs)
	}
	hub.Taken()
	if code, out, _ := run(t, dir, hub, "why", "gone"); code != 0 || strings.Contains(out, "reconcile\n") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	if requests, _ := hub.Taken(); len(requests) > 0 {
		t.Errorf("why without --reconcile asked %q", requests)
	}
}

// TestPing: good runs are told to the settings' pingUrl, others are not, and its path is never shown.
func TestPing(t *testing.T) {
	t.Parallel()
	hub := githubtest.New(t, "main")
	var pings []string
	hub.Meddle = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if strings.HasPrefix(r.URL.Path, "/ping") {
			pings = append(pings, r.URL.Path)
			if r.URL.Path == "/ping/secret-2" {
				w.WriteHeader(http.StatusTeapot)
			}
			return true
		}
		return false
	}
	dir := project(t, hub)
	settings, err := os.ReadFile(filepath.Join(dir, "branchenv.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	ping := func(path string) (int, string) {
		text := string(settings) + "reconcile: {pingUrl: \"" + hub.URL + path + "\"}\n"
		if err := os.WriteFile(filepath.Join(dir, "branchenv.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, errs := run(t, dir, hub, "reconcile", "--yes")
		return code, errs
	}
	if code, errs := ping("/ping/secret-1"); code != 0 || strings.Contains(errs, "pingUrl") {
		t.Errorf("exit code %d:\n%s", code, errs)
	}
	if code, errs := ping("/ping/secret-2"); code != 0 || !strings.Contains(errs, "answers HTTP 418") || strings.Contains(errs, "secret") {
		t.Errorf("exit code %d:\n%s", code, errs)
	}
	hub.DefaultBranch = "trunk"
	if code, _ := ping("/ping/secret-3"); code != fault.Refused {
		t.Errorf("exit code %d", code)
	}
	if diff := cmp.Diff([]string{"/ping/secret-1", "/ping/secret-2"}, pings); diff != "" {
		t.Error(diff)
	}
}

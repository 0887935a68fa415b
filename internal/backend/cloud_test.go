package backend

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/fault/faulttest"
	"github.com/branchenv/branchenv/stacks/names"
)

// cloud plays Pulumi Cloud: answers by method and path, pages of the stack list by their tokens.
type cloud struct {
	mu      sync.Mutex
	answers map[string]string // "GET /path" or "GET /path#token" to a body
	status  map[string][]int  // for the first calls; then 200
	calls   []string
	bodies  []string
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	call := r.Method + " " + r.URL.EscapedPath()
	if token := r.URL.Query().Get("continuationToken"); token != "" {
		call += "#" + token
	}
	c.calls = append(c.calls, call)
	if body, err := io.ReadAll(r.Body); err == nil && len(body) > 0 {
		c.bodies = append(c.bodies, string(body))
	}
	if r.Header.Get("Authorization") != "token secret" || !strings.HasPrefix(r.Header.Get("Accept"), "application/vnd.pulumi+") {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if codes := c.status[call]; len(codes) > 0 {
		c.status[call] = codes[1:]
		if codes[0] == 0 { // the connection breaks
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(codes[0])
		fmt.Fprint(w, "<h1>sorry\x1b[31m</h1>\nlater")
		return
	}
	answer, ok := c.answers[call]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
	}
	fmt.Fprint(w, answer)
}

func (c *cloud) Open(t *testing.T) *cloudBackend {
	t.Helper()
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	b, err := openCloud(server.URL+"/", "shop", func(name string) string {
		return map[string]string{"PULUMI_ACCESS_TOKEN": "secret"}[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// team is a service with two stacks of the project, on two pages, and one of another project.
func team(t *testing.T) *cloud {
	t.Helper()
	spec := branchSpec(t)
	value, err := json.Marshal(string(spec))
	if err != nil {
		t.Fatal(err)
	}
	return &cloud{status: map[string][]int{}, answers: map[string]string{
		"GET /api/user/stacks":    `{"stacks": [{"orgName": "team", "projectName": "shop", "stackName": "login"}, {"orgName": "team", "projectName": "blog", "stackName": "login"}], "continuationToken": "p2"}`,
		"GET /api/user/stacks#p2": `{"stacks": [{"orgName": "team", "projectName": "shop", "stackName": "application"}]}`,

		"GET /api/stacks/team/shop/login":                `{"tags": {"branchenv:branch": "feature/login", "pulumi:project": "shop"}, "currentOperation": {"kind": "update", "author": "ada", "started": 1767225600}}`,
		"GET /api/stacks/team/shop/login/export":         `{"version": 3, "deployment": {"manifest": {"time": "2026-01-01T00:00:00Z"}, "secrets_providers": {"type": "service"}, "resources": [{"urn": "urn:pulumi:login::shop::aws:s3/bucketV2:BucketV2::assets", "type": "aws:s3/bucketV2:BucketV2", "custom": true, "id": "b"}]}}`,
		"GET /api/stacks/team/shop/login/updates/latest": `{"info": {"kind": "update", "result": "succeeded", "startTime": 1767225000, "endTime": 1767225600, "config": {"shop:environment": {"string": ` + string(value) + `, "object": true}, "aws:region": {"string": "eu-central-1"}}}}`,

		"GET /api/stacks/team/shop/application":        `{"tags": {"branchenv:stack": "application"}}`,
		"GET /api/stacks/team/shop/application/export": `{"version": 3, "deployment": null}`,
		"PATCH /api/stacks/team/shop/login/tags":       ``,
	}}
}

func TestCloud(t *testing.T) {
	t.Parallel()
	c := team(t)
	var b Backend = c.Open(t)
	all, err := b.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || all[0].Name != "application" || all[1].Name != "login" || b.SelfManaged() {
		t.Fatalf("stacks %+v", all)
	}
	if f := all[0]; f.Status() != StatusEmpty || f.LastUpdate != nil || f.Locks != nil || f.Tags[names.TagStack] != names.ApplicationStack {
		t.Errorf("application: %+v", f)
	}
	f := all[1]
	if diff := cmp.Diff(map[string]string{names.TagBranch: "feature/login", "pulumi:project": "shop"}, f.Tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	if got := string(f.SpecText("shop")); got != branchSpec(t) {
		t.Errorf("spec %s, want %s", got, branchSpec(t))
	}
	if len(f.State.AWS()) != 1 || f.State.SecretsProviders.Type != "service" || f.Changed.IsZero() || f.Status() != StatusUpdating || !f.LastUpdate.Succeeded() {
		t.Errorf("login: %+v", f)
	}
	want := "ada@" + b.(*cloudBackend).url + ", process 0, for 1h"
	if got := f.Locks[0].Describe(time.Unix(1767225600+3600, 0)); got != want {
		t.Errorf("lock %s, want %s", got, want)
	}
	one, err := b.Read(t.Context(), "login")
	if err != nil || one == nil || one.Name != "login" {
		t.Errorf("read: %+v, %v", one, err)
	}
	if none, err := b.Read(t.Context(), "log"); none != nil || err != nil {
		t.Errorf("read of a stack that is not there: %+v, %v", none, err)
	}
	if err := b.SetTags(t.Context(), "login", map[string]string{names.TagBranch: "ü"}); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{`{"branchenv:branch":"ü"}`}, c.bodies); diff != "" {
		t.Errorf("bodies (-want +got):\n%s", diff)
	}
	if got, want := faulttest.Message(b.SetTags(t.Context(), "gone", nil)), "tag stack gone: it is gone"; got != want {
		t.Errorf("error %q, want %q", got, want)
	}
	if got, want := faulttest.Message(b.BreakLock(t.Context(), f.Locks[0])), "stack login is locked by another process"; got != want {
		t.Errorf("error %q, want %q", got, want)
	}
}

// The heartbeat is a tag of the application stack beside those that it has, whatever the problem is called.
func TestCloudHeartbeat(t *testing.T) {
	t.Parallel()
	c := team(t)
	c.answers["PATCH /api/stacks/team/shop/application/tags"] = ""
	b := c.Open(t)
	if h, err := b.Heartbeat(t.Context()); err != nil || len(h) > 0 {
		t.Errorf("before the first run: %s, %v", h, err)
	}
	text := []byte(`{"run":"2026-03-01T12:00:00Z","problem":"` + strings.Repeat("<&>", 60) + `"}`)
	if err := b.SetHeartbeat(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	var tags map[string]string
	if err := json.Unmarshal([]byte(c.bodies[0]), &tags); err != nil {
		t.Fatal(err)
	}
	if len(tags) != 2 || tags[names.TagStack] != names.ApplicationStack || len(tags[names.TagHeartbeat]) > 256 {
		t.Errorf("tags %q, the heartbeat of %d bytes", tags, len(tags[names.TagHeartbeat]))
	}
	answer, err := json.Marshal(map[string]any{"tags": tags})
	if err != nil {
		t.Fatal(err)
	}
	c.answers["GET /api/stacks/team/shop/application"] = string(answer)
	if h, err := b.Heartbeat(t.Context()); err != nil || string(h) != string(text) {
		t.Errorf("%s, %v", h, err)
	}
	for call := range c.answers {
		if strings.Contains(call, "/application") {
			delete(c.answers, call)
		}
	}
	c.answers["GET /api/user/stacks#p2"] = `{"stacks": []}`
	faulttest.Check(t, b.SetHeartbeat(t.Context(), text), fault.Usage, "the application stack, which all environments share, does not exist yet")
}

// A server error or a rate limit passes.
func TestCloudRetries(t *testing.T) {
	t.Parallel()
	c := team(t)
	c.status["GET /api/user/stacks"] = []int{500}
	c.status["GET /api/stacks/team/shop/login/export"] = []int{429, 0, 0}
	all, err := c.Open(t).List(t.Context())
	if err != nil || len(all) != 2 {
		t.Errorf("%d stacks, %v", len(all), err)
	}
	c.status["GET /api/user/stacks"] = []int{0, 0, 0}
	if _, err := c.Open(t).List(t.Context()); err == nil {
		t.Error("a connection that breaks three times is no error")
	}
}

// What cannot be read is an error that names the stack, with a remedy; it does not keep the others from being read.
func TestCloudFails(t *testing.T) {
	t.Parallel()
	const list, stack = "GET /api/user/stacks", "GET /api/stacks/team/shop/login"
	tests := map[string]struct {
		change func(*cloud)
		code   int
		want   string // URL stands for the service's
	}{
		"token refused":       {func(c *cloud) { c.status[list] = []int{401} }, fault.Usage, "list the stacks of shop at URL: URL refuses the access token (HTTP 401)"},
		"token forbidden":     {func(c *cloud) { c.status[stack] = []int{403} }, fault.Usage, "read the tags of stack login at URL: URL refuses the access token (HTTP 403)"},
		"list not found":      {func(c *cloud) { delete(c.answers, list) }, fault.Failed, "list the stacks of shop at URL: not found"},
		"stack not found":     {func(c *cloud) { delete(c.answers, stack) }, fault.Failed, "read the tags of stack login at URL: not found"},
		"state not found":     {func(c *cloud) { delete(c.answers, stack+"/export") }, fault.Failed, "read the state of stack login at URL: not found"},
		"rubbish for list":    {func(c *cloud) { c.answers[list] = "<html>" }, fault.Failed, "list the stacks of shop at URL: the answer is not what it claims to be: invalid character '<' looking for beginning of value"},
		"nothing for list":    {func(c *cloud) { c.answers[list] = "" }, fault.Failed, "list the stacks of shop at URL: the answer is not what it claims to be: unexpected end of JSON input"},
		"no list in list":     {func(c *cloud) { c.answers[list] = "{}" }, fault.Failed, "list the stacks of shop at URL: the answer is not what it claims to be: it has no stacks"},
		"rubbish for state":   {func(c *cloud) { c.answers[stack+"/export"] = `{"deployment": {"reso` }, fault.Failed, "read the state of stack login at URL: the answer is not what it claims to be: unexpected end of JSON input"},
		"rubbish for history": {func(c *cloud) { c.answers[stack+"/updates/latest"] = `[]` }, fault.Failed, "read the history of stack login at URL: the answer is not what it claims to be: json: cannot unmarshal array into Go value of type backend.latestUpdate"},
		"bad request":         {func(c *cloud) { c.status[stack] = []int{400} }, fault.Failed, "read the tags of stack login at URL: HTTP 400: <h1>sorry</h1> later"},
		"two organizations": {func(c *cloud) {
			c.answers[list+"#p2"] = `{"stacks": [{"orgName": "ada", "projectName": "shop", "stackName": "login"}]}`
		}, fault.Usage, "stack login of project shop exists in two organizations, team and ada"},
		"pages without end": {func(c *cloud) {
			c.answers[list+"#p2"] = `{"stacks": [], "continuationToken": "p2"}`
		}, fault.Failed, "list the stacks of shop at URL: the answer is not what it claims to be: a page of it comes again"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := team(t)
			test.change(c)
			b := c.Open(t)
			all, err := b.List(t.Context())
			for _, f := range all { // one that cannot be read says so, and the others are read
				if err == nil {
					err = f.Broken
				}
			}
			if got := strings.ReplaceAll(faulttest.Message(err), b.url, "URL"); got != test.want || fault.Code(err) != test.code {
				t.Errorf("got  %s, code %d\nwant %s, code %d", got, fault.Code(err), test.want, test.code)
			}
			if fault.Hint(err).IsZero() || strings.Contains(fault.Hint(err).String()+faulttest.Message(err), "secret") {
				t.Errorf("hint %q", fault.Hint(err).String())
			}
			if n := len(slices.DeleteFunc(all, func(f Facts) bool { return f.Broken != nil })); n != 0 && n != 1 {
				t.Errorf("%d stacks without an error, want the other one at most", n)
			}
		})
	}
}

func TestCloudToken(t *testing.T) {
	t.Setenv("PULUMI_HOME", t.TempDir())
	_, err := openCloud("https://pulumi.example.com/", "shop", func(string) string { return "" })
	faulttest.Check(t, err, fault.Usage, "not logged in to https://pulumi.example.com")
	if got, want := fault.Hint(err).String(), "set PULUMI_ACCESS_TOKEN, or run: pulumi login https://pulumi.example.com"; got != want {
		t.Errorf("hint %q, want %q", got, want)
	}
}

// branchSpec is the specification of an ordinary branch, as compact JSON.
func branchSpec(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../stackstest/spec.json")
	if err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		t.Fatal(err)
	}
	return compact.String()
}

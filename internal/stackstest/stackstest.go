// Package stackstest writes stacks as an update leaves them, for tests of the code that reads them. It runs no engine.
package stackstest

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/pulumitest"
	"github.com/branchenv/branchenv/stacks/names"
	"github.com/branchenv/branchenv/stacks/program"
)

// Noon is the current time of the tests.
var Noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const (
	// Day is 24 hours.
	Day = 24 * time.Hour
	// ShopID identifies the source of project shop.
	ShopID = "github:1296269"
)

// Head is the current commit of every branch.
var Head = strings.Repeat("a", 40)

//go:embed spec.json
var branchSpec []byte

// BranchSpec returns the spec of an ordinary branch: image, shared balancer, Postgres.
func BranchSpec(t testing.TB) program.Spec {
	t.Helper()
	var s program.Spec
	if err := json.Unmarshal(branchSpec, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// Updated returns the last update of an environment, made from spec an hour before Noon. Without spec it has no config.
func Updated(t testing.TB, spec *program.Spec) *backend.Update {
	t.Helper()
	u := &backend.Update{Kind: "update", Result: "succeeded", StartTime: Noon.Add(-time.Hour).Unix(), EndTime: Noon.Add(-50 * time.Minute).Unix()}
	if spec != nil {
		u.Config = map[string]json.RawMessage{"shop:" + names.SpecKey: json.RawMessage(text(t, spec))}
	}
	return u
}

func text(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// State returns a state with the given outputs and resources of the given types.
func State(stack string, outputs map[string]any, types ...string) (s backend.State) {
	prefix := "urn:pulumi:" + stack + "::shop::"
	s.Resources = append(s.Resources, backend.Resource{URN: prefix + backend.RootType + "::shop-" + stack, Type: backend.RootType, Outputs: outputs})
	for _, typ := range types {
		s.Resources = append(s.Resources, backend.Resource{URN: prefix + typ + "::it", Type: typ, Custom: true, ID: "id", Inputs: map[string]any{"forceDestroy": true}})
	}
	return s
}

// Change changes the stack before Write writes it.
type Change func(spec *program.Spec, tags map[string]string, last *backend.Update)

// Write writes the stack of a branch into the folder of a backend. It has a bucket, and its last update was before Noon.
func Write(t testing.TB, folder, branch string, changes ...Change) {
	t.Helper()
	slug, err := names.Slug(branch)
	if err != nil {
		t.Fatal(err)
	}
	spec := BranchSpec(t)
	spec.Branch, spec.Stack, spec.Commit = branch, slug, Head
	tags := map[string]string{names.TagBranch: names.BranchTag(branch), names.TagSource: ShopID, names.TagCreated: Noon.Add(-90 * time.Hour).Format(time.RFC3339)}
	last := Updated(t, nil)
	for _, c := range changes {
		c(&spec, tags, last)
	}
	last.Config = map[string]json.RawMessage{"shop:" + names.SpecKey: json.RawMessage(text(t, spec))}
	WriteState(t, folder, slug, State(slug, nil, "aws:s3/bucketV2:BucketV2"), tags)
	pulumitest.WriteJSON(t, filepath.Join(folder, ".pulumi/history/shop", slug, slug+"-1.history.json"), last)
}

// WriteState writes a stack's state and tags into the folder of a backend.
func WriteState(t testing.TB, folder, stack string, s backend.State, tags map[string]string) {
	t.Helper()
	dir := filepath.Join(folder, ".pulumi")
	pulumitest.WriteFile(t, filepath.Join(dir, "meta.yaml"), "version: 1")
	pulumitest.WriteJSON(t, filepath.Join(dir, "stacks/shop", stack+".json"), map[string]any{"version": 3, "checkpoint": map[string]any{"latest": s}})
	pulumitest.WriteJSON(t, filepath.Join(dir, "stacks/shop", stack+".pulumi-tags"), map[string]any{"version": 1, "tags": tags})
}

// Lock locks a stack with the lock of a living process.
func Lock(t testing.TB, folder, stack string) {
	t.Helper()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	pulumitest.WriteJSON(t, filepath.Join(folder, ".pulumi/locks/organization/shop", stack, "1.json"),
		backend.Lock{Pid: os.Getpid(), Hostname: host, Username: "ada", Timestamp: Noon.Add(-time.Hour)})
}

// Open opens the backend in a folder.
func Open(t testing.TB, folder string) backend.Backend {
	t.Helper()
	b, err := backend.Open(t.Context(), "file://"+folder, "shop", func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// ServeAWS serves the one call that every operation makes: the account of the credentials. It returns the variables that
// direct calls to it.
func ServeAWS(t testing.TB, account string) []string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		_, _ = w.Write([]byte("<GetCallerIdentityResponse><GetCallerIdentityResult><Account>" + account +
			"</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"))
	}))
	t.Cleanup(server.Close)
	return []string{"AWS_ENDPOINT_URL=" + server.URL, "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x"}
}

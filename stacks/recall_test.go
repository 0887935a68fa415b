package stacks

import (
	"testing"

	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/fault/faulttest"
	"github.com/branchenv/branchenv/internal/stackstest"
	"github.com/branchenv/branchenv/stacks/names"
)

// bucketIn is the state of a stack that has a bucket.
func bucketIn(stack, bucket string, outputs map[string]any) backend.State {
	s := stackstest.State(stack, outputs, aws.TypeBucket)
	s.Resources[1].ID = bucket
	return s
}

// A lost tag is set as the stack was made: a new suffix would replace the bucket by an empty one.
func TestLostTags(t *testing.T) {
	t.Parallel()
	spec := stackstest.BranchSpec(t)
	spec.Branch, spec.Stack = "login", "login"
	m := manager(t, "branches: [{match: login, assets: {enabled: true}}]")
	for name, test := range map[string]struct {
		before       backend.Facts
		host, suffix string
	}{
		"last update":           {backend.Facts{LastUpdate: stackstest.Updated(t, &spec)}, "login", "x1y2z3"},
		"state counts more":     {backend.Facts{State: bucketIn("login", "shop-login-aaaaaa", nil), LastUpdate: stackstest.Updated(t, &spec)}, "login", "aaaaaa"},
		"state":                 {backend.Facts{State: bucketIn("login", "shop-login-aaaaaa", map[string]any{"host": "l.preview.example.com"})}, "l", "aaaaaa"},
		"outputs":               {backend.Facts{State: stackstest.State("login", map[string]any{"bucket": "shop-login-bbbbbb"})}, "new", "bbbbbb"},
		"a tag that was kept":   {backend.Facts{Tags: map[string]string{names.TagBucket: "cccccc", names.TagHost: "h"}, LastUpdate: stackstest.Updated(t, &spec)}, "h", "cccccc"},
		"another one's outputs": {backend.Facts{State: stackstest.State("login", map[string]any{"bucket": "blog-login-bbbbbb"})}, "new", ""},
	} {
		f := test.before
		f.Name, f.Project = "login", "shop"
		if f.Tags == nil {
			f.Tags = map[string]string{names.TagBranch: "login"}
		}
		host := f.HostLabel("shop")
		if host == "" {
			host = "new"
		}
		u, err := buildSpec(m.file, UpRequest{Branch: "login", Image: "i"}, updateFacts{stack: "login", before: &f, host: host, suffix: "newnew"})
		if err != nil {
			t.Fatal(err)
		}
		if got := u.tags[names.TagBucket]; got != test.suffix && test.suffix != "" || got == "" || got != u.spec.BucketSuffix {
			t.Errorf("%s: bucket suffix %q, want %q", name, got, test.suffix)
		}
		if u.tags[names.TagHost] != test.host || len(u.losses) > 0 {
			t.Errorf("%s: host %q, want %q; losses %v", name, u.tags[names.TagHost], test.host, u.losses)
		}
	}
}

// A tag that somebody set to another suffix does not cost the bucket.
func TestWrongBucketTag(t *testing.T) {
	t.Parallel()
	m := manager(t, "branches: [{match: login, assets: {enabled: true}}]")
	f := backend.Facts{Name: "login", Project: "shop", State: bucketIn("login", "shop-login-aaaaaa", nil), Tags: map[string]string{names.TagBranch: "login", names.TagHost: "h", names.TagBucket: "zzzzzz"}}
	u, err := buildSpec(m.file, UpRequest{Branch: "login", Image: "i"}, updateFacts{stack: "login", before: &f})
	if err != nil {
		t.Fatal(err)
	}
	l := backend.Location{Project: "shop", URL: "file:///b"}
	err = u.checkData(UpRequest{}, l)
	faulttest.Check(t, err, fault.Refused, "the update of stack login would lose data: bucket shop-login-aaaaaa would be replaced by an empty one, shop-login-zzzzzz: the tag branchenv:bucket has another suffix")
	if got, want := fault.Hint(err).String(), "pulumi stack tag set branchenv:bucket aaaaaa --stack organization/shop/login; then run the same command again, or, if the data may go, with --allow-data-loss"; got != want {
		t.Errorf("hint %s\nwant %s", got, want)
	}

	application := backend.Facts{Name: names.ApplicationStack, Project: "shop", State: bucketIn(names.ApplicationStack, "shop-application-aaaaaa", nil)}
	if got := application.BucketSuffix("shop"); got != "aaaaaa" || checkBundles(&application, l, got) != nil || checkBundles(nil, l, got) != nil {
		t.Errorf("suffix %q of the versions bucket, or it is refused", got)
	}
	err = checkBundles(&application, l, "zzzzzz")
	faulttest.Check(t, err, fault.Refused, "the update of the application stack would replace bucket shop-application-aaaaaa, with every bundle in it, by shop-application-zzzzzz: the tag branchenv:bucket is zzzzzz")
	if got, want := fault.Hint(err).String(), "pulumi stack tag set branchenv:bucket aaaaaa --stack organization/shop/application; then run the same command again"; got != want {
		t.Errorf("hint %s\nwant %s", got, want)
	}
}

// The hint sets every tag that cannot be decided again, and says in which backend.
func TestHintSetsEveryTag(t *testing.T) {
	t.Parallel()
	p := backend.Location{Project: "shop", URL: "file:///b"}
	spec := stackstest.BranchSpec(t)
	spec.Branch, spec.Stack = "login", "login"
	export := "if branchenv made it, set its tags again: export PULUMI_BACKEND_URL=file:///b; "
	set := func(stack, tag, value string) string {
		return "pulumi stack tag set branchenv:" + tag + " " + value + " --stack organization/shop/" + stack
	}
	err := checkOwner(p, backend.Facts{Name: "login", Project: "shop", State: bucketIn("login", "shop-login-x1y2z3", nil), LastUpdate: stackstest.Updated(t, &spec)}, "login")
	want := export + set("login", "project", "shop") + "; " + set("login", "stack", "login") + "; " + set("login", "branch", "login") + "; " +
		set("login", "host", "login") + "; " + set("login", "bucket", "x1y2z3")
	if got := fault.Hint(err).String(); got != want {
		t.Errorf("hint %s\nwant %s", got, want)
	}
	err = checkApplicationOwner(p, backend.Facts{Name: names.ApplicationStack, Project: "shop", State: bucketIn(names.ApplicationStack, "shop-application-aaaaaa", nil)})
	want = export + set("application", "project", "shop") + "; " + set("application", "stack", "application") + "; " + set("application", "bucket", "aaaaaa")
	if got := fault.Hint(err).String(); got != want {
		t.Errorf("hint %s\nwant %s", got, want)
	}
}

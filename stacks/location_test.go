package stacks

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/fault/faulttest"
	"github.com/branchenv/branchenv/internal/pulumitest"
	"github.com/branchenv/branchenv/internal/stackstest"
	"github.com/branchenv/branchenv/stacks/names"
	"github.com/branchenv/branchenv/stacks/program"
)

func TestCheckLocation(t *testing.T) {
	t.Parallel()
	here := awsLocation{"111111111111", "eu-central-1"}
	for name, test := range map[string]struct {
		tags map[string]string
		want string
	}{
		"here":            {map[string]string{names.TagAccount: "111111111111", names.TagRegion: "eu-central-1"}, ""},
		"made before":     {nil, ""},
		"another account": {map[string]string{names.TagAccount: "222222222222", names.TagRegion: "eu-central-1"}, "stack x lives in AWS account 222222222222, and the credentials are of account 111111111111"},
		"another region":  {map[string]string{names.TagAccount: "111111111111", names.TagRegion: "us-east-1"}, "stack x lives in region us-east-1, and b.yaml names region eu-central-1"},
	} {
		err := here.check(backend.Facts{Name: "x", Tags: test.tags}, "b.yaml")
		if got := faulttest.Message(err); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
		if err != nil && (fault.Code(err) != fault.Refused || fault.Hint(err).IsZero()) {
			t.Errorf("%s: code %d, hint %q", name, fault.Code(err), fault.Hint(err).String())
		}
	}
}

// Where a stack lives is decided when it is made: an update from elsewhere is refused, and must not move it either.
func TestLocationIsRecordedOnce(t *testing.T) {
	t.Parallel()
	tags := map[string]string{}
	awsLocation{"1", "a"}.record(tags)
	awsLocation{"2", "b"}.record(tags)
	if tags[names.TagAccount] != "1" || tags[names.TagRegion] != "a" {
		t.Errorf("%v", tags)
	}
}

// Between the plan of a destroy and its beginning somebody may have protected, updated or removed the environment.
func TestDestroyLooksAgain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		between func(t *testing.T, folder string)
		want    string
		code    int
	}{
		"protected": {func(t *testing.T, folder string) {
			stackstest.Write(t, folder, "mine", func(_ *program.Spec, tags map[string]string, _ *backend.Update) { tags[names.TagProtected] = "true" })
		}, "environment mine is protected: its kind is ", fault.Refused},
		"another's": {func(t *testing.T, folder string) {
			stackstest.Write(t, folder, "mine", func(_ *program.Spec, tags map[string]string, _ *backend.Update) { tags[names.TagBranch] = "Mine" })
		}, `stack mine belongs to branch "Mine", not to "mine"`, fault.Refused},
		"removed": {func(t *testing.T, folder string) {
			for _, path := range []string{"stacks/shop/mine.json", "stacks/shop/mine.pulumi-tags", "history/shop/mine"} {
				if err := os.RemoveAll(filepath.Join(folder, ".pulumi", path)); err != nil {
					t.Fatal(err)
				}
			}
		}, "stack mine was just removed by another process", fault.Failed},
		"kept": {func(t *testing.T, folder string) {
			stackstest.Write(t, folder, "mine", func(_ *program.Spec, tags map[string]string, _ *backend.Update) {
				tags[names.TagKeep] = "2027-01-01T00:00:00Z"
			})
		}, "stack mine: its tags were changed by another process since what would be destroyed was looked at", fault.Failed},
		"updated to the same resources": {func(t *testing.T, folder string) {
			stackstest.Write(t, folder, "mine", func(_ *program.Spec, _ map[string]string, last *backend.Update) { last.EndTime++ })
		}, "stack mine: its last update was changed by another process since what would be destroyed was looked at", fault.Failed},
		"updated": {func(t *testing.T, folder string) {
			pulumitest.WriteFile(t, filepath.Join(folder, ".pulumi/stacks/shop/mine.json"),
				`{"version":3,"checkpoint":{"latest":{"resources":[{"urn":"urn:pulumi:mine::shop::aws:s3/bucketV2:BucketV2::new","custom":true,"id":"new","type":"aws:s3/bucketV2:BucketV2"}]}}}`)
		}, "stack mine: its resources were changed by another process since what would be destroyed was looked at", fault.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			stackstest.Write(t, folder, "mine")
			m := folderManager(t, folder)
			m.account = onceOK[string]{known: true, value: "123456789012"}
			d, err := m.PlanDestroy(t.Context(), "mine")
			if err != nil {
				t.Fatal(err)
			}
			test.between(t, folder)
			r, err := m.Destroy(t.Context(), d)
			if faulttest.Message(err) != test.want || fault.Code(err) != test.code || len(r.Deleted)+len(r.Remaining) > 0 {
				t.Errorf("%v, code %d; want %s", err, fault.Code(err), test.want)
			}
		})
	}
}

// Two environments that are made at once may choose the same host: who sees the other afterwards takes another.
func TestConfirmHost(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	stackstest.Write(t, folder, "login", func(_ *program.Spec, tags map[string]string, _ *backend.Update) { tags[names.TagHost] = "z" })
	m := folderManager(t, folder)
	m.file.StripPrefixes = []string{"fix/"}
	for _, other := range []string{"", "z"} {
		tags := map[string]string{names.TagBranch: "fix/z", names.TagHost: "z"}
		if err := m.backend.SetTags(t.Context(), "login", map[string]string{names.TagBranch: "login", names.TagHost: other}); err != nil {
			t.Fatal(err)
		}
		u := &updatePlan{spec: program.Spec{Branch: "fix/z", Stack: "fix-z", Host: "z"}, tags: tags}
		if err := (&update{Manager: m, plan: u}).confirmHost(t.Context()); err != nil {
			t.Fatal(err)
		}
		if alone := other == ""; (u.spec.Host == "z") != alone || u.tags[names.TagHost] != u.spec.Host {
			t.Errorf("the other has %q: host %q, tag %q", other, u.spec.Host, u.tags[names.TagHost])
		}
	}
}

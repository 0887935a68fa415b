package platform

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/fault/faulttest"
	"github.com/branchenv/branchenv/internal/pulumitest"
	"github.com/branchenv/branchenv/stacks/names"
	"github.com/branchenv/branchenv/stacks/program"
)

func TestResolveBundle(t *testing.T) {
	t.Parallel()
	const sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // of "abc", FIPS 180-2
	file := filepath.Join(t.TempDir(), "App.ZIP")
	pulumitest.WriteFile(t, file, "abc")
	copied := names.Digest("main/1.zip", 64)
	tests := map[string]struct {
		source Source
		want   program.Version
		from   aws.Object
	}{
		"file":      {Source{Bundle: file}, program.Version{Label: "login-ba7816bf8f01", BundleKey: "login/" + sum + ".zip"}, aws.Object{}},
		"another's": {Source{Key: "main/1.zip"}, program.Version{Label: "login-" + copied[:12], BundleKey: "login/" + copied + ".zip"}, aws.Object{Bucket: "versions", Key: "main/1.zip"}},
		"image":     {Source{Version: program.Version{Image: "app:1"}}, program.Version{Image: "app:1"}, aws.Object{}},
		"kept":      {Source{Version: program.Version{Label: "l", BundleKey: "login/k"}}, program.Version{Label: "l", BundleKey: "login/k"}, aws.Object{}},
	}
	for name, test := range tests {
		got, bundle, err := Beanstalk{}.Resolve(t.Context(), "login", test.source, Group{Bucket: "versions"})
		if err != nil || bundle.From != test.from || got != test.want || !bundle.IsZero() && bundle.To != (aws.Object{Bucket: "versions", Key: got.BundleKey}) {
			t.Errorf("%s: %+v, bundle %+v, %v; want %+v from %+v", name, got, bundle, err, test.want, test.from)
		}
	}
	for _, bad := range []string{filepath.Join(t.TempDir(), "none.zip"), t.TempDir()} {
		_, _, err := Beanstalk{}.Resolve(t.Context(), "login", Source{Bundle: bad}, Group{})
		if fault.Code(err) != fault.Usage || !strings.HasPrefix(faulttest.Message(err), "read the bundle: ") {
			t.Errorf("%s: error %v, code %d", bad, err, fault.Code(err))
		}
	}
}

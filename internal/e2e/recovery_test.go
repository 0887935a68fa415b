//go:build unix

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/sandbox"
)

// ailment is one of doctor's findings.
type ailment struct{ Kind, Stack, What string }

// doctor runs doctor and returns what it finds.
func (w *world) doctor(t *testing.T) []ailment {
	t.Helper()
	var found []ailment
	decode(t, []byte(w.must(t, "doctor", "--json").out), &found)
	return found
}

// vanish removes things from the embedded AWS, as somebody at a console does: those of a type whose names begin so.
func (w *world) vanish(t *testing.T, typ, name string) {
	t.Helper()
	n := 0
	dir := filepath.Join(w.aws(), "resources", strings.NewReplacer("/", ".", ":", ".").Replace(typ))
	for _, file := range files(t, dir) {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		var r struct{ Name string }
		if err := json.Unmarshal(text, &r); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(r.Name, name) {
			n++
			if err := os.Remove(filepath.Join(dir, file)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n != 1 {
		t.Fatalf("%d of %s are called %s", n, typ, name)
	}
}

// What somebody deleted by hand is found by doctor, shown by list, and made again by up, also by one that has nothing
// else to do.
func TestDeletedByHand(t *testing.T) {
	t.Parallel()
	for _, gone := range []struct{ what, typ, name string }{
		{"environment", typeEnvironment, "shop-topic"},
		{"database", typeDatabase, "shop-topic"},
		{"record", typeRecord, "topic.preview.example.com"},
		{"security group", "aws:ec2/securityGroup:SecurityGroup", "shop-topic-app"},
		{"secret", "aws:secretsmanager/secret:Secret", "branchenv/shop/staging/topic/database"},
		{"bucket", typeBucket, "shop-topic-"},
	} {
		t.Run(gone.what, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "environment")
			want := w.ending(t)
			if gone.typ == typeBucket {
				if err := os.RemoveAll(filepath.Join(w.aws(), "s3", w.bucket(t))); err != nil {
					t.Fatal(err)
				}
			}
			w.vanish(t, gone.typ, gone.name)
			if found := w.doctor(t); len(found) != 1 || found[0].Kind != "missing" || !strings.Contains(found[0].What, gone.name) {
				t.Errorf("doctor: %+v", found)
			}
			if list := w.must(t, "list").out; !strings.Contains(list, "  incomplete  ") {
				t.Errorf("list:\n%s", list)
			}
			if r := w.must(t, "up", "topic"); !strings.Contains(r.err, "gone from AWS") || !strings.Contains(r.err, gone.name) {
				t.Errorf("up does not say what is gone:\n%s", r.err)
			}
			if diff := cmp.Diff(want, w.ending(t)); diff != "" {
				t.Errorf("-before +deleted and made again\n%s", diff)
			}
			if found := w.doctor(t); len(found) != 0 {
				t.Errorf("doctor afterwards: %+v", found)
			}
		})
	}
}

// What goes while an update runs is made by its second try.
func TestDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	s := scenes["update"]
	w := s.enter(t)
	w.faults(t, sandbox.Fault{On: "update", Type: typeEnvironment, Kind: sandbox.Fail, Error: "InvalidParameterValue: No Environment found for EnvironmentName = 'shop-topic'."})
	if r := w.must(t, s.command...); !strings.Contains(r.err, "gone from AWS") {
		t.Errorf("up does not say why it tried again:\n%s", r.err)
	}
	if diff := cmp.Diff(s.undisturbed(t), w.ending(t)); diff != "" {
		t.Errorf("-undisturbed +tried twice\n%s", diff)
	}
}

// doctor reports a stack that somebody is making as locked, and as nothing else.
func TestDoctorBesideUp(t *testing.T) {
	t.Parallel()
	s := scenes["up"]
	w := s.enter(t)
	w.faults(t, sandbox.Fault{On: "create", Type: typeEnvironment, Kind: sandbox.Stall})
	up := w.begin(t, s.command...)
	until(t, "the environment is being launched", func() bool { return w.met(1) })
	for _, a := range w.doctor(t) {
		if a.Kind != "lock" {
			t.Errorf("%+v", a)
		}
	}
	up.kill()
}

// A health call that fails says nothing about the app: the update is done, and what was known of its health stays.
func TestHealthNotKnown(t *testing.T) {
	t.Parallel()
	w := scenes["up"].enter(t)
	const call = "elasticbeanstalk:DescribeEnvironmentHealth"
	refused := sandbox.Fault{On: "call", Type: call, Times: -1, Kind: sandbox.Expired} // which is not tried again
	up := func(tag, warning, status string, faults ...sandbox.Fault) {
		t.Helper()
		w.faults(t, faults...)
		r := w.run(t, "up", "topic", "--image", "registry.example.com/shop:"+tag)
		if (r.code != 0) != (warning == "is up but its health is red") || !strings.Contains(r.err, warning) {
			t.Errorf("%s: exit code %d\n%s", tag, r.code, r.err)
		}
		if warning == "" && strings.Contains(r.err, "is not known") {
			t.Errorf("%s: a warning\n%s", tag, r.err)
		}
		if list := w.must(t, "list").out; !strings.Contains(list, "  "+status+"  ") {
			t.Errorf("%s: not %s\n%s", tag, status, list)
		}
	}
	up("1", "the health of environment shop-topic is not known: ", "ready", refused)
	up("2", "is up but its health is red", "incomplete", sandbox.Fault{On: "call", Type: call, Kind: sandbox.Red})
	up("3", "the health of environment shop-topic is not known: ", "incomplete", refused)
	up("4", "", "ready", sandbox.Fault{On: "call", Type: call, Times: 2, Kind: sandbox.Throttle})
}

// A bucket keeps its policy, its public access block and its versioning for as long as something is in it.
func TestGuardedUntilEmpty(t *testing.T) {
	t.Parallel()
	s := scenes["destroy"]
	w := s.enter(t)
	settings := func() []string {
		var all []sandbox.Resource
		decode(t, []byte(w.must(t, "sandbox", "resources", "--json").out), &all)
		var found []string
		for _, r := range all {
			if strings.HasPrefix(r.Type, "aws:s3/bucket") && strings.HasPrefix(r.Name, "shop-topic-") {
				found = append(found, r.Type)
			}
		}
		return found
	}
	before := settings()
	if len(before) < 6 {
		t.Fatalf("settings of the bucket: %v", before)
	}
	w.faults(t, sandbox.Fault{On: "call", Type: "s3:ListObjectVersions", Times: -1, Kind: sandbox.Expired})
	if r := w.run(t, s.command...); r.code != 1 {
		t.Fatalf("exit code %d\n%s", r.code, r.err)
	}
	if diff := cmp.Diff(before, settings()); diff != "" {
		t.Errorf("while the bucket is full (-before +now)\n%s", diff)
	}
}

// The receipt of a destroy that was resumed is about all that the first run found.
func TestResumedReceipt(t *testing.T) {
	t.Parallel()
	s := scenes["destroy"]
	deleted := func(w *world) []string {
		t.Helper()
		var got receipt
		decode(t, []byte(w.repeat(t, s.command...).out), &got)
		var names []string
		for _, r := range got.Deleted {
			text, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, steady(string(text)))
		}
		slices.Sort(names)
		return names
	}
	want := deleted(s.enter(t))
	for _, at := range []string{"after 1 destroy", "after 2 destroy", "before 1 stack rm"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			w := s.enter(t)
			w.killed(t, point{process: at}, s.command)
			if diff := cmp.Diff(want, deleted(w)); diff != "" {
				t.Errorf("-undisturbed +resumed\n%s", diff)
			}
			for _, file := range files(t, filepath.Join(w.state(), "..", ".branchenv")) {
				if strings.HasPrefix(file, "destroy/") {
					t.Errorf("left in the backend: %s", file)
				}
			}
		})
	}
}

// Two projects of one account want a certificate for the same domain: the second is told to use the first one's.
func TestCertificateTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "application")
	w.settings(t, "project: shop", "project: other")
	r := w.run(t, "application", "up")
	_, hint, _ := strings.Cut(r.err, "branchenv: hint: write ")
	line, _, found := strings.Cut(hint, " in the settings")
	if r.code != 1 || !found || !strings.HasPrefix(line, "certificate: arn:aws:acm:eu-central-1:") {
		t.Fatalf("exit code %d\n%s", r.code, r.err)
	}
	w.settings(t, "project: other", "project: other\n"+line)
	w.must(t, "application", "up")
}

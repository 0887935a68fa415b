//go:build unix

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A stack whose state is gone is listed, refused by every command that would do something with it, and found by doctor, whose remedy
// works. The other commands go on.
func TestStateGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "environment")
	w.git(t, "", "-c", "user.name=ada", "-c", "user.email=ada@example.com", "commit", "-q", "--allow-empty", "-m", "first")
	state := filepath.Join(w.state(), "stacks", "shop", "topic.json")
	if err := os.Remove(state); err != nil {
		t.Fatal(err)
	}
	const gone = "the state of stack topic is gone, and what it had may still be there: "
	for _, c := range []struct {
		code    int
		command []string
	}{
		{99, []string{"list"}},
		{99, []string{"reconcile"}},
		{3, []string{"show", "topic"}},
		{3, []string{"up", "topic", "--image", image}},
		{3, []string{"destroy", "topic", "--yes"}},
	} {
		if r := w.run(t, c.command...); r.code != c.code || !strings.Contains(r.err, gone) {
			t.Errorf("%v: exit code %d, want %d\n%s%s", c.command, r.code, c.code, r.out, r.err)
		}
	}
	if r := w.run(t, "list"); !strings.Contains(r.out, "topic") || !strings.Contains(r.out, "unreadable") {
		t.Errorf("list:\n%s", r.out)
	}
	told := w.must(t, "doctor", "topic").out
	remedy := regexp.MustCompile(`(?m)restore it from the newest copy .*: cp '?([^ ']+)'? '?([^ ']+)'?; then branchenv --sandbox up topic `).FindStringSubmatch(told)
	if remedy == nil || remedy[2] != state {
		t.Fatalf("doctor:\n%s", told)
	}
	data, err := os.ReadFile(remedy[1])
	if err == nil {
		err = os.WriteFile(remedy[2], data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.must(t, "up", "topic", "--image", image)
	w.must(t, "destroy", "topic", "--yes")
}

// The next run continues a creation, or a removal, that was interrupted, whatever it left; but not while AWS has something with the stack's tags.
func TestHalfAStack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "environment")
	stacks := filepath.Join(w.state(), "stacks", "shop")
	tags, err := os.ReadFile(filepath.Join(stacks, "topic.pulumi-tags"))
	if err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(stacks, "topic.json*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(left, filepath.Join(w.state(), "history", "shop", "topic")) {
		if err := os.Rename(file, filepath.Join(w.dir, "kept-"+filepath.Base(file))); err != nil {
			t.Fatal(err)
		}
	}
	for _, command := range [][]string{{"up", "topic", "--image", image}, {"destroy", "topic", "--yes"}} {
		if r := w.run(t, command...); r.code != 3 || !strings.Contains(r.err, "stack topic has no state, and AWS has ") {
			t.Errorf("%v: exit code %d\n%s", command, r.code, r.err)
		}
	}
	for _, file := range append(left, filepath.Join(w.state(), "history", "shop", "topic")) {
		if err := os.Rename(filepath.Join(w.dir, "kept-"+filepath.Base(file)), file); err != nil {
			t.Fatal(err)
		}
	}
	w.must(t, "destroy", "topic", "--yes")
	if err := os.WriteFile(filepath.Join(stacks, "topic.pulumi-tags"), tags, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := w.must(t, "list"); !strings.Contains(r.out, "empty") {
		t.Errorf("list:\n%s", r.out)
	}
	w.must(t, "destroy", "topic", "--yes")
	if r := w.must(t, "list"); strings.Contains(r.out, "topic") {
		t.Errorf("list after the destroy:\n%s", r.out)
	}
}

// A state that has lost resources gives no clean receipt: AWS is asked what else has the stack's tags.
func TestReceiptOfAStateThatLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "environment")
	file := filepath.Join(w.state(), "stacks", "shop", "topic.json")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var checkpoint map[string]any
	if err := json.Unmarshal(data, &checkpoint); err != nil {
		t.Fatal(err)
	}
	latest := checkpoint["checkpoint"].(map[string]any)["latest"].(map[string]any)
	latest["resources"] = latest["resources"].([]any)[:1]
	if data, err = json.Marshal(checkpoint); err == nil {
		err = os.WriteFile(file, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	r := w.run(t, "destroy", "topic", "--yes", "--json")
	var receipt struct{ Remaining []struct{ Type, Name string } }
	if err := json.Unmarshal([]byte(r.out), &receipt); err != nil {
		t.Fatalf("%v\n%s%s", err, r.out, r.err)
	}
	types := map[string]bool{}
	for _, x := range receipt.Remaining {
		types[x.Type] = true
	}
	if r.code != 1 || !types["aws:elasticbeanstalk/environment:Environment"] || !types["aws:rds/instance:Instance"] || !types["aws:s3/bucketV2:BucketV2"] {
		t.Errorf("exit code %d, remaining %+v\n%s", r.code, receipt.Remaining, r.err)
	}
}

// What a stack had is not forgotten with its tags: a blank state is not removed while AWS has something with the stack's tags, or its
// history or a copy tells of resources. And a stack of which nothing is left is not "nothing to do" while AWS has something of it.
func TestLostButAlive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "environment")
	stacks := filepath.Join(w.state(), "stacks", "shop")
	file, tags := filepath.Join(stacks, "topic.json"), filepath.Join(stacks, "topic.pulumi-tags")
	history := filepath.Join(w.state(), "history", "shop", "topic")
	whole, err := os.ReadFile(file)
	if err == nil {
		err = os.Remove(tags)
	}
	if err == nil {
		err = os.WriteFile(file, []byte(`{"version":3,"checkpoint":{"latest":{"resources":[]}}}`), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	kept := func(why string) {
		t.Helper()
		if r := w.run(t, "doctor", "topic", "--fix", "--yes"); !strings.Contains(r.out, why) {
			t.Errorf("want %q, exit code %d\n%s%s", why, r.code, r.out, r.err)
		}
		if _, err := os.Stat(file); err != nil {
			t.Fatal("doctor --fix removed the stack")
		}
	}
	kept("its last update succeeded")
	if err := os.RemoveAll(history); err != nil {
		t.Fatal(err)
	}
	kept("a copy of its state has ")
	for _, pattern := range []string{filepath.Join(stacks, "topic.json.bak"), filepath.Join(w.state(), "..", ".branchenv", "state-copies", "shop", "topic*")} {
		copies, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range copies {
			if err := os.Remove(c); err != nil {
				t.Fatal(err)
			}
		}
	}
	kept("AWS has ")

	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if r := w.run(t, "destroy", "topic", "--yes"); r.code != 1 || !strings.Contains(r.err, `branch "topic" has no stack, and AWS has `) || !strings.Contains(r.err, "doctor topic") {
		t.Errorf("exit code %d\n%s%s", r.code, r.out, r.err)
	}
	if err := os.WriteFile(file, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := w.run(t, "doctor", "--json"); !strings.Contains(r.out, "none of branchenv's tags") {
		t.Errorf("doctor:\n%s", r.out)
	}
}

// After a good destroy there is nothing to do, however often it is repeated.
func TestDestroyRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "environment")
	for range 3 {
		w.must(t, "destroy", "topic", "--yes")
	}
}

// A DNS record that the state has lost is in no index of AWS, and keeps the receipt from being clean.
func TestReceiptOfALostRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "environment")
	changeResources(t, filepath.Join(w.state(), "stacks", "shop", "topic.json"), func(all []any) []any {
		return slices.DeleteFunc(all, func(r any) bool { return r.(map[string]any)["type"] == "aws:route53/record:Record" })
	})
	r := w.run(t, "destroy", "topic", "--yes", "--json")
	if r.code != 1 || !strings.Contains(r.out, `"aws:route53/record:Record"`) {
		t.Errorf("exit code %d\n%s%s", r.code, r.out, r.err)
	}
}

// A state that only its outline can be read of is told of by doctor, which goes on.
func TestDoctorOfAnUnreadableProperty(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "environment")
	changeResources(t, filepath.Join(w.state(), "stacks", "shop", "topic.json"), func(all []any) []any {
		for _, r := range all {
			if r := r.(map[string]any); strings.HasPrefix(r["type"].(string), "pulumi:providers:") {
				r["inputs"] = "text"
			}
		}
		return all
	})
	found := w.doctor(t)
	if !slices.ContainsFunc(found, func(a ailment) bool { return a.Kind == "unreadable" && a.Stack == "topic" }) {
		t.Errorf("%+v", found)
	}
}

// changeResources changes a state by hand.
func changeResources(t *testing.T, file string, change func(all []any) []any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var checkpoint map[string]any
	if err := json.Unmarshal(data, &checkpoint); err != nil {
		t.Fatal(err)
	}
	latest := checkpoint["checkpoint"].(map[string]any)["latest"].(map[string]any)
	latest["resources"] = change(latest["resources"].([]any))
	if data, err = json.Marshal(checkpoint); err == nil {
		err = os.WriteFile(file, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

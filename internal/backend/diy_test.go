package backend

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/fault/faulttest"
	"github.com/branchenv/branchenv/internal/pulumitest"
	"github.com/branchenv/branchenv/stacks/names"
)

func openTest(t *testing.T, folder string) *diyBackend {
	t.Helper()
	b, err := openDIY(context.Background(), "file://"+folder, "shop")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// What branchenv reads straight from the backend is what the CLI says, and the CLI reads what branchenv writes.
func TestBackendAgreesWithCLI(t *testing.T) {
	t.Parallel()
	c := pulumitest.NewCLI(t)
	for _, name := range []string{"one", "one-more", "two"} {
		c.Run("stack", "init", name)
	}
	c.Run("stack", "tag", "set", names.TagBranch, "feature/one", "--stack", "one")
	b := openTest(t, c.Backend)
	ctx := context.Background()

	tags := map[string]string{names.TagBranch: "Ünïcode/<&>", names.TagHost: "two"}
	if err := b.SetTags(ctx, "two", tags); err != nil {
		t.Fatal(err)
	}
	var told map[string]string
	if err := json.Unmarshal([]byte(c.Run("stack", "tag", "ls", "--json", "--stack", "two")), &told); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(tags, told); diff != "" {
		t.Errorf("tags that the CLI reads differ (-set +read):\n%s", diff)
	}

	all, err := b.List(ctx)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]map[string]string{}
	for _, f := range all {
		got[f.Name] = f.Tags
		if !f.State.Empty() || f.LastUpdate != nil || len(f.Locks) != 0 || f.Status() != StatusEmpty {
			t.Errorf("a new stack is not empty: %+v", f)
		}
	}
	want := map[string]map[string]string{"one": {names.TagBranch: "feature/one"}, "one-more": {}, "two": tags}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("facts differ (-want +got):\n%s", diff)
	}
	var listed []struct{ Name string }
	if err := json.Unmarshal([]byte(c.Run("stack", "ls", "--json")), &listed); err != nil {
		t.Fatal(err)
	}
	if len(listed) != len(all) {
		t.Errorf("the CLI lists %d stacks, branchenv %d", len(listed), len(all))
	}
	one, err := b.Read(ctx, "one")
	if err != nil || one == nil || one.Name != "one" || one.State.SecretsProviders.Type != "passphrase" {
		t.Errorf("read one: %+v, %v", one, err)
	}
	if none, err := b.Read(ctx, "on"); none != nil || err != nil {
		t.Errorf("read of a prefix of a name: %+v, %v", none, err)
	}
}

// A stack of which something cannot be read says so, with the file and a remedy that fits it. It does not keep the others from being
// read, and it is never taken for one that is not there.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	const state = `{"version":3,"checkpoint":{"latest":{"manifest":{"time":"2026-01-01T00:00:00Z"}}}}`
	const restore = "restore it from the newest copy that can be read, of 2026-01-01 00:00 UTC with 0 AWS resources: cp FILE.bak FILE; then branchenv up "
	tests := map[string]struct{ file, content, want, hint string }{
		"state cut short":     {"stacks/shop/x.json", `{"version":3,"checkpoint":{"la`, "read the state of stack x: FILE: unexpected end of JSON input", restore + "topic brings it in line. What was made after the copy, branchenv doctor finds by its tags"},
		"state empty":         {"stacks/shop/x.json", ``, "read the state of stack x: FILE: unexpected end of JSON input", restore + "topic "},
		"state of a new kind": {"stacks/shop/x.json", `{"version":4}`, "read the state of stack x: FILE: checkpoint version 4, want 3", restore + "topic "},
		"state overwritten":   {"stacks/shop/x.json", state + `}`, "read the state of stack x: FILE: invalid character '}' after top-level value", restore + "topic "},
		"tags cut short": {"stacks/shop/x.pulumi-tags", `{"version":1,"tags":{"bran`, "read the tags of stack x: FILE: unexpected end of JSON input",
			"remove the file and set the tags again: rm FILE; export PULUMI_BACKEND_URL=file://DIR; pulumi stack tag set branchenv:project shop --stack organization/shop/x; " +
				"pulumi stack tag set branchenv:stack x --stack organization/shop/x; pulumi stack tag set branchenv:branch topic --stack organization/shop/x; " +
				"pulumi stack tag set branchenv:host host --stack organization/shop/x; pulumi stack tag set branchenv:bucket abcdef --stack organization/shop/x"},
		"tags of a new kind": {"stacks/shop/x.pulumi-tags", `{"version":2}`, "read the tags of stack x: FILE: version 2, want 1", "remove the file and set the tags again: rm FILE; "},
		"history":            {"history/shop/x/x-2.history.json", `{`, "read the history of stack x: FILE: unexpected end of JSON input", "remove the file; the one before it counts then, and the next up or destroy writes a new one: rm FILE"},
		"lock":               {"locks/organization/shop/x/1.json", `{`, "read the lock of stack x: FILE: unexpected end of JSON input", "if nobody works on the stack, remove the file: rm FILE"},
		"half a lock":        {"locks/organization/shop/x/1.json.18eb3fc99.tmp", `{"pid`, "read the lock of stack x: FILE: an interrupted write left half of it", "if nobody works on the stack, remove the file: rm FILE"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, stack := range []string{"w", "x", "x-1", "y"} {
				pulumitest.WriteFile(t, filepath.Join(dir, ".pulumi/stacks/shop", stack+".json"), state)
				pulumitest.WriteFile(t, filepath.Join(dir, ".pulumi/stacks/shop", stack+".json.bak"), state)
				pulumitest.WriteFile(t, filepath.Join(dir, ".pulumi/stacks/shop", stack+".pulumi-tags"), `{"version":1,"tags":{"branchenv:branch":"topic"}}`)
				pulumitest.WriteFile(t, filepath.Join(dir, ".pulumi/history/shop", stack, stack+"-1.history.json"),
					`{"kind":"update","result":"succeeded","config":{"shop:environment":{"branch":"topic","host":"host","bucketSuffix":"abcdef"}}}`)
			}
			pulumitest.WriteFile(t, filepath.Join(dir, ".pulumi/meta.yaml"), "version: 1")
			file := filepath.Join(dir, ".pulumi", test.file)
			pulumitest.WriteFile(t, file, test.content)
			long := time.Now().Add(-time.Hour)
			if err := os.Chtimes(file, long, long); err != nil {
				t.Fatal(err)
			}
			b := openTest(t, dir)
			all, err := b.List(t.Context())
			if err != nil || len(all) != 4 {
				t.Fatalf("%d stacks, %v", len(all), err)
			}
			_, alone := b.Read(t.Context(), "x")
			for _, f := range all {
				if f.Name != "x" {
					if f.Broken != nil || f.identity("shop").Branch != "topic" {
						t.Errorf("another stack, %s: %v", f.Name, f.Broken)
					}
					continue
				}
				for _, err := range []error{f.Broken, alone} {
					got := strings.NewReplacer(file, "FILE", dir, "DIR").Replace(faulttest.Message(err) + "\n" + fault.Hint(err).String())
					if !strings.HasPrefix(got, test.want+"\n"+test.hint) || f.Status() != StatusUnreadable || fault.Code(err) != fault.Failed {
						t.Errorf("status %s, code %d, %s\nwant %s\n%s", f.Status(), fault.Code(err), got, test.want, test.hint)
					}
				}
			}
		})
	}
	dir := t.TempDir()
	pulumitest.WriteFile(t, filepath.Join(dir, ".pulumi/meta.yaml"), `version: 2`)
	if _, err := openDIY(t.Context(), "file://"+dir, "shop"); !strings.Contains(faulttest.Message(err), "has layout version 2; this branchenv knows version 1") || fault.Hint(err).IsZero() {
		t.Errorf("a new layout: %v", err)
	}
}

// A stack without a checkpoint is one that does not exist only if nothing but copies is left of it. Else it is one whose making or removal
// was interrupted, if nothing can have been lost; or its state is gone, which is no absence.
func TestLostState(t *testing.T) {
	t.Parallel()
	const bucket = `{"urn":"urn:pulumi:x::shop::aws:s3/bucketV2:BucketV2::b","custom":true,"id":"b","type":"aws:s3/bucketV2:BucketV2"}`
	empty, full := `{"version":3,"checkpoint":{}}`, `{"version":3,"checkpoint":{"latest":{"manifest":{"time":"2026-01-01T00:00:00Z"},"resources":[`+bucket+`]}}}`
	tags, bak, history := "stacks/shop/x.pulumi-tags", "stacks/shop/x.json.bak", "history/shop/x/x-1.history.json"
	const tagged, updated, destroyed = `{"version":1,"tags":{"branchenv:branch":"x"}}`, `{"kind":"update","result":"succeeded"}`, `{"kind":"destroy","result":"succeeded"}`
	for name, test := range map[string]struct {
		files map[string]string
		want  string // absent, half, gone
	}{
		"a copy of a stack that was removed":           {map[string]string{bak: empty}, "absent"},
		"a copy of a stack that was removed by force":  {map[string]string{bak: full}, "absent"},
		"tags before the first checkpoint":             {map[string]string{tags: tagged}, "half"},
		"removed before its first update, with tags":   {map[string]string{tags: tagged, bak: empty}, "half"},
		"destroyed and removed, with tags and history": {map[string]string{tags: tagged, bak: empty, history: destroyed}, "half"},
		"destroyed and removed, with history":          {map[string]string{bak: empty, history: destroyed}, "half"},
		"gone after an update":                         {map[string]string{tags: tagged, bak: full, history: updated}, "gone"},
		"gone, with tags and a copy":                   {map[string]string{tags: tagged, bak: full}, "gone"},
		"gone, with tags and a copy that is damaged":   {map[string]string{tags: tagged, bak: "{"}, "gone"},
		"gone, with history":                           {map[string]string{history: updated}, "gone"},
		"gone after a destroy that left something":     {map[string]string{tags: tagged, bak: full, history: destroyed}, "gone"},
		"gone after a destroy that failed":             {map[string]string{tags: tagged, bak: empty, history: `{"kind":"destroy","result":"failed"}`}, "gone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			pulumitest.WriteFile(t, filepath.Join(dir, ".pulumi/meta.yaml"), "version: 1")
			for file, content := range test.files {
				pulumitest.WriteFile(t, filepath.Join(dir, ".pulumi", file), content)
			}
			b := openTest(t, dir)
			all, err := b.List(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := "absent"
			for _, f := range all {
				switch {
				case f.Unfinished && f.Broken == nil && f.Status() == StatusEmpty:
					got = "half"
				case strings.HasPrefix(faulttest.Message(f.Broken), "the state of stack x is gone, and what it had may still be there: ") && f.Status() == StatusUnreadable:
					got = "gone"
				default:
					got = fmt.Sprintf("%+v", f)
				}
			}
			one, err := b.Read(t.Context(), "x")
			if got != test.want || (one == nil) != (got != "half") || (err != nil) != (got == "gone") || err != nil && fault.Code(err) != fault.Refused {
				t.Errorf("%s, want %s; alone %+v, %v", got, test.want, one, err)
			}
			// Nothing is made over what may be the last of it.
			before := pulumitest.Files(t, dir)
			if err := b.Create(t.Context(), "x", map[string]string{names.TagBranch: "x"}, nobodyDead); (err != nil) != (got == "gone") {
				t.Errorf("create: %v", err)
			} else if diff := cmp.Diff(before, pulumitest.Files(t, dir)); err != nil && diff != "" {
				t.Errorf("create changed what is there:\n%s", diff)
			}
		})
	}
}

// A lock that somebody is just writing is no half lock.
func TestLockBeingWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pulumitest.WriteFile(t, filepath.Join(dir, ".pulumi/stacks/shop/x.json"), `{"version":3,"checkpoint":{}}`)
	pulumitest.WriteFile(t, filepath.Join(dir, ".pulumi/meta.yaml"), "version: 1")
	pulumitest.WriteFile(t, filepath.Join(dir, ".pulumi/locks/organization/shop/x/1.json.18eb3fc99.tmp"), `{"pid`)
	if f, err := openTest(t, dir).Read(t.Context(), "x"); err != nil || len(f.Locks) != 0 {
		t.Errorf("%+v, %v", f, err)
	}
}

// Of several history files the last one counts, by the time in its name and not by the order of the alphabet.
func TestLastUpdate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pulumitest.WriteFile(t, filepath.Join(dir, ".pulumi/meta.yaml"), "version: 1")
	pulumitest.WriteFile(t, filepath.Join(dir, ".pulumi/stacks/shop/x-1.json"), `{"version":3,"checkpoint":{}}`)
	for nanos, result := range map[string]string{"999": "failed", "1000": "succeeded", "99": "failed"} {
		pulumitest.WriteFile(t, filepath.Join(dir, ".pulumi/history/shop/x-1/x-1-"+nanos+".history.json"), `{"kind":"update","result":"`+result+`"}`)
		pulumitest.WriteFile(t, filepath.Join(dir, ".pulumi/history/shop/x-1/x-1-"+nanos+".checkpoint.json"), `{}`)
	}
	f, err := openTest(t, dir).Read(context.Background(), "x-1")
	if err != nil {
		t.Fatal(err)
	}
	if !f.LastUpdate.Succeeded() {
		t.Errorf("last update %+v, want the one that succeeded", f.LastUpdate)
	}
}

// A lock is broken only if branchenv's own note proves that its holder was a process that can be seen from here, and is gone.
func TestAbandoned(t *testing.T) {
	t.Parallel()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	ended := exec.Command("true")
	if err := ended.Start(); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	dead := newHolder(ended.Process.Pid, now)
	if err := ended.Wait(); err != nil {
		t.Fatal(err)
	}
	living := newHolder(os.Getpid(), now)
	with := func(h holder, change func(*holder)) holder {
		change(&h)
		return h
	}
	for name, test := range map[string]struct {
		pid    int
		host   string
		taken  time.Time
		notes  []holder
		broken bool
	}{
		"dead":                               {dead.Pid, host, now, []holder{dead}, true},
		"alive":                              {living.Pid, host, now, []holder{living}, false},
		"dead, by hand":                      {dead.Pid, host, now, nil, false},
		"dead, its number given anew":        {living.Pid, host, now, []holder{with(living, func(h *holder) { h.Start = "1" })}, living.Start != ""},
		"of another namespace":               {dead.Pid, host, now, []holder{with(dead, func(h *holder) { h.Space = "pid:[1]" })}, false},
		"of another kernel":                  {dead.Pid, host, now, []holder{with(dead, func(h *holder) { h.Boot = "another" })}, false},
		"of two namespaces":                  {dead.Pid, host, now, []holder{dead, with(dead, func(h *holder) { h.Space = "pid:[1]" })}, false},
		"of another machine":                 {dead.Pid, "elsewhere", now, []holder{dead}, false},
		"taken before the process that died": {dead.Pid, host, now.Add(-time.Minute), []holder{dead}, false},
		"taken long after it":                {dead.Pid, host, now.Add(2 * maxLockDelay), []holder{dead}, false},
		"of another number":                  {dead.Pid + 1, host, now, []holder{dead}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			pulumitest.WriteFile(t, filepath.Join(dir, ".pulumi/meta.yaml"), "version: 1")
			pulumitest.WriteFile(t, filepath.Join(dir, ".pulumi/stacks/shop/x.json"), `{"version":3,"checkpoint":{}}`)
			pulumitest.WriteJSON(t, filepath.Join(dir, ".pulumi/locks/organization/shop/x/1.json"), Lock{Pid: test.pid, Hostname: test.host, Username: "ada", Timestamp: test.taken})
			for i, h := range test.notes {
				pulumitest.WriteJSON(t, filepath.Join(dir, fmt.Sprintf(".branchenv/holders/shop/x/%d-%d.json", h.Pid, i)), h)
			}
			b := openTest(t, dir)
			f, err := b.Read(t.Context(), "x")
			if err != nil {
				t.Fatal(err)
			}
			if f.Status() != StatusUpdating {
				t.Errorf("status %s, want updating", f.Status())
			}
			for _, l := range f.Locks {
				if l.Abandoned() {
					err = b.BreakLock(t.Context(), l)
				}
			}
			again, readErr := b.Read(t.Context(), "x")
			if readErr != nil {
				t.Fatal(readErr)
			}
			if test.broken {
				if err != nil || len(again.Locks) != 0 {
					t.Errorf("error %v, locks %+v", err, again.Locks)
				}
				if left := pulumitest.Files(t, filepath.Join(dir, ".branchenv")); len(left) != 0 {
					t.Errorf("notes that stay: %v", left)
				}
				return
			}
			if want := fmt.Sprintf("ada@%s, process %d, for ", test.host, test.pid); len(again.Locks) != 1 || !strings.HasPrefix(again.Locks[0].Describe(time.Now()), want) {
				t.Errorf("locks %+v, want %s", again.Locks, want)
			}
		})
	}
}

// A note stays only as long as the process, or a lock that it left behind.
func TestHold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := openTest(t, dir)
	notes := func() int { return len(pulumitest.Files(t, dir)) }
	release := b.Hold(t.Context(), "x", os.Getpid())
	if notes() != 1 {
		t.Errorf("%d notes of a process, want 1", notes())
	}
	release()
	if notes() != 0 {
		t.Errorf("%d notes after it has ended, want none", notes())
	}
	release = b.Hold(t.Context(), "x", os.Getpid())
	if _, err := b.lock(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	release()
	if notes() != 2 {
		t.Errorf("%d files after it has ended and left a lock, want the lock and the note", notes())
	}
}

// What lies in the place of a file and is none is neither waited for nor taken for an absence.
func TestNoRegularFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pulumitest.WriteFile(t, filepath.Join(dir, ".pulumi/meta.yaml"), "version: 1")
	pulumitest.WriteFile(t, filepath.Join(dir, ".pulumi/stacks/shop/x.json"), `{"version":3,"checkpoint":{}}`)
	pulumitest.WriteFile(t, filepath.Join(dir, ".pulumi/locks/organization/shop/x/1.json"), `{}`)
	tags := filepath.Join(dir, ".pulumi/stacks/shop/x.pulumi-tags")
	for _, folder := range []string{tags, filepath.Join(dir, ".branchenv")} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, ".branchenv/index-shop.json.zst"), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := openTest(t, dir).List(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	if want := "read the tags of stack x: " + tags + ": " + strconv.Quote(tags) + " is a directory"; faulttest.Message(all[0].Broken) != want {
		t.Errorf("%v\nwant %s", all[0].Broken, want)
	}
	if got := all[0].Locks[0].Describe(time.Now()); got != "a lock that does not say whose it is" {
		t.Error(got)
	}
}

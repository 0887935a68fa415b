package stacks

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

// Of the outline of a state everything that a list tells is as true as of the whole.
func TestOutline(t *testing.T) {
	t.Parallel()
	const (
		root    = `{"urn":"urn:pulumi:x::shop::pulumi:pulumi:Stack::shop-x","type":"pulumi:pulumi:Stack","outputs":{"url":"https://x","bucket":"b"}}`
		bare    = `{"urn":"urn:pulumi:x::shop::pulumi:pulumi:Stack::shop-x","type":"pulumi:pulumi:Stack"}`
		aws     = `{"urn":"urn:pulumi:x::shop::pulumi:providers:aws::default","custom":true,"id":"1","type":"pulumi:providers:aws","inputs":{"region":"r"}}`
		part    = `{"urn":"urn:pulumi:x::shop::branchenv:index:Bucket::assets","type":"branchenv:index:Bucket","parent":"urn:pulumi:x::shop::pulumi:pulumi:Stack::shop-x"}`
		bucket  = `{"urn":"urn:pulumi:x::shop::aws:s3/bucketV2:BucketV2::b","custom":true,"id":"b","type":"aws:s3/bucketV2:BucketV2","inputs":{"bucket":"b"},"outputs":{"bucket":"b","tagsAll":{"branchenv:project":"shop","branchenv:stack":"x"}}}`
		record  = `{"urn":"urn:pulumi:x::shop::aws:route53/record:Record::r","custom":true,"id":"r","type":"aws:route53/record:Record","outputs":{"name":"x"}}`
		another = `{"urn":"urn:pulumi:x::shop::aws:rds/instance:Instance::d","custom":true,"id":"d","type":"aws:rds/instance:Instance","inputs":{"identifier":"shop-y"},"outputs":{"tagsAll":{"branchenv:project":"shop","branchenv:stack":"y"}}}`
		inputs  = `{"urn":"urn:pulumi:x::shop::aws:rds/instance:Instance::d","custom":true,"id":"d","type":"aws:rds/instance:Instance","inputs":{"tagsAll":{"branchenv:project":"other","branchenv:stack":"x"}}}`
		moved   = `{"urn":"urn:pulumi:y::shop::aws:route53/record:Record::r","custom":true,"id":"r2","type":"aws:route53/record:Record"}`
		read    = `{"urn":"urn:pulumi:x::shop::aws:ec2/vpc:Vpc::v","custom":true,"external":true,"id":"v","type":"aws:ec2/vpc:Vpc","outputs":{"tagsAll":{"branchenv:project":"shop","branchenv:stack":"application"}}}`
		random  = `{"urn":"urn:pulumi:x::shop::random:index/randomId:RandomId::i","custom":true,"id":"i","type":"random:index/randomId:RandomId"}`
	)
	resources := []string{root, bare, aws, part, bucket, record, another, inputs, moved, read, random}
	choose := rand.New(rand.NewPCG(1, 2))
	var listed []string
	dir := t.TempDir()
	write(t, filepath.Join(dir, ".pulumi/meta.yaml"), "version: 1")
	for i := range 200 {
		var some []string
		for _, r := range resources {
			if choose.IntN(3) == 0 {
				some = append(some, r)
			}
		}
		choose.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
		pending := ""
		if choose.IntN(4) == 0 {
			pending = `,"pending_operations":[{"type":"creating","resource":` + bucket + `}]`
		}
		folder := fmt.Sprint(i)
		listed = append(listed, folder)
		write(t, filepath.Join(dir, folder, "x.json"), `{"version":3,"checkpoint":{"latest":{"manifest":{"time":"2026-01-01T00:00:00Z"},"resources":[`+strings.Join(some, ",")+`]`+pending+`}}}`)
	}
	b := openTest(t, dir)
	m := folderManager(t, dir)
	foreign := 0
	for _, name := range listed {
		o := object{key: name + "/x.json"}
		whole, err := b.state(t.Context(), "x", o)
		if err != nil {
			t.Fatal(err)
		}
		outline, err := b.stateOutline(t.Context(), "x", o)
		if err != nil {
			t.Fatal(err)
		}
		says := func(s state) []any {
			f := facts{name: "x", project: "shop", tags: map[string]string{tagBranch: "x"}, state: s, last: &update{Kind: "update", Result: "succeeded"}, changed: s.Manifest.Time}
			resource, owner := f.foreign()
			untagged := f
			untagged.tags = nil
			return []any{m.environment(f, RulesOf(m.File)), stackFact(m.File.Project, f), stackFact(m.File.Project, untagged), m.examineStack(f), m.examineStack(untagged), s.outputs(), resource, owner}
		}
		if diff := cmp.Diff(says(whole), says(outline), cmp.AllowUnexported(Ailment{}, lock{}, holder{})); diff != "" {
			t.Fatalf("%s: what the whole state says, and what its outline says, differ (-whole +outline):\n%s", name, diff)
		}
		if _, owner := (facts{name: "x", project: "shop", state: whole}).foreign(); owner != "" {
			foreign++
		}
	}
	if foreign == 0 || foreign == len(listed) {
		t.Errorf("%d of %d states have another stack's resources: the test tells nothing", foreign, len(listed))
	}
}

// With the index a list says what it says without, whatever has been done to the backend since the index was written: also what changes
// neither a file's size nor, beyond what its file system tells apart, its time.
func TestIndexAgrees(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, ".pulumi/meta.yaml"), "version: 1")
	b := openTest(t, dir)
	choose := rand.New(rand.NewPCG(3, 4))
	clock := time.Now().Add(-time.Hour) // of the file system, and of whoever reads
	b.now = func() time.Time { return clock }
	put := func(file, content string) {
		file = filepath.Join(dir, ".pulumi", file)
		write(t, file, content)
		if err := os.Chtimes(file, clock, clock); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(file string) {
		if err := os.RemoveAll(filepath.Join(dir, ".pulumi", file)); err != nil {
			t.Fatal(err)
		}
	}
	mutate := func() {
		name := fmt.Sprintf("s%d", choose.IntN(40))
		digit := choose.IntN(10)
		state := fmt.Sprintf(`{"version":3,"checkpoint":{"latest":{"resources":[{"type":"pulumi:pulumi:Stack","outputs":{"url":"https://%d"}}]}}}`, digit)
		switch choose.IntN(9) {
		case 0, 1, 2:
			put("stacks/shop/"+name+".json", state)
		case 3:
			put("stacks/shop/"+name+".pulumi-tags", fmt.Sprintf(`{"version":1,"tags":{"branchenv:branch":"%d"}}`, digit))
		case 4:
			put(fmt.Sprintf("history/shop/%s/%s-%d.history.json", name, name, choose.IntN(3)), fmt.Sprintf(`{"kind":"update","result":"succeeded","endTime":%d}`, digit))
		case 5:
			remove("stacks/shop/" + name + ".pulumi-tags")
		case 6:
			remove("stacks/shop/" + name + ".json")
		case 7:
			remove("history/shop/" + name)
		case 8:
			put("stacks/shop/"+name+".json", state[:len(state)-choose.IntN(2)]) // damaged, half of the time
		}
	}
	used := 0
	for round := range 150 {
		for range choose.IntN(12) {
			mutate()
			if choose.IntN(3) == 0 {
				clock = clock.Add(time.Duration(choose.IntN(3000)) * time.Millisecond)
			}
		}
		with, err := b.list(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ix := b.openIndex(t.Context())
		inv, err := b.inventory(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		for name, k := range inv {
			if _, ok := ix.get(name, k); ok {
				used++
			}
		}
		kept, err := os.ReadFile(filepath.Join(dir, b.indexKey()))
		if err != nil && round > 50 {
			t.Fatal(err)
		}
		_ = os.Remove(filepath.Join(dir, b.indexKey()))
		without, err := b.list(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(told(without), told(with)); diff != "" {
			t.Fatalf("round %d: (-without the index +with it)\n%s", round, diff)
		}
		if kept != nil {
			write(t, filepath.Join(dir, b.indexKey()), string(kept))
		}
		if choose.IntN(3) > 0 {
			clock = clock.Add(time.Minute)
		}
	}
	if used < 100 {
		t.Errorf("the index told of %d stacks only: the test tells nothing", used)
	}
}

// told is what facts say, for comparing.
func told(all []facts) []string {
	var lines []string
	for _, f := range all {
		last := "-"
		if f.last != nil {
			last = fmt.Sprint(*f.last)
		}
		lines = append(lines, fmt.Sprintf("%s %v %v %s %v %v %v", f.name, f.tags, f.state, last, f.broken, f.half, f.locks))
	}
	return lines
}

// What is destroyed, and what is shown of one environment, is read from where it is kept, whatever the index says; and an index that is
// damaged, or of another format, is as good as none.
func TestIndexIsNotBelieved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	long := time.Now().Add(-time.Hour)
	for i := range 2 * worthSaving {
		keepBackend(t, dir, fmt.Sprintf("s%d", i))
	}
	err := filepath.WalkDir(filepath.Join(dir, ".pulumi"), func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chtimes(path, long, long)
	})
	if err != nil {
		t.Fatal(err)
	}
	m := folderManager(t, dir)
	m.account = "123456789012"
	b := m.backend.(*diyBackend)
	honest, err := b.list(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, b.indexKey()))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := m.PlanDestroy(t.Context(), "s3")
	if err != nil {
		t.Fatal(err)
	}
	decoder, _ := zstd.NewReader(nil)
	text, err := decoder.DecodeAll(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	forged := strings.ReplaceAll(string(text), `"branchenv:branch":"s3"`, `"branchenv:branch":"s4"`)
	encoder, _ := zstd.NewWriter(nil)
	write(t, filepath.Join(dir, b.indexKey()), string(encoder.EncodeAll([]byte(forged), nil)))
	if listed, err := b.list(t.Context()); err != nil || cmp.Equal(told(honest), told(listed)) {
		t.Fatalf("the forged index is not even read, %v: the test tells nothing", err)
	}
	again, err := m.PlanDestroy(t.Context(), "s3")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plan, again, cmp.AllowUnexported(Destruction{}, facts{}, lock{}, holder{})); diff != "" {
		t.Errorf("what would be destroyed (-by the objects +by a forged index):\n%s", diff)
	}
	if e, err := m.Show(t.Context(), "s3"); err != nil || e.Branch != "s3" {
		t.Errorf("%+v, %v", e, err)
	}
	for name, content := range map[string]string{"damaged": "rubbish", "empty": "", "another format": string(encoder.EncodeAll([]byte(strings.Replace(forged, `"format":1`, `"format":99`, 1)), nil))} {
		write(t, filepath.Join(dir, b.indexKey()), content)
		listed, err := b.list(t.Context())
		if diff := cmp.Diff(told(honest), told(listed)); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}

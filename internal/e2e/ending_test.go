//go:build unix

package e2e

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// ending is how a world looks after a command, without what is random or tells the time. Two endings are equal where
// the same things exist in AWS, with the same tags, and branchenv knows the same of them.
type ending struct {
	Resources []string // in AWS
	Bundles   []string // objects in the versions bucket
	Stacks    map[string]stackEnding
	Left      []string // locks and work directories that nobody needs any more
}

// stackEnding is what the backend has of a stack.
type stackEnding struct {
	Resources []string
	Pending   int
	Tags      map[string]string
}

// random is what differs from world to world: the suffix of bucket names, made-up ids, times in names.
var random = regexp.MustCompile(`(shop-(topic|application))-[a-z0-9]{6}\b|(sgrule-)[0-9a-f]+|[0-9]{14}\.[0-9]{6}|[0-9a-f]{16}`)

func steady(s string) string { return random.ReplaceAllString(s, "$1$3*") }

// ending looks at everything.
func (w *world) ending(t *testing.T) ending {
	t.Helper()
	e := ending{Resources: w.resources(t), Bundles: []string{}, Stacks: map[string]stackEnding{}, Left: []string{}}
	for _, path := range files(t, filepath.Join(w.aws(), "s3")) {
		if i := strings.Index(path, "topic/"); i >= 0 {
			e.Bundles = append(e.Bundles, path[i:])
		}
	}
	for _, path := range files(t, filepath.Join(w.state(), "stacks", "shop")) {
		if name, ok := strings.CutSuffix(path, ".json"); ok {
			e.Stacks[name] = w.stack(t, name)
		}
	}
	e.Left = append(e.Left, files(t, filepath.Join(w.state(), "locks"))...)
	e.Left = append(e.Left, files(t, filepath.Join(filepath.Dir(w.state()), ".branchenv", "holders"))...)
	entries, err := os.ReadDir(w.tmp())
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		e.Left = append(e.Left, entry.Name())
	}
	return e
}

func (w *world) resources(t *testing.T) []string {
	t.Helper()
	var resources []struct {
		Type, Name, Status string
		Tags               map[string]string
	}
	decode(t, []byte(w.must(t, "sandbox", "resources", "--json").out), &resources)
	lines := []string{}
	for _, r := range resources {
		line := r.Type + " " + steady(r.Name) + " " + r.Status
		for _, key := range slices.Sorted(maps.Keys(r.Tags)) {
			line += " " + key + "=" + r.Tags[key]
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

func (w *world) stack(t *testing.T, name string) stackEnding {
	t.Helper()
	state := w.checkpoint(t, name)
	e := stackEnding{Resources: []string{}, Pending: len(state.Pending)}
	for _, r := range state.Resources {
		e.Resources = append(e.Resources, r.URN)
	}
	slices.Sort(e.Resources)
	var tags struct{ Tags map[string]string }
	data, err := os.ReadFile(filepath.Join(w.state(), "stacks", "shop", name+".pulumi-tags"))
	if err != nil {
		t.Fatal(err)
	}
	decode(t, data, &tags)
	e.Tags = tags.Tags
	delete(e.Tags, "branchenv:updated") // of a first up there is none
	for key, value := range e.Tags {    // the source is the project's own folder, another one in each test
		e.Tags[key] = strings.ReplaceAll(value, w.dir, "DIR")
	}
	for _, key := range []string{"branchenv:bucket", "branchenv:created"} {
		if e.Tags[key] != "" {
			e.Tags[key] = "*"
		}
	}
	for _, key := range []string{"branchenv:source", "branchenv:sourceName"} { // each world is a repository of its own
		if e.Tags[key] != "" {
			e.Tags[key] = strings.ReplaceAll(e.Tags[key], w.dir, "*")
		}
	}
	return e
}

// checkpoint is the part of a stack's state that the tests look at.
type checkpoint struct {
	Resources []struct {
		URN, Type string
		Custom    bool
	} `json:"resources"`
	Pending []any `json:"pending_operations"`
}

func (w *world) checkpoint(t *testing.T, stack string) checkpoint {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(w.state(), "stacks", "shop", stack+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Checkpoint struct{ Latest checkpoint } }
	decode(t, data, &file)
	return file.Checkpoint.Latest
}

func decode(t *testing.T, data []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%v in %q", err, data)
	}
}

// files lists the files below a folder by their paths in it; there may be none.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil && path == "." {
			return fs.SkipAll
		}
		if err == nil && !d.IsDir() {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

package backend

import (
	"context"
	"encoding/json"
	"maps"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
)

// index holds the outlines of stacks together with the versions of the objects that they were read from. As long as the versions
// are the same, the objects need not be read: for 2000 stacks they have a quarter of a gigabyte. The index lies in the backend,
// so every machine finds it.
//
// The objects decide. A stack is looked up by the current versions of its objects. An index that is missing, damaged or of
// another format is ignored. A stack that is changed or destroyed is always read from its objects (Read, not List).
type index struct {
	mu      sync.Mutex
	loaded  map[string]indexed // as read from the backend
	updated map[string]indexed // as it will be saved
	added   int                // how many stacks had to be read
}

// indexed is the index entry of one stack.
type indexed struct {
	Checkpoint string            `json:"checkpoint"` // version of the object
	TagsFile   string            `json:"tagsFile"`   // version of the object, "" if there is none
	History    string            `json:"history"`    // key and version of the newest
	State      State             `json:"state"`      // in outline
	Tags       map[string]string `json:"tags"`
	Last       *Update           `json:"last"`
}

// indexFormat changes whenever the content of an outline changes.
const indexFormat = 1

type indexFile struct {
	Format int                `json:"format"`
	Stacks map[string]indexed `json:"stacks"`
}

// minChangesToSave is how many stacks must have changed before the index is written again: reading fewer takes no time.
const minChangesToSave = 16

// settleTime is the least age of a file at which its modification time identifies its content: a younger file may still change
// within the same tick and keep its size. Git treats its index in the same way (Documentation/technical/racy-git.txt). The
// coarsest file systems have ticks of two seconds.
const settleTime = 3 * time.Second

func (b *diyBackend) indexKey() string { return ".branchenv/index-" + b.project + ".json.zst" }

// openIndex reads the index. It is empty if there is none.
func (b *diyBackend) openIndex(ctx context.Context) *index {
	ix := &index{loaded: map[string]indexed{}, updated: map[string]indexed{}}
	var file indexFile
	if err := b.decode(ctx, b.indexKey(), &file); err == nil && file.Format == indexFormat && file.Stacks != nil {
		ix.loaded = file.Stacks
	}
	return ix
}

// get returns the facts of a stack from the index, if they are still current.
func (ix *index) get(name string, k *stackObjects) (Facts, bool) {
	x, ok := ix.loaded[name]
	if !ok || !x.isCurrent(k) {
		return Facts{}, false
	}
	ix.mu.Lock()
	defer ix.mu.Unlock()
	ix.updated[name] = x
	tags := x.Tags
	if tags == nil {
		tags = map[string]string{}
	}
	return Facts{Tags: tags, State: x.State, LastUpdate: x.Last, Changed: x.State.Manifest.Time}, true
}

// isCurrent reports whether x was read from the current versions of the objects.
func (x indexed) isCurrent(k *stackObjects) bool {
	if k.checkpoint.version == "" || k.tags.key != "" && k.tags.version == "" {
		return false
	}
	return x.Checkpoint == k.checkpoint.key+" "+k.checkpoint.version && x.TagsFile == k.tags.version && x.History == k.newest()
}

// newest returns the key and version of the newest history entry.
func (k *stackObjects) newest() string {
	if k.history.key == "" {
		return ""
	}
	return k.history.key + " " + k.history.version
}

// put adds the facts of a stack that were read from the time read on. It adds nothing if an object may have changed since without
// a change of its version.
func (ix *index) put(name string, k *stackObjects, f Facts, read time.Time) {
	for _, o := range []object{k.checkpoint, k.tags, k.history} {
		if o.key != "" && (o.version == "" || o.modified.After(read.Add(-settleTime))) {
			return
		}
	}
	ix.mu.Lock()
	defer ix.mu.Unlock()
	ix.added++
	ix.updated[name] = indexed{
		Checkpoint: k.checkpoint.key + " " + k.checkpoint.version, TagsFile: k.tags.version, History: k.newest(),
		State: f.State, Tags: maps.Clone(f.Tags), Last: f.LastUpdate,
	}
}

// save writes the index if enough has changed. Errors are ignored: without permission or room there is no index.
func (ix *index) save(ctx context.Context, b *diyBackend) {
	if ix.added < minChangesToSave {
		return
	}
	data, err := json.Marshal(indexFile{indexFormat, ix.updated})
	if err != nil {
		return
	}
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		return
	}
	_ = b.bucket.WriteAll(ctx, b.indexKey(), encoder.EncodeAll(data, nil), nil)
}

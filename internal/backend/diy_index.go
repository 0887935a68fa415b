package backend

import (
	"context"
	"encoding/json"
	"maps"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
)

// index is what list tells of each stack, as it was read from such and such versions of the stack's objects. It saves reading them as
// long as they are the same: of 2000 stacks that is a quarter of a gigabyte. It lies in the backend, where every machine finds it.
//
// The objects are what counts. A stack is looked up by the versions that its objects have now; an index that is missing, damaged or of
// another format is as good as none; and what is changed or destroyed is always read from the objects themselves (read, not list).
type index struct {
	mu      sync.Mutex
	loaded  map[string]indexed // as it was
	updated map[string]indexed // as it is to be
	added   int                // how many stacks had to be read
}

// indexed is one stack.
type indexed struct {
	Checkpoint string            `json:"checkpoint"` // version of the object
	TagsFile   string            `json:"tagsFile"`   // version of the object, "" if there is none
	History    string            `json:"history"`    // key and version of the newest
	State      State             `json:"state"`      // in outline
	Tags       map[string]string `json:"tags"`
	Last       *Update           `json:"last"`
}

// indexFormat changes with what an outline holds.
const indexFormat = 1

type indexFile struct {
	Format int                `json:"format"`
	Stacks map[string]indexed `json:"stacks"`
}

// minChangesToSave is how many stacks must have changed for the index to be written anew: reading fewer takes no time.
const minChangesToSave = 16

// settleTime is how old a file must be when it is read for its modification time to tell it apart from a later one of the same size. Git
// treats its index in the same way (Documentation/technical/racy-git.txt). The coarsest file systems count in steps of two seconds.
const settleTime = 3 * time.Second

func (b *diyBackend) indexKey() string { return ".branchenv/index-" + b.project + ".json.zst" }

// openIndex reads the index. There may be none.
func (b *diyBackend) openIndex(ctx context.Context) *index {
	ix := &index{loaded: map[string]indexed{}, updated: map[string]indexed{}}
	var file indexFile
	if err := b.decode(ctx, b.indexKey(), &file); err == nil && file.Format == indexFormat && file.Stacks != nil {
		ix.loaded = file.Stacks
	}
	return ix
}

// get returns what the index says of a stack, if that is still so.
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

// isCurrent reports that x was read from the versions that there are now.
func (x indexed) isCurrent(k *stackObjects) bool {
	if k.checkpoint.version == "" || k.tags.key != "" && k.tags.version == "" {
		return false
	}
	return x.Checkpoint == k.checkpoint.key+" "+k.checkpoint.version && x.TagsFile == k.tags.version && x.History == k.newest()
}

func (k *stackObjects) newest() string {
	if k.history.key == "" {
		return ""
	}
	return k.history.key + " " + k.history.version
}

// put notes what was read of a stack, beginning at the time read, unless something may since have changed without a trace.
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

// save writes the index, if that is worth it. Whoever may not write, or finds no room, does without.
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

package github

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// cache keeps answers on disk, so that GitHub can be asked whether they changed. It never answers by itself, and it stores no
// secrets. The HTTP caches that go-github recommends promise neither: they use an answer with max-age=60 for a minute, may
// return an old one if the server fails, and store the request's Authorization header because the answer varies with it.
//
// A file that cannot be read, or whose checksum is wrong, counts as missing. A file that cannot be written is logged once.
type cache struct {
	dir string // "" keeps nothing
	log func(string)
	// logOnce guards the one message about a folder that cannot be written.
	logOnce sync.Once
}

// entry is a kept answer.
type entry struct {
	URL  string `json:"url"`
	ETag string `json:"etag"`
	Link string `json:"link,omitempty"` // where the next page is
	Body []byte `json:"body"`
	Sum  string `json:"sum"` // checksum of the other fields
}

func (e entry) sum() string {
	h := sha256.New()
	for _, part := range []string{e.URL, e.ETag, e.Link, string(e.Body)} {
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// answer returns the kept answer to a request for url.
func (c *cache) answer(url string) (entry, bool) {
	var e entry
	ok := c.read(answerFile(url), &e) && e.URL == url && e.ETag != "" && e.Sum == e.sum()
	return e, ok
}

// keep stores an answer and replaces the previous one.
func (c *cache) keep(e entry) {
	e.Sum = e.sum()
	c.write(answerFile(e.URL), e)
}

func answerFile(url string) string {
	sum := sha256.Sum256([]byte(url))
	return "answer-" + hex.EncodeToString(sum[:16]) + ".json"
}

// dateFile is the file of commit times.
const dateFile = "commits.json"

// dates returns the known commit times, in seconds since 1970 by commit.
func (c *cache) dates() map[string]int64 {
	var known struct {
		Commits map[string]int64 `json:"commits"`
		Sum     string           `json:"sum"`
	}
	if !c.read(dateFile, &known) || known.Commits == nil || known.Sum != dateSum(known.Commits) {
		return map[string]int64{}
	}
	return known.Commits
}

func (c *cache) keepDates(known map[string]int64) {
	c.write(dateFile, map[string]any{"commits": known, "sum": dateSum(known)})
}

func dateSum(known map[string]int64) string {
	text, _ := json.Marshal(known) // sorted by key; cannot fail for such a map
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func (c *cache) read(name string, into any) bool {
	if c.dir == "" {
		return false
	}
	data, err := os.ReadFile(filepath.Join(c.dir, name))
	return err == nil && json.Unmarshal(data, into) == nil
}

// write replaces a file in one step: a concurrent reader sees the old file or the new one.
func (c *cache) write(name string, content any) {
	if c.dir == "" {
		return
	}
	if err := replaceFile(c.dir, name, content); err != nil {
		c.logOnce.Do(func() { c.log(line("answers are not kept for the next run: " + err.Error())) })
	}
}

func replaceFile(dir, name string, content any) error {
	data, err := json.Marshal(content)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(dir, name+".*.tmp")
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(file.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}

// sweep removes temporary files of writes that were interrupted more than an hour ago.
func (c *cache) sweep(now time.Time) {
	left, _ := filepath.Glob(filepath.Join(c.dir, "*.tmp"))
	for _, path := range left {
		if info, err := os.Lstat(path); err == nil && info.Mode().Type() == fs.FileMode(0) && now.Sub(info.ModTime()) > time.Hour {
			_ = os.Remove(path)
		}
	}
}

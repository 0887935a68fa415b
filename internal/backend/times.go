package backend

import (
	"time"

	"github.com/branchenv/branchenv/stacks/names"
)

// GoodUpdate is when the stack's last good update ended; when it was made where there was none; else zero. The backend
// tells only the last run of any kind. What was known before a run that failed, a recovery or a destroy, the next `up`
// has noted in a tag.
func (f Facts) GoodUpdate() time.Time {
	if f.LastUpdate.Succeeded() && f.LastUpdate.Kind == "update" && f.Tags[names.TagUnhealthy] == "" {
		return time.Unix(max(f.LastUpdate.StartTime, f.LastUpdate.EndTime), 0).UTC()
	}
	for _, tag := range []string{names.TagUpdated, names.TagCreated} {
		if t, err := time.Parse(time.RFC3339, f.Tags[tag]); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// LastChange is when anybody last worked on the stack: the end of its last run, however it went, else when it was made.
func (f Facts) LastChange() time.Time {
	at := f.Changed
	if f.LastUpdate != nil {
		if end := time.Unix(max(f.LastUpdate.StartTime, f.LastUpdate.EndTime), 0); end.After(at) {
			at = end
		}
	}
	if made, err := time.Parse(time.RFC3339, f.Tags[names.TagCreated]); err == nil && made.After(at) {
		at = made
	}
	if at.IsZero() {
		return at
	}
	return at.UTC()
}

// KeepUntil is the time until which someone wants the environment kept; zero where nobody said so.
func (f Facts) KeepUntil() time.Time {
	t, err := time.Parse(time.RFC3339, f.Tags[names.TagKeep])
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

package backend

import (
	"time"

	"github.com/branchenv/branchenv/stacks/names"
)

// GoodUpdate returns the end of the stack's last good update. If there was none, it is the time of the stack's creation, else
// zero. The backend knows only the last run of any kind; so an `up` after a failed run, a recovery or a destroy stores the
// earlier time in a tag.
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

// LastChange returns the end of the stack's last run, whatever its result, else the time of the stack's creation.
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

// KeepUntil returns the time until which the environment must be kept; zero if none is set.
func (f Facts) KeepUntil() time.Time {
	t, err := time.Parse(time.RFC3339, f.Tags[names.TagKeep])
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

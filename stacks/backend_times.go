package stacks

import "time"

// goodUpdate is when the stack's last good update ended; when it was made where there was none; else zero. The backend
// tells only the last run of any kind. What was known before a run that failed, a recovery or a destroy, the next `up`
// has noted in a tag.
func (f facts) goodUpdate() time.Time {
	if f.last.succeeded() && f.last.Kind == "update" && f.tags[tagUnhealthy] == "" {
		return time.Unix(max(f.last.StartTime, f.last.EndTime), 0).UTC()
	}
	for _, tag := range []string{tagUpdated, tagCreated} {
		if t, err := time.Parse(time.RFC3339, f.tags[tag]); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// lastChange is when anybody last worked on the stack: the end of its last run, however it went, else when it was made.
func (f facts) lastChange() time.Time {
	at := f.changed
	if f.last != nil {
		if end := time.Unix(max(f.last.StartTime, f.last.EndTime), 0); end.After(at) {
			at = end
		}
	}
	if made, err := time.Parse(time.RFC3339, f.tags[tagCreated]); err == nil && made.After(at) {
		at = made
	}
	if at.IsZero() {
		return at
	}
	return at.UTC()
}

// keepUntil is the time until which someone wants the environment kept; zero where nobody said so.
func (f facts) keepUntil() time.Time {
	t, err := time.Parse(time.RFC3339, f.tags[tagKeep])
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

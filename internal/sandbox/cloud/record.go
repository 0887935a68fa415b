package cloud

import (
	"slices"
	"time"

	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// A Record is a stored resource.
//
// An operation that takes a while stores its changes in advance, each with its time (Next). A later read applies the
// changes that are due. So a resource becomes ready by itself, as on AWS, even if the process that created it was killed.
type Record struct {
	Type    string       `json:"type"` // Pulumi type token
	ID      string       `json:"id"`
	Name    string       `json:"name"` // its name in AWS; unique in its type and region if Kind.NameTaken is set
	Region  string       `json:"region"`
	Inputs  value.Object `json:"inputs"`  // as the program gave them
	Outputs value.Object `json:"outputs"` // with what AWS computes
	Status  string       `json:"status"`  // in the service's words: available, Ready, …
	Health  string       `json:"health,omitempty"`
	Created time.Time    `json:"created"`
	Updated time.Time    `json:"updated"`
	Next    []Change     `json:"next,omitempty"`   // changes to come, the earliest first
	Events  []Event      `json:"events,omitempty"` // some may be in the future
}

// A Change changes a record at a given time.
type Change struct {
	At     time.Time `json:"at"`
	Status string    `json:"status"`
	Health string    `json:"health,omitempty"`
	Gone   bool      `json:"gone,omitempty"` // the record is removed
}

// An Event is an entry of a service's event list. One in the future is not listed yet.
type Event struct {
	At       time.Time `json:"at"`
	Severity string    `json:"severity"` // INFO, WARN, ERROR
	Message  string    `json:"message"`
}

// Never returns the time of a change that does not happen, such as the end of an operation that hangs.
func Never() time.Time { return time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) }

// ApplyDue applies the changes that are due, and reports whether the record still exists.
func (r *Record) ApplyDue(now time.Time) bool {
	for len(r.Next) > 0 && !r.Next[0].At.After(now) {
		c := r.Next[0]
		r.Next = r.Next[1:]
		if c.Gone {
			return false
		}
		r.Status = c.Status
		if c.Health != "" {
			r.Health = c.Health
		}
	}
	return true
}

// Pending reports whether an operation on the record will change its status. A removal does not count.
func (r *Record) Pending() bool {
	return slices.ContainsFunc(r.Next, func(c Change) bool { return !c.Gone })
}

// endsAt returns when the pending operation ends, the zero time if none is pending.
func (r *Record) endsAt() time.Time {
	for _, c := range slices.Backward(r.Next) {
		if !c.Gone {
			return c.At
		}
	}
	return time.Time{}
}

// AddEvent adds an event that happens at a time. severity is INFO, WARN or ERROR.
func (r *Record) AddEvent(at time.Time, severity, message string) {
	r.Events = append(r.Events, Event{At: at, Severity: severity, Message: message})
}

// EventsUntil returns the events up to now, the newest first.
func (r *Record) EventsUntil(now time.Time) []Event {
	var out []Event
	for _, e := range slices.Backward(r.Events) {
		if !e.At.After(now) {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b Event) int { return b.At.Compare(a.At) })
	return out
}

// Text returns an output as a string, "" if there is none.
func (r *Record) Text(key string) string { return r.Outputs.Text(key) }

// Tags returns the record's tags. The provider's default tags are among them.
func (r *Record) Tags() map[string]string {
	tags := map[string]string{}
	from := r.Outputs["tagsAll"]
	if from == nil {
		from = r.Outputs["tags"]
	}
	for k, v := range value.ObjectOf(from) {
		tags[k] = value.Text(v)
	}
	return tags
}

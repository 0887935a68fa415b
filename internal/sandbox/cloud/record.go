package cloud

import (
	"slices"
	"time"

	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// A Record is one thing that exists in the simulated AWS: what is stored of a resource.
//
// Time passes in it by plan: an operation that takes a while writes down at once what will happen and when (Next), and
// whoever reads the record later applies what is due. So a process that is killed while it waits leaves behind what
// AWS would have: a thing that was accepted and gets ready by itself.
type Record struct {
	Type    string       `json:"type"` // Pulumi type token
	ID      string       `json:"id"`
	Name    string       `json:"name"` // what AWS calls it; unique per type and region where AWS says so
	Region  string       `json:"region"`
	Inputs  value.Object `json:"inputs"`
	Outputs value.Object `json:"outputs"`
	Status  string       `json:"status"` // in the service's own words: available, Ready, …
	Health  string       `json:"health,omitempty"`
	Created time.Time    `json:"created"`
	Updated time.Time    `json:"updated"`
	Next    []Change     `json:"next,omitempty"` // in order of time
	Events  []Event      `json:"events,omitempty"`
}

// A Change is what a record becomes at a time.
type Change struct {
	At     time.Time `json:"at"`
	Status string    `json:"status"`
	Health string    `json:"health,omitempty"`
	Gone   bool      `json:"gone,omitempty"` // the record vanishes
}

// An Event is one line of a service's event list. It may lie in the future: then nobody sees it yet.
type Event struct {
	At       time.Time `json:"at"`
	Severity string    `json:"severity"` // INFO, WARN, ERROR
	Message  string    `json:"message"`
}

// Never is when things happen that do not happen: the end of a wait that hangs.
var Never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// ApplyDue applies the changes that are due and tells whether the record still exists.
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

// Pending tells whether an operation on the record is under way: one that ends in a state rather than in oblivion.
func (r *Record) Pending() bool {
	return slices.ContainsFunc(r.Next, func(c Change) bool { return !c.Gone })
}

// endsAt is when the operation under way ends; the zero time when none is.
func (r *Record) endsAt() time.Time {
	for _, c := range slices.Backward(r.Next) {
		if !c.Gone {
			return c.At
		}
	}
	return time.Time{}
}

func (r *Record) AddEvent(at time.Time, severity, message string) {
	r.Events = append(r.Events, Event{At: at, Severity: severity, Message: message})
}

// EventsUntil are the events that happened until now, the newest first, as AWS lists them.
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

// Text is an output that is a string, "" if there is none.
func (r *Record) Text(key string) string { return r.Outputs.Text(key) }

// Tags are all the record's tags, the provider's default tags among them.
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

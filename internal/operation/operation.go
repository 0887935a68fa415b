// Package operation connects a running operation with its caller: events go out, requests to stop go in.
package operation

import (
	"sync"
	"time"

	"github.com/branchenv/branchenv/internal/fault"
)

// Event is one thing that happens while a command runs. It is used to show progress.
type Event struct {
	Time    time.Time
	Stack   string
	Kind    EventKind
	Op      string        // create, update, replace, delete, read, same …; for Step the step's name
	Type    string        // Pulumi type token of the resource
	Name    string        // its logical name
	Elapsed time.Duration // for ResourceDone and ResourceFailed
	Message fault.Text    // for Note, Warning, AWS and ResourceFailed: a single clean line
	Done    int           // for Emptying: entries removed so far
	Bucket  string        // for Emptying
}

// EventKind is the kind of an Event.
type EventKind int

// The kinds of events.
const (
	Step           EventKind = iota // a command's next step begins: "update", "destroy", "empty buckets", …
	ResourceStart                   // a resource's operation begins
	ResourceDone                    // … ended well
	ResourceFailed                  // … failed
	Note                            // something worth a line
	Warning                         // something to act upon
	AWS                             // an event that AWS reported, of Beanstalk for instance
	Emptying                        // progress of emptying a bucket; the end is not known
)

// Observer receives events, from one goroutine at a time. It may be nil everywhere.
type Observer func(Event)

// Serialized returns an Observer that may be called from several goroutines. The engine's events, Beanstalk's events and the
// progress of emptying a bucket come from different ones.
func (o Observer) Serialized() Observer {
	if o == nil {
		return nil
	}
	var mu sync.Mutex
	return func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		o(e)
	}
}

// Package operation is what a running operation and its caller tell each other: events go out, the wish to stop goes in.
package operation

import (
	"sync"
	"time"
)

// Event is one thing that happens while a command runs, for whoever shows progress.
type Event struct {
	Time    time.Time
	Stack   string
	Kind    EventKind
	Op      string        // create, update, replace, delete, read, same …; for Step the step's name
	Type    string        // Pulumi type token of the resource
	Name    string        // its logical name
	Elapsed time.Duration // for ResourceDone and ResourceFailed
	Message string        // for Note, Warning, AWS and ResourceFailed: a single clean line
	Done    int           // for Emptying: entries removed so far
	Bucket  string        // for Emptying
}

// EventKind tells what an Event is about.
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

// Observer is told what happens, from one goroutine at a time. nil is allowed wherever one is taken.
type Observer func(Event)

// Serialized is an Observer that may be called from several goroutines: the engine's events, Beanstalk's and the
// progress of emptying a bucket come from one each.
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

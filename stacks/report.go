package stacks

import (
	"sync"
	"time"
)

// Environment is what branchenv tells about one environment, the JSON of `up`, `show` and `list`.
type Environment struct {
	Branch    string     `json:"branch"`
	Stack     string     `json:"stack"`
	Kind      string     `json:"kind"`
	URL       string     `json:"url"`
	Host      string     `json:"host"`
	Status    Status     `json:"status"`
	Version   string     `json:"version"`  // image reference, or the application version's label
	Platform  string     `json:"platform"` // beanstalk
	Database  string     `json:"database"` // the RDS instance's identifier, "" without one
	Bucket    string     `json:"bucket"`   // "" without one
	CreatedAt *time.Time `json:"createdAt"`
	UpdatedAt *time.Time `json:"updatedAt"`
	// ExpiresAt is when it is gone at the latest if nothing happens to it or its branch: its ttl after its last good
	// update, or the end of the time that someone wants it kept, and then one interval of reconcile. null: never.
	ExpiresAt *time.Time `json:"expiresAt"`
	Protected bool       `json:"protected"`
}

// Status is the state of an environment as its stack tells it.
type Status string

// The states of an environment.
const (
	StatusReady      Status = "ready"      // the last update succeeded
	StatusUpdating   Status = "updating"   // a live process holds the stack's lock
	StatusIncomplete Status = "incomplete" // an update was interrupted or failed: run the same command again
	StatusEmpty      Status = "empty"      // a stack without resources
	StatusUnreadable Status = "unreadable" // its state, tags, history or lock cannot be read: doctor tells more
)

// Receipt says what a destroy did, checked by describing every resource that the state had.
type Receipt struct {
	Branch    string     `json:"branch"`
	Stack     string     `json:"stack"`
	Deleted   []Resource `json:"deleted"`
	Remaining []Resource `json:"remaining"` // not deleted, or not to be told: see Resource.Note
	Objects   int        `json:"objects"`   // object versions, delete markers and unfinished uploads removed from buckets
	Seconds   float64    `json:"seconds"`
}

// Resource is one AWS resource in a receipt.
type Resource struct {
	Type string `json:"type"` // Pulumi type token, for instance aws:s3/bucketV2:BucketV2
	Name string `json:"name"` // AWS name or id
	Note string `json:"note,omitempty"`
}

// Preview is what an update would change.
type Preview struct {
	Branch  string         `json:"branch"`
	Stack   string         `json:"stack"`
	Changes map[string]int `json:"changes"` // number of resources by operation: create, update, replace, delete, same
	Steps   []PreviewStep  `json:"steps"`   // what is not "same"
}

// PreviewStep is one resource's change in a preview.
type PreviewStep struct {
	Op   string   `json:"op"`
	Type string   `json:"type"`
	Name string   `json:"name"`
	Diff []string `json:"diff,omitempty"` // property paths that change
}

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

// oneAtATime is an Observer that may be called from several goroutines: the engine's events, Beanstalk's and the
// progress of emptying a bucket come from one each.
func (o Observer) oneAtATime() Observer {
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

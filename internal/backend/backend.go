// Package backend reads the facts about a project's stacks from Pulumi's backend: files, a bucket or Pulumi Cloud.
//
// It reads in bulk and starts no process. An object that cannot be read is an error that names the stack, never an absence.
// It writes no state: only tags, locks, new empty stacks, and branchenv's own files below .branchenv.
package backend

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"github.com/branchenv/branchenv/internal/text"
)

// Backend reads the facts about a project's stacks in bulk and stores their tags. An object that cannot be read is an error
// that names the stack, never an absence: a stack that is overlooked could be created twice, and one whose tags are
// overlooked could be destroyed.
type Backend interface {
	// List returns the facts of every stack of the project, sorted by name, with their states in outline only. The list includes
	// stacks that cannot be read: their Broken is set.
	List(ctx context.Context) ([]Facts, error)
	// Read returns the facts of one stack, never from the index; nil if there is no such stack.
	Read(ctx context.Context, name string) (*Facts, error)
	// Hosts returns the host labels of all stacks.
	Hosts(ctx context.Context) (Hosts, error)
	// Create creates an empty stack with these tags. It returns ErrExists if there is one and ErrLocked if another process has
	// locked it; locks for which dead returns true are removed. It returns errors.ErrUnsupported if only pulumi can create it.
	Create(ctx context.Context, name string, tags map[string]string, dead func(Lock) bool) error
	// SetTags replaces a stack's tags.
	SetTags(ctx context.Context, name string, tags map[string]string) error
	// BreakLock removes one lock of a stack.
	BreakLock(ctx context.Context, l Lock) error
	// LocksBefore returns the locks of all stacks that were taken before a time.
	LocksBefore(ctx context.Context, then time.Time) ([]Lock, error)
	// Hold writes a note that a process works on a stack, until release. The note shows whether the process of a lock is gone.
	Hold(ctx context.Context, stack string, pid int) (release func())
	stateSaver
	// Heartbeat returns the project's heartbeat; nothing if there is none.
	Heartbeat(ctx context.Context) ([]byte, error)
	// SetHeartbeat replaces the project's heartbeat.
	SetHeartbeat(ctx context.Context, text []byte) error
	// Projects returns the names of the projects with stacks in the backend, sorted; none from Pulumi Cloud.
	Projects(ctx context.Context) ([]string, error)
	// Scratch creates, in a folder, a file backend with an empty stack and a copy of the application stack.
	Scratch(ctx context.Context, folder, stack string) error
	// PrepareRun checks that there is enough disk space for a run of pulumi on a stack, and copies the state of the stack.
	PrepareRun(f Facts) error
	// RestoreCommand returns the command that restores the copy of PrepareRun; "" if there is none.
	RestoreCommand(stack string) string
	// DropStateCopy removes the copy of PrepareRun. It is called after the stack was removed.
	DropStateCopy(stack string) error
	// Location returns the place of the stacks.
	Location() Location
	// SelfManaged reports whether the backend is self-managed (a file system or a bucket), not Pulumi Cloud.
	SelfManaged() bool
	// Close releases the connections of the backend.
	Close() error
}

// Facts holds everything that a backend knows of one stack.
type Facts struct {
	Name            string
	Project         string // the project of Pulumi, which is that of the settings
	Tags            map[string]string
	State           State
	Locks           []Lock
	LastUpdate      *Update // the last run that ended; nil before the first
	Changed         time.Time
	Broken          error // why the stack cannot be read; the other facts may then be incomplete
	Unfinished      bool  // it has no checkpoint: its creation or removal was interrupted
	copiedResources int   // resources in an older copy of the state, if the state is blank though no destroy emptied it
}

// State is the part of a stack's state that branchenv reads.
type State struct {
	Manifest struct {
		Time time.Time `json:"time"`
	} `json:"manifest"`
	SecretsProviders struct {
		Type  string          `json:"type"`
		State json.RawMessage `json:"state,omitempty"`
	} `json:"secrets_providers"`
	Resources []Resource         `json:"resources"`
	Pending   []PendingOperation `json:"pending_operations"`
}

// PendingOperation is an operation that began and whose result the state does not know.
type PendingOperation struct {
	Resource Resource              `json:"resource"`
	Type     apitype.OperationType `json:"type"`
}

// Resource is one resource of a state.
type Resource struct {
	URN      string         `json:"urn"`
	Custom   bool           `json:"custom"`
	ID       string         `json:"id"`
	Type     string         `json:"type"`
	Inputs   map[string]any `json:"inputs"`
	Outputs  map[string]any `json:"outputs"`
	Parent   string         `json:"parent"`
	External bool           `json:"external"`
	Delete   bool           `json:"delete"`
}

// RootType is the type token of the resource that represents the stack itself and holds its outputs.
const RootType = "pulumi:pulumi:Stack"

// Outputs returns the outputs of the stack; nil before the program ended for the first time.
func (s State) Outputs() map[string]any {
	for _, r := range s.Resources {
		if r.Type == RootType && r.Parent == "" {
			return r.Outputs
		}
	}
	return nil
}

// AWS returns the AWS resources of the state, in its order, without those that were only read.
func (s State) AWS() []Resource {
	var found []Resource
	for _, r := range s.Resources {
		if r.Custom && !r.External && IsAWS(r.Type) {
			found = append(found, r)
		}
	}
	return found
}

// IsAWS reports whether a type token is that of an AWS resource.
func IsAWS(typ string) bool { return len(typ) > 4 && typ[:4] == "aws:" }

// Empty reports whether the stack has neither resources of any provider nor pending operations.
func (s State) Empty() bool {
	return len(s.Pending) == 0 && !slices.ContainsFunc(s.Resources, Resource.real)
}

// real reports whether r was created by a provider.
func (r Resource) real() bool {
	return r.Custom && !r.External && !strings.HasPrefix(r.Type, "pulumi:providers:")
}

// Blank reports whether the stack is empty and has no outputs. A stack without resources may have outputs that others
// read.
func (s State) Blank() bool { return s.Empty() && len(s.Outputs()) == 0 }

// Lock is one holder's claim on a stack.
type Lock struct {
	Stack     string    `json:"-"`
	Key       string    `json:"-"` // its key in the backend, for BreakLock
	holders   []holder  // the notes that may belong to it
	Pid       int       `json:"pid"`
	Username  string    `json:"username"`
	Hostname  string    `json:"hostname"`
	Timestamp time.Time `json:"timestamp"`
}

// Describe returns the holder of the lock and its age, for people.
func (l Lock) Describe(now time.Time) string {
	if l.Pid == 0 && l.Username == "" && l.Hostname == "" || l.Timestamp.IsZero() {
		return "a lock that does not say whose it is"
	}
	return fmt.Sprintf("%s@%s, process %d, for %s", l.Username, l.Hostname, l.Pid, text.Duration(now.Sub(l.Timestamp)))
}

// Update is one run of the engine on a stack, from its history.
type Update struct {
	Kind      string                     `json:"kind"`
	StartTime int64                      `json:"startTime"`
	EndTime   int64                      `json:"endTime"`
	Result    string                     `json:"result"` // succeeded, failed
	Message   string                     `json:"message"`
	Config    map[string]json.RawMessage `json:"config"`
}

// destroyed reports whether the stack's last run was a destroy that succeeded.
func (f Facts) destroyed() bool {
	return f.LastUpdate != nil && f.LastUpdate.Kind == "destroy" && f.LastUpdate.Succeeded()
}

// LostResources returns why an interruption cannot have left a blank state without tags; "" if it may have.
func (f Facts) LostResources() string {
	switch {
	case f.LastUpdate.Succeeded() && f.LastUpdate.Kind == "update":
		return "its last update succeeded"
	case f.copiedResources > 0:
		return "a copy of its state has " + text.Count(f.copiedResources, "AWS resource")
	}
	return ""
}

// Succeeded reports whether the run succeeded; not if u is nil.
func (u *Update) Succeeded() bool { return u != nil && u.Result == "succeeded" }

// Same reports whether u and v are the same run.
func (u *Update) Same(v *Update) bool {
	if u == nil || v == nil {
		return u == v
	}
	return u.Kind == v.Kind && u.StartTime == v.StartTime && u.EndTime == v.EndTime && u.Result == v.Result
}

// Package backend reads the facts about a project's stacks from where Pulumi keeps them: files, a bucket or Pulumi Cloud.
//
// It reads in bulk and starts no process. An object that cannot be read is an error that names the stack, never an absence.
// It writes no state: only tags, locks, new empty stacks, and what branchenv keeps beside them below .branchenv.
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

// Backend reads the facts about a project's stacks in bulk, from where Pulumi keeps them, and keeps their tags. What
// cannot be read is an error that names the stack, never an absence: a stack that is overlooked could be made twice,
// and one whose tags are overlooked could be destroyed.
type Backend interface {
	// List returns the facts of every stack of the project, sorted by name; their states in outline only. A stack that cannot be
	// read is among them and says so.
	List(ctx context.Context) ([]Facts, error)
	// Read returns one stack's facts, always from where they are kept; nil if there is no such stack.
	Read(ctx context.Context, name string) (*Facts, error)
	// Hosts returns who has which host label.
	Hosts(ctx context.Context) (Hosts, error)
	// Create makes an empty stack with these tags: errStackExists where there is one, errStackLocked where somebody works on it, but for
	// holders that are dead; errors.ErrUnsupported where only pulumi can make it.
	Create(ctx context.Context, name string, tags map[string]string, dead func(Lock) bool) error
	// SetTags replaces a stack's tags.
	SetTags(ctx context.Context, name string, tags map[string]string) error
	// BreakLock removes one lock of a stack.
	BreakLock(ctx context.Context, l Lock) error
	// LocksBefore returns the locks of all stacks that were taken before a time.
	LocksBefore(ctx context.Context, then time.Time) ([]Lock, error)
	// Hold notes that a process works on a stack, until release: a lock that it leaves behind can then be told from a living one's.
	Hold(ctx context.Context, stack string, pid int) (release func())
	stateSaver
	// Heartbeat returns the project's heartbeat; nothing where there is none.
	Heartbeat(ctx context.Context) ([]byte, error)
	// SetHeartbeat replaces it.
	SetHeartbeat(ctx context.Context, text []byte) error
	// Projects returns the names of the projects that have something in the backend, sorted; none from Pulumi Cloud.
	Projects(ctx context.Context) ([]string, error)
	// Scratch makes, in a folder, a backend of files with an empty stack and a copy of the application stack.
	Scratch(ctx context.Context, folder, stack string) error
	// PrepareRun makes sure that there is room for a run of pulumi over a stack, and copies its state, which was read, before it.
	PrepareRun(f Facts) error
	// RestoreCommand says how to put that copy of a stack's state back; "" if there is none.
	RestoreCommand(stack string) string
	// DropStateCopy removes the copy of a stack's state, after the stack itself.
	DropStateCopy(stack string) error
	// Location is where the stacks are kept.
	Location() Location
	// SelfManaged tells a self-managed backend (a file system or a bucket) from Pulumi Cloud.
	SelfManaged() bool
	Close() error
}

// Facts are what a backend knows of one stack.
type Facts struct {
	Name            string
	Project         string // Pulumi's, which is the settings'
	Tags            map[string]string
	State           State
	Locks           []Lock
	LastUpdate      *Update // the last update that ended; nil before the first
	Changed         time.Time
	Broken          error // why not all of it is known; then what else is here may be incomplete
	Unfinished      bool  // it has no checkpoint: its making, or its removal, was interrupted
	copiedResources int   // how many resources an older copy of the state has, if the state is blank and no destroy emptied it
}

// State is the part of a stack's deployment that branchenv reads.
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

// PendingOperation is an operation of which a state does not know whether it was done.
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

// RootType is the type token of the resource that stands for the stack itself and holds its outputs.
const RootType = "pulumi:pulumi:Stack"

// Outputs are the stack's outputs; nil before the program ended for the first time.
func (s State) Outputs() map[string]any {
	for _, r := range s.Resources {
		if r.Type == RootType && r.Parent == "" {
			return r.Outputs
		}
	}
	return nil
}

// AWS are the AWS resources of the state, in its order: those made by a provider, without what was only read.
func (s State) AWS() []Resource {
	var found []Resource
	for _, r := range s.Resources {
		if r.Custom && !r.External && IsAWS(r.Type) {
			found = append(found, r)
		}
	}
	return found
}

func IsAWS(typ string) bool { return len(typ) > 4 && typ[:4] == "aws:" }

// Empty tells whether the stack has neither resources, AWS's or anyone's, nor operations that may have made some.
func (s State) Empty() bool {
	return len(s.Pending) == 0 && !slices.ContainsFunc(s.Resources, Resource.real)
}

// real reports whether r is something that a provider made.
func (r Resource) real() bool {
	return r.Custom && !r.External && !strings.HasPrefix(r.Type, "pulumi:providers:")
}

// Blank tells whether nothing was ever made of the stack, no outputs either: a stack without resources may still be where
// others read them.
func (s State) Blank() bool { return s.Empty() && len(s.Outputs()) == 0 }

// Lock is one holder's claim on a stack.
type Lock struct {
	Stack     string    `json:"-"`
	Key       string    `json:"-"` // where it is kept, for breakLock
	holders   []holder  // the notes that may be about it
	Pid       int       `json:"pid"`
	Username  string    `json:"username"`
	Hostname  string    `json:"hostname"`
	Timestamp time.Time `json:"timestamp"`
}

func (l Lock) Describe(now time.Time) string {
	if l.Pid == 0 && l.Username == "" && l.Hostname == "" || l.Timestamp.IsZero() {
		return "a lock that does not say whose it is"
	}
	return fmt.Sprintf("%s@%s, process %d, for %s", l.Username, l.Hostname, l.Pid, text.Duration(now.Sub(l.Timestamp)))
}

// Update is one run of the engine over a stack, from its history.
type Update struct {
	Kind      string                     `json:"kind"`
	StartTime int64                      `json:"startTime"`
	EndTime   int64                      `json:"endTime"`
	Result    string                     `json:"result"` // succeeded, failed
	Message   string                     `json:"message"`
	Config    map[string]json.RawMessage `json:"config"`
}

// destroyed tells whether the stack's last run was a destroy that ended well.
func (f Facts) destroyed() bool {
	return f.LastUpdate != nil && f.LastUpdate.Kind == "destroy" && f.LastUpdate.Succeeded()
}

// LostResources says why a blank state without tags is not what an interruption leaves; "" if it may be that.
func (f Facts) LostResources() string {
	switch {
	case f.LastUpdate.Succeeded() && f.LastUpdate.Kind == "update":
		return "its last update succeeded"
	case f.copiedResources > 0:
		return "a copy of its state has " + text.Count(f.copiedResources, "AWS resource")
	}
	return ""
}

// Succeeded tells whether the stack's last run ended well.
func (u *Update) Succeeded() bool { return u != nil && u.Result == "succeeded" }

// Same reports whether u and v are one and the same run.
func (u *Update) Same(v *Update) bool {
	if u == nil || v == nil {
		return u == v
	}
	return u.Kind == v.Kind && u.StartTime == v.StartTime && u.EndTime == v.EndTime && u.Result == v.Result
}

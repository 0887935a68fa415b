package stacks

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// backend reads the facts about a project's stacks in bulk, from where Pulumi keeps them, and keeps their tags. What
// cannot be read is an error that names the stack, never an absence: a stack that is overlooked could be made twice,
// and one whose tags are overlooked could be destroyed.
type backend interface {
	// list returns the facts of every stack of the project, sorted by name; their states in outline only. A stack that cannot be
	// read is among them and says so.
	list(ctx context.Context) ([]facts, error)
	// read returns one stack's facts, always from where they are kept; nil if there is no such stack.
	read(ctx context.Context, name string) (*facts, error)
	// hosts returns who has which host label.
	hosts(ctx context.Context) (hosts, error)
	// create makes an empty stack with these tags: errStackExists where there is one, errStackLocked where somebody works on it, but for
	// holders that are dead; errors.ErrUnsupported where only pulumi can make it.
	create(ctx context.Context, name string, tags map[string]string, dead func(lock) bool) error
	// setTags replaces a stack's tags.
	setTags(ctx context.Context, name string, tags map[string]string) error
	// breakLock removes one lock of a stack.
	breakLock(ctx context.Context, l lock) error
	// locksBefore returns the locks of all stacks that were taken before a time.
	locksBefore(ctx context.Context, then time.Time) ([]lock, error)
	// hold notes that a process works on a stack, until release: a lock that it leaves behind can then be told from a living one's.
	hold(ctx context.Context, stack string, pid int) (release func())
	stateKeeper
	// heartbeat returns the project's heartbeat; nothing where there is none.
	heartbeat(ctx context.Context) ([]byte, error)
	// beat replaces it.
	beat(ctx context.Context, text []byte) error
	// projects returns the names of the projects that have something in the backend, sorted; none from Pulumi Cloud.
	projects(ctx context.Context) ([]string, error)
	// scratch makes, in a folder, a backend of files with an empty stack and a copy of the application stack.
	scratch(ctx context.Context, folder, stack string) error
	// prepareRun makes sure that there is room for a run of pulumi over a stack, and copies its state, which was read, before it.
	prepareRun(f facts) error
	// restoreCommand says how to put that copy of a stack's state back; "" if there is none.
	restoreCommand(stack string) string
	// dropCopy removes the copy of a stack's state, after the stack itself.
	dropCopy(stack string) error
	// where is where the stacks are kept.
	where() place
	// selfManaged tells a self-managed backend (a file system or a bucket) from Pulumi Cloud.
	selfManaged() bool
	close() error
}

// facts are what a backend knows of one stack.
type facts struct {
	name    string
	project string // Pulumi's, which is the settings'
	tags    map[string]string
	state   state
	locks   []lock
	last    *update // the last update that ended; nil before the first
	changed time.Time
	broken  error // why not all of it is known; then what else is here may be incomplete
	half    bool  // it has no checkpoint: its making, or its removal, was interrupted
	copied  int   // how many resources an older copy of the state has, if the state is blank and no destroy emptied it
}

// state is the part of a stack's deployment that branchenv reads.
type state struct {
	Manifest struct {
		Time time.Time `json:"time"`
	} `json:"manifest"`
	SecretsProviders struct {
		Type  string          `json:"type"`
		State json.RawMessage `json:"state,omitempty"`
	} `json:"secrets_providers"`
	Resources []stateResource    `json:"resources"`
	Pending   []pendingOperation `json:"pending_operations"`
}

// pendingOperation is an operation of which a state does not know whether it was done.
type pendingOperation struct {
	Resource stateResource         `json:"resource"`
	Type     apitype.OperationType `json:"type"`
}

// stateResource is one resource of a state.
type stateResource struct {
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

// rootType is the type token of the resource that stands for the stack itself and holds its outputs.
const rootType = "pulumi:pulumi:Stack"

// outputs are the stack's outputs; nil before the program ended for the first time.
func (s state) outputs() map[string]any {
	for _, r := range s.Resources {
		if r.Type == rootType && r.Parent == "" {
			return r.Outputs
		}
	}
	return nil
}

// aws are the AWS resources of the state, in its order: those made by a provider, without what was only read.
func (s state) aws() []stateResource {
	var found []stateResource
	for _, r := range s.Resources {
		if r.Custom && !r.External && isAWS(r.Type) {
			found = append(found, r)
		}
	}
	return found
}

func isAWS(typ string) bool { return len(typ) > 4 && typ[:4] == "aws:" }

// empty tells whether the stack has neither resources, AWS's or anyone's, nor operations that may have made some.
func (s state) empty() bool {
	return len(s.Pending) == 0 && !slices.ContainsFunc(s.Resources, stateResource.real)
}

// real reports whether r is something that a provider made.
func (r stateResource) real() bool {
	return r.Custom && !r.External && !strings.HasPrefix(r.Type, "pulumi:providers:")
}

// blank tells whether nothing was ever made of the stack, no outputs either: a stack without resources may still be where
// others read them.
func (s state) blank() bool { return s.empty() && len(s.outputs()) == 0 }

// lock is one holder's claim on a stack.
type lock struct {
	stack     string
	key       string    // where it is kept, for breakLock
	holders   []holder  // the notes that may be about it
	Pid       int       `json:"pid"`
	Username  string    `json:"username"`
	Hostname  string    `json:"hostname"`
	Timestamp time.Time `json:"timestamp"`
}

func (l lock) describe(now time.Time) string {
	if l.Pid == 0 && l.Username == "" && l.Hostname == "" || l.Timestamp.IsZero() {
		return "a lock that does not say whose it is"
	}
	return fmt.Sprintf("%s@%s, process %d, for %s", l.Username, l.Hostname, l.Pid, lasted(now.Sub(l.Timestamp)))
}

// update is one run of the engine over a stack, from its history.
type update struct {
	Kind      string                     `json:"kind"`
	StartTime int64                      `json:"startTime"`
	EndTime   int64                      `json:"endTime"`
	Result    string                     `json:"result"` // succeeded, failed
	Message   string                     `json:"message"`
	Config    map[string]json.RawMessage `json:"config"`
}

// destroyed tells whether the stack's last run was a destroy that ended well.
func (f facts) destroyed() bool {
	return f.last != nil && f.last.Kind == "destroy" && f.last.succeeded()
}

// lostResources says why a blank state without tags is not what an interruption leaves; "" if it may be that.
func (f facts) lostResources() string {
	switch {
	case f.last.succeeded() && f.last.Kind == "update":
		return "its last update succeeded"
	case f.copied > 0:
		return "a copy of its state has " + count(f.copied, "AWS resource")
	}
	return ""
}

// succeeded tells whether the stack's last run ended well.
func (u *update) succeeded() bool { return u != nil && u.Result == "succeeded" }

// same reports whether u and v are one and the same run.
func (u *update) same(v *update) bool {
	if u == nil || v == nil {
		return u == v
	}
	return u.Kind == v.Kind && u.StartTime == v.StartTime && u.EndTime == v.EndTime && u.Result == v.Result
}

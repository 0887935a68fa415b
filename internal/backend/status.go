package backend

import "github.com/branchenv/branchenv/stacks/names"

// Status is the state of an environment, derived from its stack.
type Status string

// The states of an environment.
const (
	StatusReady      Status = "ready"      // the last update succeeded
	StatusUpdating   Status = "updating"   // a live process holds the stack's lock
	StatusIncomplete Status = "incomplete" // an update was interrupted or failed: run the same command again
	StatusEmpty      Status = "empty"      // a stack without resources
	StatusUnreadable Status = "unreadable" // its state, tags, history or lock cannot be read: doctor shows more
)

// Status returns the status of the stack.
func (f Facts) Status() Status {
	switch {
	case f.Broken != nil:
		return StatusUnreadable
	case len(f.Locks) > 0:
		return StatusUpdating
	case f.State.Empty():
		return StatusEmpty
	case len(f.State.Pending) > 0, !f.LastUpdate.Succeeded(), f.Tags[names.TagUnhealthy] != "", f.Tags[names.TagMissing] != "", f.LastUpdate.Kind == "destroy", f.LastUpdate.Message == RecoveryMessage:
		return StatusIncomplete
	}
	return StatusReady
}

// RecoveryMessage distinguishes a recovery from other refreshes in a stack's history. The update after a recovery may never
// have happened.
const RecoveryMessage = "branchenv: recover an interrupted run"

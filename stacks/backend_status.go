package stacks

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

// status tells the state of a stack.
func (f facts) status() Status {
	switch {
	case f.broken != nil:
		return StatusUnreadable
	case len(f.locks) > 0:
		return StatusUpdating
	case f.state.empty():
		return StatusEmpty
	case len(f.state.Pending) > 0, !f.last.succeeded(), f.tags[tagUnhealthy] != "", f.tags[tagMissing] != "", f.last.Kind == "destroy", f.last.Message == recovery:
		return StatusIncomplete
	}
	return StatusReady
}

// recovery is the message by which a recovery is told from other refreshes in a stack's history: the update that it
// went before may never have come.
const recovery = "branchenv: recover an interrupted run"

package fault

import "errors"

// Conflict is in the errors that say that another process works on a stack, or just made or removed it, and names that
// process. A moment later the same command may do.
type Conflict string

const ByAnother Conflict = "by another process"

func (c Conflict) Error() string { return string(c) }

func IsConflict(err error) bool {
	var c Conflict
	return errors.As(err, &c)
}

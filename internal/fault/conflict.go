package fault

import "errors"

// Conflict is wrapped by errors about another process that works on a stack, or has just created or removed it. It names that
// process. The same command may succeed a moment later.
type Conflict string

// ByAnother is the Conflict with an unknown process.
const ByAnother Conflict = "by another process"

func (c Conflict) Error() string { return string(c) }

// IsConflict reports whether err wraps a Conflict.
func IsConflict(err error) bool {
	var c Conflict
	return errors.As(err, &c)
}

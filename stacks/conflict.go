package stacks

import "errors"

// contended is in the errors that say that another process works on a stack, or just made or removed it, and names that
// process. A moment later the same command may do.
type contended string

const byAnother contended = "by another process"

func (c contended) Error() string { return string(c) }

func isContended(err error) bool {
	var c contended
	return errors.As(err, &c)
}

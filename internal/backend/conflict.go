package backend

import "github.com/branchenv/branchenv/internal/fault"

// ConflictError returns the error that another process just changed a stack; done is "made" or "removed".
func ConflictError(stack, done string) error {
	return fault.Failedf("stack %s was just %s %w", stack, done, fault.ByAnother).WithHint("run the same command again")
}

// NoApplicationError returns the error that there is no application stack.
func NoApplicationError() error {
	return fault.Usagef("the application stack, which all environments share, does not exist yet").WithHint("%s", fault.Command{"application", "up"})
}

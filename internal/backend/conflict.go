package backend

import "github.com/branchenv/branchenv/internal/fault"

// ConflictError is what to say where another process just made or removed a stack, as done says.
func ConflictError(stack, done string) error {
	return fault.Failedf("stack %s was just %s %w", stack, done, fault.ByAnother).WithHint("run the same command again")
}

// NoApplicationError is the error that there is no application stack.
func NoApplicationError() error {
	return fault.Usagef("the application stack, which all environments share, does not exist yet").WithHint("%s", fault.Command{"application", "up"})
}

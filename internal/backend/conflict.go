package backend

import "github.com/branchenv/branchenv/internal/fault"

// JustChanged is what to say where another process just made or removed a stack, as done says.
func JustChanged(stack, done string) error {
	return fault.Failedf("stack %s was just %s %w", stack, done, fault.ByAnother).WithHint("run the same command again")
}

// NoApplication is the error that there is no application stack.
func NoApplication() error {
	return fault.Usagef("the application stack, which all environments share, does not exist yet").WithHint("%s", fault.Command{"application", "up"})
}

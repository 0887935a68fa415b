package stacks

import "github.com/branchenv/branchenv/internal/fault"

// overtaken is what to say where another process just made or removed a stack, as done says.
func overtaken(stack, done string) error {
	return fault.Failedf("stack %s was just %s %w", stack, done, byAnother).WithHint("run the same command again")
}

// noApplication is the error that there is no application stack.
func noApplication() error {
	return fault.Usagef("the application stack, which all environments share, does not exist yet").WithHint("branchenv application up")
}

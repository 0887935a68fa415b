package engine

import "syscall"

// endWithParent ends pulumi when branchenv is killed, which takes the program, and the embedded AWS where it is used,
// with it: pulumi could not go on. Left alone, it would take their disappearance for failures of what it was creating,
// and forget it; so what was under way is still pending in its state, for the next run to look for.
func endWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }

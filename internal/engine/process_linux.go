package engine

import "syscall"

// endWithParent ends pulumi if branchenv is killed. The Pulumi program and the embedded AWS end with branchenv, so pulumi
// could not continue: it would record the resources under way as failed and forget them. Killed at once, it leaves them
// pending in its state, and the next run looks for them.
func endWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }

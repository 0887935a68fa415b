//go:build !linux

package engine

import "syscall"

// endWithParent does nothing where a parent's end cannot be told: see process_linux.go.
func endWithParent(*syscall.SysProcAttr) {}

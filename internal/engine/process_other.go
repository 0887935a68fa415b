//go:build !linux

package engine

import "syscall"

// endWithParent does nothing: only Linux reports the end of a parent. See process_linux.go.
func endWithParent(*syscall.SysProcAttr) {}

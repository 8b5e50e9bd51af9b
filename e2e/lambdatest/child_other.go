//go:build !linux

package lambdatest

import "syscall"

// childAttributes: only Linux can end a process with its parent. Elsewhere a
// bootstrap ends by itself when its Runtime API is gone.
func childAttributes() *syscall.SysProcAttr { return nil }

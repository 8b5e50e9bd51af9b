//go:build !linux

package lambdatest

import "syscall"

// childAttributes is empty: only Linux can end a process with its parent. On other
// systems a bootstrap ends itself when it cannot reach its Runtime API.
func childAttributes() *syscall.SysProcAttr { return nil }

package lambdatest

import "syscall"

// childAttributes makes the kernel end the process when the test ends, even if the test
// is killed and no cleanup runs. More exactly, the process ends with the thread that
// started it. Go ends a thread only if a goroutine exits while it is locked to it.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

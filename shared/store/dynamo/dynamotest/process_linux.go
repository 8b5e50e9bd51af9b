package dynamotest

import (
	"os/exec"
	"syscall"
)

// dieWithParent covers a test binary that is killed and runs no clean-up.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

package dynamotest

import (
	"os/exec"
	"syscall"
)

// endWithParent ends the engine with the test binary, if that is killed and so runs no
// clean-up.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

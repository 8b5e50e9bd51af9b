//go:build !linux

package dynamotest

import "os/exec"

// dieWithParent has no counterpart here: a killed test binary leaves its engine behind.
func dieWithParent(*exec.Cmd) {}

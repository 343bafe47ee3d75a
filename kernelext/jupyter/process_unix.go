//go:build unix

package jupyter

import (
	"os/exec"
	"syscall"
)

// ownGroup puts the kernel in a process group of its own: a Ctrl-C in the terminal does
// not reach it, and it can be ended together with the programs it runs.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// interruptGroup sends what Ctrl-C sends.
func interruptGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGINT) }

// killGroup ends every process of the group; there may be none left.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

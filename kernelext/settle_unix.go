//go:build linux || darwin

package kernelext

import (
	"os"

	"golang.org/x/sys/unix"
)

// unread is the number of bytes that wait in the pipe behind f; 0 when f is no pipe.
func unread(f *os.File) int {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return 0
	}
	conn, err := f.SyscallConn()
	if err != nil {
		return 0
	}
	waiting := 0
	err = conn.Control(func(fd uintptr) { waiting, _ = unix.IoctlGetInt(int(fd), fionread) })
	if err != nil {
		return 0
	}
	return waiting
}

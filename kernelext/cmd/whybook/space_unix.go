//go:build linux || darwin || freebsd

package main

import (
	"path/filepath"

	"golang.org/x/sys/unix"
)

// freeBytes returns the space left where the folder is or would be made.
func freeBytes(dir string) (int64, bool) {
	for {
		var s unix.Statfs_t
		if err := unix.Statfs(dir, &s); err == nil {
			return int64(uint64(s.Bavail) * uint64(s.Bsize)), true
		}
		if dir == filepath.Dir(dir) {
			return 0, false
		}
		dir = filepath.Dir(dir)
	}
}

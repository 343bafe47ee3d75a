//go:build !amd64

package gemm

// runnable reports whether this processor runs the kernels of p.
func runnable(p path) bool { return p == pathGo }

// microFor returns the micro-kernels of p, nil for plain Go.
func microFor[T float](path) *micro[T] { return nil }

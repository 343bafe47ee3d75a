package gemm

// runnable reports whether this processor runs the kernels of p.
func runnable(p path) bool { return p == pathGo }

//go:build race

package gemm

// With the race detector a sync.Pool throws away every fourth value on purpose.
func init() { poolsForget = true }

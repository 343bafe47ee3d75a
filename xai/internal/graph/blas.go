package graph

import (
	"runtime"

	"github.com/whybook/whybook/xai/internal/gemm"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/blas64"
	"gorgonia.org/gorgonia"
)

// init puts our matrix products below gonum's matrices and gorgonia's tensors, where they
// are faster than those libraries' own. Both keep their BLAS in a plain global variable,
// which may only be written before any goroutine multiplies: while packages are
// initialised. A program that sets a BLAS of its own in main has the last word.
func init() {
	kernel := gemm.Best()
	if kernel.String() == "go" {
		return // gonum's own assembly is faster than our plain Go
	}
	fast := gemm.BLAS{Kernel: kernel.Parallel(runtime.GOMAXPROCS(0))}
	gorgonia.Use(fast) // and tensor.Use
	blas32.Use(fast)
	blas64.Use(fast)
}

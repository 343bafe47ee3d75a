package graph

import (
	"runtime"

	"github.com/whybook/whybook/xai/internal/gemm"
)

// matmul computes C = op(A) op(B), or C += op(A) op(B) when add is set, for contiguous
// row-major matrices, on the calling goroutine: op(A) is m x k, op(B) is k x n. Operations
// that are parallel over the rows of a batch use it.
func matmul[T Float](transA, transB bool, m, n, k int, a, b, c []T, add bool) {
	multiply(gemm.Best(), transA, transB, m, n, k, a, b, c, add)
}

// matmulParallel is matmul on all processors, with the same bytes.
func matmulParallel[T Float](transA, transB bool, m, n, k int, a, b, c []T, add bool) {
	multiply(gemm.Best().Parallel(runtime.GOMAXPROCS(0)), transA, transB, m, n, k, a, b, c, add)
}

func multiply[T Float](kernel gemm.Kernel, transA, transB bool, m, n, k int, a, b, c []T, add bool) {
	lda, ldb := k, n
	if transA {
		lda = m
	}
	if transB {
		ldb = k
	}
	var beta T
	if add {
		beta = 1
	}
	switch a := any(a).(type) {
	case []float32:
		kernel.SGEMM(transA, transB, m, n, k, 1, a, lda, any(b).([]float32), ldb, float32(beta), any(c).([]float32), n)
	case []float64:
		kernel.DGEMM(transA, transB, m, n, k, 1, a, lda, any(b).([]float64), ldb, float64(beta), any(c).([]float64), n)
	}
}

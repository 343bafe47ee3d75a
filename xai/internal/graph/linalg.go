package graph

import "github.com/whybook/whybook/xai/internal/gemm"

// matmulParallel computes C = op(A) op(B), or C += op(A) op(B) when add is set, for
// contiguous row-major matrices, on all processors: op(A) is m x k, op(B) is k x n.
func matmulParallel[T Float](transA, transB bool, m, n, k int, a, b, c []T, add bool) {
	multiply(gemm.Best().Parallel(workers()), transA, transB, m, n, k, a, b, c, add)
}

// multiply is matmulParallel on the given kernel, with the same bytes.
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

// multiplyFrom computes C = A B, or C += A B when add is set, with A m x k and contiguous,
// B k x n from a source, and C contiguous.
func multiplyFrom[T Float](kernel gemm.Kernel, m, n, k int, a []T, b gemm.Source[T], c []T, add bool) {
	var beta T
	if add {
		beta = 1
	}
	switch a := any(a).(type) {
	case []float32:
		kernel.SGEMMFrom(false, m, n, k, 1, a, k, any(b).(gemm.Source[float32]), float32(beta), any(c).([]float32), n)
	case []float64:
		kernel.DGEMMFrom(false, m, n, k, 1, a, k, any(b).(gemm.Source[float64]), float64(beta), any(c).([]float64), n)
	}
}

package graph

import (
	"gonum.org/v1/gonum/blas"
	blasgonum "gonum.org/v1/gonum/blas/gonum"
)

// matmul computes C = op(A) op(B), or C += op(A) op(B) when add is set, for contiguous
// row-major matrices: op(A) is m x k, op(B) is k x n.
func matmul[T Float](transA, transB bool, m, n, k int, a, b, c []T, add bool) {
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
		blasgonum.Implementation{}.Sgemm(flag(transA), flag(transB), m, n, k, 1, a, lda, any(b).([]float32), ldb, float32(beta), any(c).([]float32), n)
	case []float64:
		blasgonum.Implementation{}.Dgemm(flag(transA), flag(transB), m, n, k, 1, a, lda, any(b).([]float64), ldb, float64(beta), any(c).([]float64), n)
	}
}

func flag(trans bool) blas.Transpose {
	if trans {
		return blas.Trans
	}
	return blas.NoTrans
}

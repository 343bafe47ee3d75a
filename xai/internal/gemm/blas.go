package gemm

import (
	"fmt"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// BLAS is gonum's BLAS with this package's Sgemm and Dgemm. It can be installed below
// gonum (blas32.Use, blas64.Use) and below gorgonia and its tensors (gorgonia.Use,
// tensor.Use); package graph does that where the kernels are faster than those libraries.
type BLAS struct {
	gonum.Implementation
	Kernel Kernel
}

var _ interface {
	blas.Float32
	blas.Float64
	blas.Complex64
	blas.Complex128
} = BLAS{}

// Sgemm computes C = alpha op(A) op(B) + beta C as [Kernel.SGEMM] does. Unlike
// gonum's, it skips no zeros of A, so 0 * Inf and 0 * NaN reach C as NaN.
func (b BLAS) Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, bm []float32, ldb int, beta float32, c []float32, ldc int) {
	b.Kernel.SGEMM(transposed(tA), transposed(tB), m, n, k, alpha, a, lda, bm, ldb, beta, c, ldc)
}

// Dgemm is [BLAS.Sgemm] in float64.
func (b BLAS) Dgemm(tA, tB blas.Transpose, m, n, k int, alpha float64, a []float64, lda int, bm []float64, ldb int, beta float64, c []float64, ldc int) {
	b.Kernel.DGEMM(transposed(tA), transposed(tB), m, n, k, alpha, a, lda, bm, ldb, beta, c, ldc)
}

func transposed(t blas.Transpose) bool {
	switch t {
	case blas.NoTrans:
		return false
	case blas.Trans, blas.ConjTrans:
		return true
	}
	panic(fmt.Sprintf("gemm: transpose is %q, want 'N', 'T' or 'C'", byte(t)))
}

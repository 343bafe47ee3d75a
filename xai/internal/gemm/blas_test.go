package gemm

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"github.com/whybook/whybook/xai/seed"
)

func TestBLASAgreesWithGonum(t *testing.T) {
	for i := range 4 {
		p := newProblem[float32](seed.Stream(7), i&1 != 0, i&2 != 0, 33, 50, 20, 3, 0, 2, -1)
		q := p.clone()
		tA, tB := blasTrans(p.transA), blasTrans(p.transB)
		BLAS{Kernel: Best()}.Sgemm(tA, tB, p.m, p.n, p.k, p.alpha, p.a, p.lda, p.b, p.ldb, p.beta, p.c, p.ldc)
		gonum.Implementation{}.Sgemm(tA, tB, q.m, q.n, q.k, q.alpha, q.a, q.lda, q.b, q.ldb, q.beta, q.c, q.ldc)
		for j := range p.whole {
			if d := math.Abs(float64(p.whole[j] - q.whole[j])); d > 1e-4 {
				t.Fatalf("transposes %c%c: element %d: %v, gonum %v", tA, tB, j, p.whole[j], q.whole[j])
			}
		}
	}
}

func TestBLASBadTranspose(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic for transpose 'X'")
		}
	}()
	BLAS{}.Sgemm(blas.Transpose('X'), blas.NoTrans, 0, 0, 0, 1, nil, 1, nil, 1, 0, nil, 1)
}
